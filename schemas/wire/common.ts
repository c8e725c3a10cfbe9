import { z } from 'zod'

/**
 * Records that several topics carry. Each zod object here becomes one Avro record (see generate.ts), so:
 * no optional fields (absent is null), integers are Avro longs, and `type` is a one-symbol enum that names the branch.
 * Milliseconds are since the Unix epoch, UTC. `observed` is the application's own hybrid clock in microseconds.
 */
export const millis = z.int().describe('milliseconds since the Unix epoch, UTC')
export const stamp = z.int().describe('hybrid clock of one source, microseconds; never runs back')

/** Where a logical record stands: `index` counts the records inside one message (a chunk), from 0. */
export const Position = z
  .object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() })
  .meta({ id: 'Position' })
export type Position = z.infer<typeof Position>

export const Verdict = z.enum(['complete', 'partial', 'unknown']).meta({ id: 'Verdict' })
export type Verdict = z.infer<typeof Verdict>

/** What the page ledger counted for one class of a run. `counts[p]` is the number of records sent to partition p. */
export const ClassManifest = z
  .object({
    class: z.string(),
    verdict: Verdict,
    reason: z.string().nullable(),
    place: z.string().nullable(),
    read: z.int(),
    declared: z.int().nullable(),
    rejected: z.int(),
    counts: z.array(z.int()),
  })
  .meta({ id: 'ClassManifest' })
export type ClassManifest = z.infer<typeof ClassManifest>

/** A run of a source (an application or an intent feed) begins. Only `snapshot` runs may prove absence. */
export const RunBegin = z
  .object({
    type: z.literal('RunBegin'),
    source: z.string(),
    run: z.int(),
    observed: stamp,
    mode: z.enum(['snapshot', 'filtered']).meta({ id: 'RunMode' }),
    classes: z.array(z.string()),
  })
  .meta({ id: 'RunBegin' })
export type RunBegin = z.infer<typeof RunBegin>

/** All definitions of the run have been sent; those staged take effect here, at once. */
export const DefinitionsEnd = z
  .object({ type: z.literal('DefinitionsEnd'), source: z.string(), run: z.int(), observed: stamp, manifest: ClassManifest })
  .meta({ id: 'DefinitionsEnd' })
export type DefinitionsEnd = z.infer<typeof DefinitionsEnd>

export const RunEnd = z
  .object({ type: z.literal('RunEnd'), source: z.string(), run: z.int(), observed: stamp, classes: z.array(ClassManifest) })
  .meta({ id: 'RunEnd' })
export type RunEnd = z.infer<typeof RunEnd>

/** A versioned setting; `value` is canonical JSON of the schema that settings.ts names for `name`. */
export const Setting = z
  .object({ type: z.literal('Setting'), name: z.string(), revision: z.int(), digest: z.string(), value: z.string() })
  .meta({ id: 'Setting' })
export type Setting = z.infer<typeof Setting>

/** Time, as data: the owner of a task appends it to the task's own input partition. */
export const Tick = z.object({ type: z.literal('Tick'), at: millis }).meta({ id: 'Tick' })
export type Tick = z.infer<typeof Tick>

/** A record of the partition at hand: of the message at `offset`, the one at `index`, counted from 0. */
const Place = z.object({ offset: z.int(), index: z.int() }).meta({ id: 'Place' })

/**
 * This partition is processed by this semantic version of the processor from `from` on: the first record that was not processed
 * when the release took over, which lies before this record where others waited. `resumed`: the record before `from`, where it had
 * work left, so that two versions had a part in what it caused.
 */
export const Epoch = z
  .object({
    type: z.literal('Epoch'),
    processor: z.string(),
    version: z.int(),
    stateFormat: z.int(),
    release: z.string(),
    from: Place,
    resumed: Place.nullable(),
  })
  .meta({ id: 'Epoch' })
export type Epoch = z.infer<typeof Epoch>

/** A slice of a logical record too large for one message; put together again before a processor sees it. */
export const Part = z
  .object({ type: z.literal('Part'), id: z.string(), part: z.int(), of: z.int(), bytes: z.instanceof(Uint8Array) })
  .meta({ id: 'Part' })
export type Part = z.infer<typeof Part>

/** A person's decision on a source: release held absences of a run, declare its baseline, or retire it. */
export const Ruling = z
  .object({
    type: z.literal('Ruling'),
    source: z.string(),
    kind: z.enum(['release', 'baseline', 'retire']).meta({ id: 'RulingKind' }),
    run: z.int().nullable(),
    by: z.string(),
    reason: z.string(),
    at: millis,
  })
  .meta({ id: 'Ruling' })
export type Ruling = z.infer<typeof Ruling>

/** Why an entry is desired, lapsed or denied: `id` is the business role, request or decision; `source` its intent record. */
export const Reason = z
  .object({
    kind: z.enum(['business-role', 'request', 'decision']).meta({ id: 'ReasonKind' }),
    id: z.string(),
    by: z.string().nullable(),
    from: millis,
    until: millis.nullable(),
    source: Position,
  })
  .meta({ id: 'Reason' })
export type Reason = z.infer<typeof Reason>

/** `entitlement` is the catalogue name. `from` is the earliest of the reasons' beginnings. */
export const DesiredEntry = z
  .object({ app: z.string(), entitlement: z.string(), from: millis, until: millis.nullable(), reasons: z.array(Reason) })
  .meta({ id: 'DesiredEntry' })
export type DesiredEntry = z.infer<typeof DesiredEntry>

/** What was desired and no longer is: `expired` reached its end date, `withdrawn` lost its reason, `denied` was decided against. */
export const LapsedEntry = z
  .object({
    app: z.string(),
    entitlement: z.string(),
    at: millis,
    why: z.enum(['expired', 'withdrawn', 'denied', 'ended']).meta({ id: 'LapseWhy' }),
    reason: Reason,
  })
  .meta({ id: 'LapsedEntry' })
export type LapsedEntry = z.infer<typeof LapsedEntry>

/** A `revoke` decision that is in force: it ends every reason for the entitlement that began before `reason.from`, when it was decided. */
export const Revocation = z.object({ app: z.string(), entitlement: z.string(), reason: Reason }).meta({ id: 'Revocation' })
export type Revocation = z.infer<typeof Revocation>

export const AccountKind = z.enum(['human', 'service', 'apikey', 'token']).meta({ id: 'AccountKind' })
export type AccountKind = z.infer<typeof AccountKind>
export const AccountStatus = z.enum(['active', 'disabled']).meta({ id: 'AccountStatus' })
export type AccountStatus = z.infer<typeof AccountStatus>
export const IdentityStatus = z.enum(['planned', 'active', 'ended']).meta({ id: 'IdentityStatus' })
export type IdentityStatus = z.infer<typeof IdentityStatus>

/** Metadata only: the secret itself is never read. */
export const Credential = z
  .object({
    id: z.string(),
    kind: z.string(),
    created: millis.nullable(),
    lastUsed: millis.nullable(),
    expires: millis.nullable(),
  })
  .meta({ id: 'Credential' })
export type Credential = z.infer<typeof Credential>
