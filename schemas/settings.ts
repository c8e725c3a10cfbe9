import { z } from 'zod'
import { RemedyMode } from './wire/actions.ts'
import { FindingKind } from './wire/results.ts'

/**
 * Values of `Setting` records. They reach processors through the log, never through files:
 * `app/<name>` holds an AppSetting (raw, intent and facts), `policy` a PolicySetting (facts), `sources` a SourcesSetting (all three),
 * `remedy/<app>` a RemedySetting (actions). Durations carry their unit.
 */

/** How native account ids become keys: `exact` as they are, `fold` case-folded, `nfc` Unicode NFC. */
export const IdRule = z.enum(['exact', 'fold', 'nfc'])
export type IdRule = z.infer<typeof IdRule>

/** An account's attribute is looked up in a match space; rules are tried in order, the first that answers wins. */
export const MatchRule = z.strictObject({ space: z.string(), attribute: z.string() })
export type MatchRule = z.infer<typeof MatchRule>

/** More absences than this in a complete run, and none of them applies until a person releases them. */
export const Brake = z.strictObject({
  /** of one class, over all partitions */
  maxAbsent: z.int().min(0).default(50),
  /** of what a partition holds, judged above two absences; a run that shows no account, or nobody, at all passes only with 1 */
  maxAbsentShare: z.number().min(0).max(1).default(0.2),
})
export type Brake = z.infer<typeof Brake>

/** `role:R_CLERK`: a role, group or entitlement as the application spells it. */
export const RefText = z.string().regex(/^(role|group|entitlement):./u, 'write role:ID, group:ID or entitlement:ID')

/**
 * How an account is made for a person who has none. Texts may name `{identity}`, `{display}`, the person's key in a match space
 * (`{email}`), and what stands before its first `@` (`{email.local}`).
 */
export const NewAccount = z.strictObject({ id: z.string().min(1), attributes: z.record(z.string(), z.string()).default({}) })
export type NewAccount = z.infer<typeof NewAccount>

/** That and how findings of an application may be corrected in it. */
export const Corrections = z.strictObject({
  /** catalogue name -> what an account is assigned to so that it holds the name; where nothing is given, the native entitlement itself */
  assign: z.record(z.string(), RefText).default({}),
  /** null: accounts are made by somebody else */
  newAccount: NewAccount.nullable().default(null),
  /** what is done about one that is expired, old or unused */
  staleCredential: z.enum(['disable', 'rotate']).default('disable'),
})
export type Corrections = z.infer<typeof Corrections>

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
  /** null: nothing is ever proposed */
  corrections: Corrections.nullable().default(null),
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

/** More removals than this, done within the window and planned, and none is done until a person releases them. */
export const RemovalBrake = z.strictObject({
  maxRemovals: z.int().min(0).default(50),
  /** of the accounts that the application's last complete run showed; judged above two removals */
  maxRemovalShare: z.number().min(0).max(1).default(0.2),
  windowSeconds: z.int().min(1).default(86_400),
})

/** How proposals of one application become writes. Without a setting nothing is written. */
export const RemedySetting = z.strictObject({
  active: z.boolean().default(true),
  /** `observe`: shown only; `approve`: done once a person approves it; `auto`: done */
  policy: z.strictObject({ otherwise: RemedyMode.default('observe'), kinds: z.partialRecord(FindingKind, RemedyMode).default({}) }).prefault({}),
  brake: RemovalBrake.prefault({}),
  /** from approval to the command: so long a wave of removals has to become visible to the brake */
  settleSeconds: z.number().min(0).default(30),
  /** first distance between two tries; each further one doubles it */
  retrySeconds: z.number().min(0.05).default(60),
  /** an applied change whose finding is still open after this long did not last */
  confirmSeconds: z.number().min(1).default(3_600),
  maxTries: z.int().min(1).default(5),
  /** so often a correction may be undone by somebody else before it is contested and waits for a person */
  maxReversals: z.int().min(1).default(3),
  reversalDays: z.number().min(0.001).default(30),
  /** commands on their way to the application at once */
  maxInFlight: z.int().min(1).default(20),
})
export type RemedySetting = z.infer<typeof RemedySetting>

export const IntentClass = z.enum(['identities', 'business-roles', 'role-assignments', 'requests', 'decisions', 'links'])
export type IntentClass = z.infer<typeof IntentClass>

/** What exists: verdicts that rest on an absence wait for the baselines of all that is listed here. */
export const SourcesSetting = z.strictObject({
  apps: z.array(z.string()),
  feeds: z.array(z.strictObject({ name: z.string(), class: IntentClass, brake: Brake })),
  partitions: z.strictObject({ raw: z.int(), intent: z.int(), facts: z.int() }),
})
export type SourcesSetting = z.infer<typeof SourcesSetting>
