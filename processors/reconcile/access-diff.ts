import type { Position } from '../../schemas/wire/common.ts'
import type { AccessChange, AccessGrant, GrantVerdict } from '../../schemas/wire/results.ts'
import { compareGrants, compareKeys } from '../../src/core/order.ts'
import type { FactGrant } from '../../schemas/wire/facts.ts'
import { PairMemo } from '../shared/memo.ts'
import { grantSince } from './grants.ts'
import type { AccountState } from './model.ts'

interface Published {
  fact: AccountState
  verdicts: readonly GrantVerdict[]
}

interface Moment {
  home: string
  now: number
  position: Position
}

/**
 * What changes from the access that was published of an account (null: none) to what it has; null where nothing does. The unit
 * is the entitlement: where one of its grants changes, `set` holds all grants of that name.
 */
export function diffAccess(before: Published | null, after: Published, moment: Moment): AccessChange | null {
  const { valid, observed } = after.fact
  if (before === null) return change(after.fact, moment, { gone: false, set: allOf(after), removed: [], valid, observed })
  const { set, removed } = differences(before, after)
  if (set.length === 0 && removed.length === 0 && sameSubject(before.fact, after.fact)) return null
  return change(after.fact, moment, { gone: false, set, removed, valid, observed })
}

/** Most grants are as they were, and nothing is made of these. */
function differences(before: Published, after: Published): Pick<AccessChange, 'set' | 'removed'> {
  const set: AccessGrant[] = []
  const removed: string[] = []
  for (const name of namesOf(before.fact.grants, after.fact.grants)) {
    if (name.after.length === 0) removed.push(name.entitlement)
    else if (!name.isAlike || !isJudgedAlike(before, after, name)) for (const place of name.after) set.push(accessGrant(after, place))
  }
  return { set, removed }
}

function isJudgedAlike(before: Published, after: Published, name: Name): boolean {
  return name.after.every((place, i) => {
    const old = name.before[i]!
    return before.verdicts[old] === after.verdicts[place] && grantSince(before.fact, old) === grantSince(after.fact, place)
  })
}

/** An entitlement that two lists of grants name, or one of them: its places in both. `isAlike`: with the same grants, whatever their times and verdicts. */
interface Name {
  readonly entitlement: string
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly isAlike: boolean
}

/** In order; the same for all accounts that had the same and have the same. */
function namesOf(before: readonly FactGrant[], after: readonly FactGrant[]): readonly Name[] {
  return allNames.of(before, after, '', () => {
    const old = inOrder(before)
    const next = inOrder(after)
    const names: Name[] = []
    for (let i = 0, j = 0; i < old.length || j < next.length; ) {
      const entitlement = earlier(before[old[i]!]?.entitlement, after[next[j]!]?.entitlement)
      const were = old.slice(i, endOf(before, old, i, entitlement))
      const are = next.slice(j, endOf(after, next, j, entitlement))
      const isAlike = were.length === are.length && were.every((place, k) => sameGrant(before[place]!, after[are[k]!]!))
      names.push({ entitlement, before: were, after: are, isAlike })
      i += were.length
      j += are.length
    }
    return names
  })
}

const allNames = new PairMemo<readonly FactGrant[], readonly FactGrant[], readonly Name[]>()

/** The places of grants in the order in which access tells them. */
function inOrder(grants: readonly FactGrant[]): readonly number[] {
  return orders.of(grants, grants, '', () => grants.map((_grant, place) => place).sort((a, b) => compareGrants(grants[a]!, grants[b]!)))
}

const orders = new PairMemo<readonly FactGrant[], readonly FactGrant[], readonly number[]>()

function earlier(a: string | undefined, b: string | undefined): string {
  if (a === undefined || b === undefined) return (a ?? b)!
  return compareKeys(a, b) <= 0 ? a : b
}

function endOf(grants: readonly FactGrant[], places: readonly number[], from: number, entitlement: string): number {
  let end = from
  while (end < places.length && grants[places[end]!]!.entitlement === entitlement) end++
  return end
}

const sameGrant = (a: FactGrant, b: FactGrant): boolean =>
  a === b || (a.native === b.native && a.direct === b.direct && a.valid === b.valid && samePaths(a.paths, b.paths))

function samePaths(a: FactGrant['paths'], b: FactGrant['paths']): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    const path = a[i]!
    const other = b[i]!
    if (path.length !== other.length) return false
    for (let k = 0; k < path.length; k++) if (path[k] !== other[k]) return false
  }
  return true
}

function accessGrant({ fact, verdicts }: Published, place: number): AccessGrant {
  const { entitlement, native, direct, valid, paths } = fact.grants[place]!
  return { entitlement, native, verdict: verdicts[place]!, direct, since: grantSince(fact, place), valid, paths }
}

/** Everything that the account holds, as it is told where nothing was before. */
const allOf = (published: Published): AccessGrant[] => inOrder(published.fact.grants).map((place) => accessGrant(published, place))

/** The account is no longer at this home: all of its access here ends. `observed`: the stamp that showed it, µs. */
export function accessGone(before: Published, observed: number, moment: Moment): AccessChange {
  return change(before.fact, moment, { gone: true, set: [], removed: [], valid: null, observed })
}

function change(
  { identity, app, account, kind, status }: AccountState,
  { home, now, position }: Moment,
  { observed, ...what }: Pick<AccessChange, 'gone' | 'set' | 'removed' | 'valid' | 'observed'>,
): AccessChange {
  const ms = Math.floor(observed / 1_000)
  return { type: 'AccessChange', home, identity, app, account, kind, status, ...what, observed: ms, decided: now, cause: position }
}

const sameSubject = (a: AccountState, b: AccountState): boolean => a.identity === b.identity && a.kind === b.kind && a.status === b.status
