import { z } from 'zod'
import { FindingKind } from './wire/results.ts'

/**
 * Values of `Setting` records. They reach processors through the log, never through files:
 * `app/<name>` holds an AppSetting (raw, intent and facts), `policy` a PolicySetting (facts), `sources` a SourcesSetting (all three).
 * Durations carry their unit.
 */

/** How native account ids become keys: `exact` as they are, `fold` case-folded, `nfc` Unicode NFC. */
export const IdRule = z.enum(['exact', 'fold', 'nfc'])
export type IdRule = z.infer<typeof IdRule>

/** An account's attribute is looked up in a match space; rules are tried in order, the first that answers wins. */
export const MatchRule = z.strictObject({ space: z.string(), attribute: z.string() })
export type MatchRule = z.infer<typeof MatchRule>

export const Brake = z.strictObject({
  maxAbsent: z.int().min(0).default(50),
  maxAbsentShare: z.number().min(0).max(1).default(0.2),
})
export type Brake = z.infer<typeof Brake>

export const AppSetting = z.strictObject({
  state: z.enum(['active', 'paused', 'retired']).default('active'),
  ids: IdRule.default('exact'),
  match: z.array(MatchRule).default([]),
  ownerSpace: z.string().nullable().default(null),
  /** native entitlement id -> catalogue name; what is not here is unmapped, unless `identityMapping` */
  catalogue: z.record(z.string(), z.string()).default({}),
  /** native ids are the catalogue names themselves */
  identityMapping: z.boolean().default(false),
  reread: z.boolean().default(false),
  brake: Brake.prefault({}),
  allowedDelaySeconds: z.int().min(0).default(0),
})
export type AppSetting = z.infer<typeof AppSetting>

/** Two lists of entitlements that nobody may hold both of. */
export const SodRule = z.strictObject({
  id: z.string(),
  name: z.string(),
  left: z.array(z.strictObject({ app: z.string(), entitlement: z.string() })).min(1),
  right: z.array(z.strictObject({ app: z.string(), entitlement: z.string() })).min(1),
})
export type SodRule = z.infer<typeof SodRule>

export const PolicySetting = z.strictObject({
  dormantAfterDays: z.int().min(1).nullable().default(90),
  credentialMaxAgeDays: z.int().min(1).nullable().default(365),
  credentialUnusedDays: z.int().min(1).nullable().default(null),
  sod: z.array(SodRule).default([]),
  severities: z.partialRecord(FindingKind, z.enum(['low', 'medium', 'high', 'critical'])).default({}),
})
export type PolicySetting = z.infer<typeof PolicySetting>

export const IntentClass = z.enum(['identities', 'business-roles', 'role-assignments', 'requests', 'decisions', 'links'])
export type IntentClass = z.infer<typeof IntentClass>

/** What exists: verdicts that rest on an absence wait for the baselines of all that is listed here. */
export const SourcesSetting = z.strictObject({
  apps: z.array(z.string()),
  feeds: z.array(z.strictObject({ name: z.string(), class: IntentClass, brake: Brake })),
  partitions: z.strictObject({ raw: z.int(), intent: z.int(), facts: z.int() }),
})
export type SourcesSetting = z.infer<typeof SourcesSetting>
