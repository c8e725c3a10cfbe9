import type { IntentClass } from '../../schemas/settings.ts'
import type { Unresolved } from '../../schemas/wire/results.ts'
import { firstPart, part } from '../shared/rows.ts'
import type { NameKind } from '../shared/unresolved.ts'
import type { Said, Told } from './objects.ts'
import { isOf } from './objects.ts'
import type { Scope } from './scope.ts'

type About = readonly (readonly [key: string, told: Told])[]
type Named = readonly [feed: string, name: string]

/** Feeds and classes that a person vouched for. */
const vouched = 'vouched'

/** By home: what is named there in vain, each once for each feed, and the timer that is set where nobody is known, ms. */
const table = 'unresolved-at'

interface Row {
  readonly named: readonly Named[]
  readonly dueMs: number | null
}

const nothing: Row = { named: [], dueMs: null }

/**
 * Keeps up what the feeds say about this identity in vain: all of it where no feed of identities has told of it (`isKnown` false), else roles that
 * it has and nobody defines. What has ended says nothing any more. Answers when the next of it ends, ms; who is not known has a timer for that.
 */
export function noteUnresolved(scope: Scope, home: string, about: About, isKnown: boolean): number | null {
  const { context: { state, now }, timers, unresolved } = scope
  const inVain = about.filter(([, { record }]) => isInForce(record, now))
  const said = isKnown ? unknownRoles(scope, inVain) : unknownIdentity(home, inVain)
  const before = state.get<Row>(table, home) ?? nothing
  if (said.length === 0 && before === nothing) return null
  const named = new Map(said.map(({ feed, name }) => [keyOf([feed, name]), [feed, name] as const]))
  const endsMs = said.reduce<number | null>((first, { until }) => (until !== null && (first === null || until < first) ? until : first), null)
  const dueMs = isKnown ? null : endsMs
  timers.set(home, before.dueMs, dueMs)
  const were = new Set(before.named.map(keyOf))
  if (dueMs === before.dueMs && named.size === were.size && [...named.keys()].every((key) => were.has(key))) return endsMs
  for (const [key, one] of named) if (!were.has(key)) unresolved.add(...one)
  for (const one of before.named) if (!named.has(keyOf(one))) unresolved.remove(...one)
  if (named.size === 0) state.delete(table, home)
  else state.put(table, home, { named: [...named.values()], dueMs } satisfies Row)
  return endsMs
}

interface InVain {
  feed: string
  name: string
  until: number | null
}

const unknownIdentity = (home: string, about: About): InVain[] => about.map(([key, { record }]) => ({ feed: firstPart(key), name: home, until: untilOf(record) }))

function unknownRoles({ objects, roles }: Scope, about: About): InVain[] {
  return about.flatMap(([key, told]) => {
    if (!isOf(told, 'RoleAssignment') || roles.named(objects, told.record.role).length > 0) return []
    return [{ feed: firstPart(key), name: `role/${told.record.role}`, until: told.record.until }]
  })
}

const untilOf = (said: Said): number | null => ('until' in said ? said.until : null)

const isInForce = (said: Said, now: number): boolean => (untilOf(said) ?? Infinity) > now

const keyOf = ([feed, name]: Named): string => part(feed) + name

/** A person says that everything of a feed's class is here: from now on it is known what is not. */
export function vouch({ context: { state } }: Scope, feed: string, name: string): void {
  const key = part(feed) + name
  if (state.get(vouched, key) === undefined) state.put(vouched, key, 1)
}

/** The feed is retired: what was said of it holds no more. */
export function forgetVouched({ context: { state } }: Scope, feed: string): void {
  for (const [key] of state.range(vouched, { prefix: part(feed) })) state.delete(vouched, key)
}

/** What a feed names in vain, of what is known to be whole: who is read first is not missing what comes after it. */
export function unresolvedOf(scope: Scope, feed: string): Unresolved | null {
  const kinds = classOfKind.filter(([, name]) => isWhole(scope, name)).map(([kind]) => kind)
  return scope.unresolved.of(feed, kinds)
}

const classOfKind: readonly (readonly [NameKind, IntentClass])[] = [['identity', 'identities'], ['role', 'business-roles']]

function isWhole({ context: { state }, settings, runs }: Scope, name: IntentClass): boolean {
  const feeds = settings.sources()?.feeds
  return feeds !== undefined && feeds.every((feed) => feed.class !== name || runs.completeSince(feed.name, name) >= 0 || state.get(vouched, part(feed.name) + name) !== undefined)
}
