import { z } from 'zod'
import { AccountKind, AccountStatus, ClassManifest, Part, Position, Ruling, Verdict, millis } from './common.ts'
import { Operation } from './operations.ts'

/** What downstream services consume: findings, access, lag, sync-runs, dead-letters; rulings, for the tables; and commands, towards the connectors. */

export const FindingKind = z
  .enum([
    'unauthorised-grant', 'missing-grant', 'orphaned-account', 'leaver-access', 'expired-grant', 'unowned-nhi', 'owner-left',
    'stale-credential', 'dormant-account', 'unmapped-entitlement', 'sod-conflict', 'ambiguous-match', 'held-absences',
    'held-removals', 'exposed-secret',
  ])
  .meta({ id: 'FindingKind' })
export type FindingKind = z.infer<typeof FindingKind>

export const Severity = z.enum(['low', 'medium', 'high', 'critical']).meta({ id: 'Severity' })

/**
 * One change of one finding; key: home. `id` names the finding for ever: a finding that opens again has the same id and the
 * same `since` (first seen). `opened`: when this opening was decided. `object`: credential, rule, class or field, where the kind has one.
 */
export const Finding = z
  .object({
    type: z.literal('Finding'),
    id: z.string(),
    kind: FindingKind,
    severity: Severity,
    change: z.enum(['opened', 'changed', 'closed', 'reopened']).meta({ id: 'FindingChange' }),
    home: z.string(),
    identity: z.string().nullable(),
    app: z.string().nullable(),
    account: z.string().nullable(),
    entitlement: z.string().nullable(),
    object: z.string().nullable(),
    since: millis,
    opened: millis,
    closedAs: z.enum(['resolved', 'moved', 'gone']).meta({ id: 'ClosedAs' }).nullable(),
    successor: z.string().nullable(),
    detail: z.string(),
    valid: millis.nullable(),
    observed: millis.nullable(),
    decided: millis,
    causes: z.array(Position),
    cause: Position,
  })
  .meta({ id: 'Finding' })
export type Finding = z.infer<typeof Finding>

export const GrantVerdict = z
  .enum(['matched', 'matched-indirectly', 'unauthorised', 'pending', 'undecided'])
  .meta({ id: 'GrantVerdict' })
export type GrantVerdict = z.infer<typeof GrantVerdict>

export const AccessGrant = z
  .object({
    entitlement: z.string(),
    native: z.string(),
    verdict: GrantVerdict,
    direct: z.boolean(),
    since: millis,
    valid: millis.nullable(),
    paths: z.array(z.array(z.string())),
  })
  .meta({ id: 'AccessGrant' })
export type AccessGrant = z.infer<typeof AccessGrant>

/** One change of one account's effective access; key: home. `set` replaces by entitlement, `removed` ends, `gone` ends all. */
export const AccessChange = z
  .object({
    type: z.literal('AccessChange'),
    home: z.string(),
    identity: z.string().nullable(),
    app: z.string(),
    account: z.string(),
    kind: AccountKind,
    status: AccountStatus,
    gone: z.boolean(),
    set: z.array(AccessGrant),
    removed: z.array(z.string()),
    valid: millis.nullable(),
    observed: millis,
    decided: millis,
    cause: Position,
  })
  .meta({ id: 'AccessChange' })
export type AccessChange = z.infer<typeof AccessChange>

/** A desired change that was seen done: how long it took. `pending` samples are still waiting. */
export const LagSample = z
  .object({
    type: z.literal('LagSample'),
    home: z.string(),
    app: z.string(),
    entitlement: z.string(),
    direction: z.enum(['grant', 'revoke']).meta({ id: 'LagDirection' }),
    desired: millis,
    observed: millis,
    lagMs: z.int(),
    decided: millis,
    cause: Position,
  })
  .meta({ id: 'LagSample' })
export type LagSample = z.infer<typeof LagSample>

/**
 * A field of a stream's rows is not what it was in the last complete read. `change`: vanished, appeared or type, from `was` to `is`.
 * `example`: masked value of the first row that shows it, which `place` names; null where it vanished.
 */
export const SchemaChange = z
  .object({ stream: z.string(), field: z.string(), change: z.string(), was: z.string(), is: z.string(), example: z.string().nullable(), place: z.string() })
  .meta({ id: 'SchemaChange' })
export type SchemaChange = z.infer<typeof SchemaChange>

/** What is named and not there: how many names, and the first of them, as homes (`identity/<id>`, `account/<app>/<id>`) or `role/<id>`. */
export const Unresolved = z.object({ count: z.int(), some: z.array(z.string()) }).meta({ id: 'Unresolved' })
export type Unresolved = z.infer<typeof Unresolved>

/**
 * Rows of a feed that name an application which the config file never had. `app` null: all names beyond the first ones, together.
 * `near`: the application that may be meant.
 */
export const UnknownApp = z.object({ app: z.string().nullable(), rows: z.int(), near: z.string().nullable() }).meta({ id: 'UnknownApp' })
export type UnknownApp = z.infer<typeof UnknownApp>

/**
 * One step of a run; key: source. The connector writes `begin` and `end`; each partition that applied the run writes
 * `partition` with its own verdict. An `end` of run 0 belongs to none: rows of a feed were posted. A run is complete only if its end and all its partitions say so. `schemaChanges`, `unknownApps`: of an `end`; null: none.
 * `unresolved`: of a `partition`, now: of a feed, what it says of identities that no feed has told of, and roles that nobody defines; of an
 * application, accounts that governance names and it never had. null: none.
 */
export const SyncRun = z
  .object({
    type: z.literal('SyncRun'),
    source: z.string(),
    run: z.int(),
    phase: z.enum(['begin', 'end', 'partition']).meta({ id: 'RunPhase' }),
    partition: z.int().nullable(),
    verdict: Verdict.nullable(),
    reason: z.string().nullable(),
    place: z.string().nullable(),
    at: millis,
    pages: z.int(),
    read: z.int(),
    rejected: z.int(),
    changed: z.int(),
    absent: z.int(),
    held: z.int(),
    classes: z.array(ClassManifest),
    schemaChanges: z.array(SchemaChange).nullable(),
    unknownApps: z.array(UnknownApp).nullable(),
    unresolved: Unresolved.nullable(),
  })
  .meta({ id: 'SyncRun' })
export type SyncRun = z.infer<typeof SyncRun>

/**
 * What could not be processed, and what was decided about it; key: source. `id` names the letter, which each run that finds it so
 * tells again: one that is `retried` or `discarded` is written again with who (`by`) and, where discarded, why. `payload` is masked.
 * `place`: file and line, page and row, or topic position.
 */
export const DeadLetter = z
  .object({
    type: z.literal('DeadLetter'),
    id: z.string(),
    source: z.string(),
    run: z.int().nullable(),
    stage: z.string(),
    code: z.string(),
    reason: z.string(),
    place: z.string(),
    record: z.string().nullable(),
    payload: z.string(),
    at: millis,
    state: z.enum(['open', 'retried', 'discarded']).meta({ id: 'DeadLetterState' }),
    by: z.string().nullable(),
    why: z.string().nullable(),
    cause: Position.nullable(),
  })
  .meta({ id: 'DeadLetter' })
export type DeadLetter = z.infer<typeof DeadLetter>

/** One write: all of `operations`, in order, about one finding at one version. */
export const Write = z
  .object({ finding: z.string(), version: z.string(), attempt: z.int(), operations: z.array(Operation) })
  .meta({ id: 'Write' })
export type Write = z.infer<typeof Write>

/**
 * Something asked of an application; key: app. `reread`: read this account singly, its run did not show it. `write`: make it so;
 * `id` is the same for every delivery of the same attempt.
 */
export const Command = z
  .object({
    type: z.literal('Command'),
    id: z.string(),
    app: z.string(),
    kind: z.enum(['sync', 'reread', 'write']).meta({ id: 'CommandKind' }),
    account: z.string().nullable(),
    run: z.int().nullable(),
    reason: z.string(),
    write: Write.nullable(),
    at: millis,
    cause: Position.nullable(),
  })
  .meta({ id: 'Command' })
export type Command = z.infer<typeof Command>

/**
 * A webhook that an application delivered, verified, reduced to what its mapping let through; key: app. `id` is the application's: it
 * may come again. `time`, `sequence`: when it happened and the how-manieth it is, where the application says. `accounts`: to be read
 * again. `pieces`, `removed`: JSON of the mapped pieces. `rejected`: why it could not be mapped.
 */
export const Delivery = z
  .object({
    type: z.literal('Delivery'),
    app: z.string(),
    id: z.string(),
    received: millis,
    time: millis.nullable(),
    sequence: z.int().nullable(),
    accounts: z.array(z.string()),
    gone: z.string().nullable(),
    whole: z.boolean(),
    pieces: z.string(),
    removed: z.string(),
    rejected: z.string().nullable(),
  })
  .meta({ id: 'Delivery' })
export type Delivery = z.infer<typeof Delivery>

export const FindingRecord = z.discriminatedUnion('type', [Finding])
export const AccessRecord = z.discriminatedUnion('type', [AccessChange, Part])
export const LagRecord = z.discriminatedUnion('type', [LagSample])
export const SyncRunRecord = z.discriminatedUnion('type', [SyncRun])
export const DeadLetterRecord = z.discriminatedUnion('type', [DeadLetter])
export const RulingRecord = z.discriminatedUnion('type', [Ruling])
export const CommandRecord = z.discriminatedUnion('type', [Command, Delivery])
