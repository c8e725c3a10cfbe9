import type { Position } from '../../schemas/wire/common.ts'
import type { AccessChange, AccessGrant, GrantVerdict } from '../../schemas/wire/results.ts'
import { equal } from '../../src/core/equal.ts'
import { compareKeys } from '../../src/core/order.ts'
import { deepFreeze } from '../../src/core/frozen.ts'
import type { FactGrant } from '../../schemas/wire/facts.ts'
import { PairMemo } from '../shared/memo.ts'
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
  const old = byEntitlement(before)
  const next = byEntitlement(after)
  const set = [...next].filter(([name, grants]) => !equal(grants, old.get(name))).flatMap(([, grants]) => grants)
  const removed = [...old.keys()].filter((name) => !next.has(name)).sort(compareKeys)
  const sameAccount = subject(before.fact) === subject(after.fact)
  if (sameAccount && set.length === 0 && removed.length === 0) return null
  return change(after.fact, moment, { gone: false, set: set.sort(order), removed, valid, observed })
}

/** Everything that the account holds, as it is told where nothing was before; frozen where what it is made of is. */
function allOf(published: Published): AccessGrant[] {
  const { fact, verdicts } = published
  const whole = (): AccessGrant[] => [...byEntitlement(published).values()].flat().sort(order)
  return wholeSets.of(verdicts, fact.grants, '', () => (Object.isFrozen(fact.grants) ? deepFreeze(whole()) : whole()))
}

const wholeSets = new PairMemo<readonly GrantVerdict[], readonly FactGrant[], AccessGrant[]>()

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

function byEntitlement({ fact, verdicts }: Published): Map<string, AccessGrant[]> {
  const groups = new Map<string, AccessGrant[]>()
  fact.grants.forEach(({ entitlement, native, direct, since, valid, paths }, i) => {
    const grant: AccessGrant = { entitlement, native, verdict: verdicts[i]!, direct, since, valid, paths }
    const group = groups.get(entitlement)
    if (group === undefined) groups.set(entitlement, [grant])
    else group.push(grant)
  })
  for (const group of groups.values()) group.sort(order)
  return groups
}

const subject = ({ identity, kind, status }: AccountState): string => JSON.stringify([identity, kind, status])
const order = (a: AccessGrant, b: AccessGrant): number => compareKeys(a.entitlement, b.entitlement) || compareKeys(a.native, b.native)
