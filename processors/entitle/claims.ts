import { compareKeys } from '../../src/core/order.ts'
import type { Claim, KeptReason, KeptRevocation } from './compile.ts'
import type { SaidOf, Told } from './objects.ts'
import type { RoleRow } from './role-book.ts'
import { datedGrants, matchedSince } from './since.ts'

export interface Said {
  claims: Claim[]
  revocations: KeptRevocation[]
}

/** What approved requests and certification decisions say. `key` names the object. */
export function requested(objects: Iterable<readonly [key: string, told: Told]>): Said {
  const said: Said = { claims: [], revocations: [] }
  for (const [ref, { record, source }] of objects) {
    if (record.type === 'AccessRequest') said.claims.push(requestClaim(ref, record, source))
    else if (record.type === 'Decision' && record.verdict === 'keep') said.claims.push(decided(ref, record, source))
    else if (record.type === 'Decision') said.revocations.push(decided(ref, record, source))
  }
  return said
}

function requestClaim(ref: string, { id, app, entitlement, approvedBy, from, until }: SaidOf<'AccessRequest'>, source: Told['source']): Claim {
  return { app, entitlement, reason: { kind: 'request', id, by: approvedBy, from, until, source, ref } }
}

/** A decision as the reason to hold something, or to hold it no longer. */
function decided(ref: string, { id, app, entitlement, by, at }: SaidOf<'Decision'>, source: Told['source']): Claim {
  return { app, entitlement, reason: { kind: 'decision', id, by, from: at, until: null, source, ref } }
}

/** What a role gives to whom it is assigned; a grant that the role got later begins later. */
export function assigned(key: string, { record, source }: Told<SaidOf<'RoleAssignment'>>, [roleKey, role]: readonly [string, RoleRow]): Claim[] {
  const { from, until } = record
  return given(role, { kind: 'business-role', id: record.role, by: null, from, until, source, ref: `${key}>${roleKey}` })
}

/** What a role gives to whom its condition matches, since `since`. */
export function matched([roleKey, role]: readonly [string, RoleRow], since: number): Claim[] {
  return given(role, { kind: 'business-role', id: role.record.id, by: null, from: since, until: null, source: role.source, ref: `>${roleKey}` })
}

/** The role's grants for this reason. Nearly all of them begin with it, and then share the one object. */
function given(role: RoleRow, reason: KeptReason): Claim[] {
  return datedGrants(role).map(({ app, entitlement, since }) => (
    { app, entitlement, reason: since > reason.from ? { ...reason, from: since } : reason }
  ))
}

/**
 * Since when each of these roles matches, ms, by role key: known from before while it goes on, so that an edit that does not
 * touch this identity begins nothing anew.
 */
export function matchTimes(
  roles: readonly (readonly [string, RoleRow])[],
  attributes: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  const ordered = [...roles].sort(([a], [b]) => compareKeys(a, b))
  return Object.fromEntries(ordered.map(([key, role]) => [key, before[key] ?? matchedSince(role, attributes)]))
}
