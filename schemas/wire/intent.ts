import { z } from 'zod'
import { DefinitionsEnd, Epoch, IdentityStatus, Part, RunBegin, RunEnd, Ruling, Setting, Tick, millis, stamp } from './common.ts'

/**
 * Key: identity id; what concerns one account is keyed `<app>/<canonical account id>` instead (link, owner, a request or
 * decision for a service account). Run marks, business roles, settings and rulings go to every partition.
 * Each record is one facet of one object of a feed: whole, replaced by a later `observed`.
 */

const facet = {
  feed: z.string(),
  run: z.int().nullable(),
  observed: stamp,
  valid: millis.nullable(),
  removed: z.boolean(),
}

export const IntentKey = z
  .object({ space: z.string(), key: z.string(), since: millis.nullable() })
  .meta({ id: 'IntentKey' })
export type IntentKey = z.infer<typeof IntentKey>

/** `start` and `end` are the employment's; `continues` names the identity that this one is the same person as (re-hire). */
export const Identity = z
  .object({
    type: z.literal('Identity'),
    ...facet,
    id: z.string(),
    status: IdentityStatus,
    display: z.string().nullable(),
    start: millis.nullable(),
    end: millis.nullable(),
    continues: z.string().nullable(),
    attributes: z.record(z.string(), z.string()),
    keys: z.array(IntentKey),
  })
  .meta({ id: 'Identity' })
export type Identity = z.infer<typeof Identity>

export const EntitlementRef = z.object({ app: z.string(), entitlement: z.string() }).meta({ id: 'EntitlementRef' })
export type EntitlementRef = z.infer<typeof EntitlementRef>

/** Stands for many entitlements. `when`: every listed attribute of the identity must equal; empty means by assignment only. */
export const BusinessRole = z
  .object({
    type: z.literal('BusinessRole'),
    ...facet,
    id: z.string(),
    name: z.string(),
    owner: z.string().nullable(),
    grants: z.array(EntitlementRef),
    when: z.record(z.string(), z.string()),
  })
  .meta({ id: 'BusinessRole' })
export type BusinessRole = z.infer<typeof BusinessRole>

export const RoleAssignment = z
  .object({
    type: z.literal('RoleAssignment'),
    ...facet,
    id: z.string(),
    identity: z.string(),
    role: z.string(),
    from: millis,
    until: millis.nullable(),
  })
  .meta({ id: 'RoleAssignment' })
export type RoleAssignment = z.infer<typeof RoleAssignment>

/** Who a request or decision is about: a person, or one account that is not a person's. */
export const Subject = z
  .object({ identity: z.string().nullable(), app: z.string().nullable(), account: z.string().nullable() })
  .meta({ id: 'Subject' })
export type Subject = z.infer<typeof Subject>

export const AccessRequest = z
  .object({
    type: z.literal('AccessRequest'),
    ...facet,
    id: z.string(),
    subject: Subject,
    app: z.string(),
    entitlement: z.string(),
    from: millis,
    until: millis.nullable(),
    approvedBy: z.string(),
  })
  .meta({ id: 'AccessRequest' })
export type AccessRequest = z.infer<typeof AccessRequest>

/** `revoke` cancels every reason that began before `at`; `keep` is itself a reason. */
export const Decision = z
  .object({
    type: z.literal('Decision'),
    ...facet,
    id: z.string(),
    campaign: z.string(),
    subject: Subject,
    app: z.string(),
    entitlement: z.string(),
    verdict: z.enum(['keep', 'revoke']).meta({ id: 'DecisionVerdict' }),
    by: z.string(),
    at: millis,
  })
  .meta({ id: 'Decision' })
export type Decision = z.infer<typeof Decision>

/** Explicit correlation: `holder` says whose account it is, `owner` who is accountable for it. */
export const AccountLink = z
  .object({
    type: z.literal('AccountLink'),
    ...facet,
    id: z.string(),
    app: z.string(),
    account: z.string(),
    identity: z.string(),
    relation: z.enum(['holder', 'owner']).meta({ id: 'LinkRelation' }),
  })
  .meta({ id: 'AccountLink' })
export type AccountLink = z.infer<typeof AccountLink>

/** A rejected intent record whose id could be read: it counts as seen. `key` is the record's partition key. */
export const IntentSeen = z
  .object({ type: z.literal('IntentSeen'), feed: z.string(), run: z.int(), class: z.string(), id: z.string() })
  .meta({ id: 'IntentSeen' })
export type IntentSeen = z.infer<typeof IntentSeen>

export const IntentRecord = z.discriminatedUnion('type', [
  RunBegin, BusinessRole, DefinitionsEnd, Identity, RoleAssignment, AccessRequest, Decision, AccountLink, IntentSeen, RunEnd,
  Setting, Ruling, Tick, Epoch, Part,
])
export type IntentRecord = z.infer<typeof IntentRecord>
