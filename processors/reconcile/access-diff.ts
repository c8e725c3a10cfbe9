import type { Position } from '../../schemas/wire/common.ts'
import type { AccessChange, AccessGrant, GrantVerdict } from '../../schemas/wire/results.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { FactGrant } from '../../schemas/wire/facts.ts'
import { grantSince, type HeldGrants } from '../shared/grants.ts'
import type { AccountState } from './model.ts'

export interface Published {
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

/** Goes through both in their order at once: most grants are as they were, and nothing is made of these. */
function differences(before: Published, after: Published): Pick<AccessChange, 'set' | 'removed'> {
  const old = inOrder(before)
  const next = inOrder(after)
  const set: AccessGrant[] = []
  const removed: string[] = []
  for (let i = 0, j = 0; i < old.grants.length || j < next.grants.length; ) {
    const name = earlier(old.grants[i]?.entitlement, next.grants[j]?.entitlement)
    const oldEnd = endOf(old.grants, i, name)
    const nextEnd = endOf(next.grants, j, name)
    if (j === nextEnd) removed.push(name)
    else if (!sameGroup(old, i, oldEnd, next, j, nextEnd)) for (let k = j; k < nextEnd; k++) set.push(accessGrant(next, k))
    i = oldEnd
    j = nextEnd
  }
  return { set, removed }
}

interface Judged extends HeldGrants {
  readonly verdicts: readonly GrantVerdict[]
}

function inOrder({ fact, verdicts }: Published): Judged {
  const { grants, grantsSince } = fact
  if (areInOrder(grants)) return { grants, grantsSince, verdicts }
  const all = grants.map((grant, i) => ({ grant, since: grantSince(fact, i), verdict: verdicts[i]! })).sort((a, b) => order(a.grant, b.grant))
  return { grants: all.map(({ grant }) => grant), grantsSince: all.map(({ since }) => since), verdicts: all.map(({ verdict }) => verdict) }
}

function areInOrder(grants: readonly FactGrant[]): boolean {
  for (let i = 1; i < grants.length; i++) if (order(grants[i - 1]!, grants[i]!) > 0) return false
  return true
}

function earlier(a: string | undefined, b: string | undefined): string {
  if (a === undefined || b === undefined) return (a ?? b)!
  return compareKeys(a, b) <= 0 ? a : b
}

function endOf(grants: readonly FactGrant[], from: number, entitlement: string): number {
  let end = from
  while (grants[end]?.entitlement === entitlement) end++
  return end
}

function sameGroup(old: Judged, i: number, oldEnd: number, next: Judged, j: number, nextEnd: number): boolean {
  if (oldEnd - i !== nextEnd - j) return false
  for (let k = 0; i + k < oldEnd; k++) {
    if (old.verdicts[i + k] !== next.verdicts[j + k] || grantSince(old, i + k) !== grantSince(next, j + k)) return false
    if (!sameGrant(old.grants[i + k]!, next.grants[j + k]!)) return false
  }
  return true
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

function accessGrant(judged: Judged, i: number): AccessGrant {
  const { entitlement, native, direct, valid, paths } = judged.grants[i]!
  return { entitlement, native, verdict: judged.verdicts[i]!, direct, since: grantSince(judged, i), valid, paths }
}

/** Everything that the account holds, as it is told where nothing was before. */
function allOf(published: Published): AccessGrant[] {
  const all = inOrder(published)
  return all.grants.map((_grant, i) => accessGrant(all, i))
}

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
const order = (a: FactGrant, b: FactGrant): number => compareKeys(a.entitlement, b.entitlement) || compareKeys(a.native, b.native)
