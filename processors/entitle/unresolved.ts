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

/** By home: what is named there in vain, each once for each feed. */
const table = 'unresolved-at'

/**
 * Keeps up what the feeds say about this identity in vain: all of it where no feed of identities has told of it (`isKnown` false), else roles that
 * it has and nobody defines. What has ended says nothing any more.
 */
export function noteUnresolved(scope: Scope, home: string, about: About, isKnown: boolean): void {
  const { context: { state, now }, unresolved } = scope
  const named = new Map([...(isKnown ? unknownRoles(scope, about) : unknownIdentity(home, about, now))].map((one) => [keyOf(one), one]))
  const before = state.get<readonly Named[]>(table, home) ?? []
  if (named.size === 0 && before.length === 0) return
  const were = new Set(before.map(keyOf))
  for (const [key, one] of named) if (!were.has(key)) unresolved.add(...one)
  for (const one of before) if (!named.has(keyOf(one))) unresolved.remove(...one)
  if (named.size === 0) state.delete(table, home)
  else state.put(table, home, [...named.values()])
}

function* unknownIdentity(home: string, about: About, now: number): Iterable<Named> {
  for (const [key, { record }] of about) if (isInForce(record, now)) yield [firstPart(key), home]
}

function* unknownRoles({ objects, roles, context: { now } }: Scope, about: About): Iterable<Named> {
  for (const [key, told] of about) {
    if (isOf(told, 'RoleAssignment') && isInForce(told.record, now) && roles.named(objects, told.record.role).length === 0) yield [firstPart(key), `role/${told.record.role}`]
  }
}

const isInForce = (said: Said, now: number): boolean => !('until' in said) || said.until === null || said.until > now

const keyOf = ([feed, name]: Named): string => part(feed) + name

/** A person says that everything of a feed's class is here: from now on it is known what is not. */
export function vouch({ context: { state } }: Scope, feed: string, name: string): void {
  const key = part(feed) + name
  if (state.get(vouched, key) === undefined) state.put(vouched, key, 1)
}

/** What a feed names in vain, of what is known to be whole: who is read first is not missing what comes after it. */
export function unresolvedOf(scope: Scope, feed: string): Unresolved | null {
  const kinds = classOfKind.filter(([, name]) => isWhole(scope, name)).map(([kind]) => kind)
  return scope.unresolved.of(feed, kinds)
}

const classOfKind: readonly (readonly [NameKind, IntentClass])[] = [['identity', 'identities'], ['role', 'business-roles']]

function isWhole({ context: { state }, settings, runs }: Scope, name: IntentClass): boolean {
  const feeds = settings.sources()?.feeds ?? []
  return feeds.every((feed) => feed.class !== name || runs.completeSince(feed.name, name) >= 0 || state.get(vouched, part(feed.name) + name) !== undefined)
}
