import { z } from 'zod'
import { Epoch, Position, Setting, Tick, millis, stamp } from './common.ts'
import { Operation } from './operations.ts'
import { FindingKind, Severity } from './results.ts'

/** Key: app, so that one partition sees everything planned for an application. Settings go to every partition. */

/** An entitlement that the operations take away besides what they are meant to. `desired`: governance says that it should be held. */
export const Loss = z.object({ entitlement: z.string(), desired: z.boolean() }).meta({ id: 'Loss' })
export type Loss = z.infer<typeof Loss>

/** What would correct a finding. `obstacle`: why nothing can be written; then there are no operations. */
const plan = { operations: z.array(Operation), loses: z.array(Loss), obstacle: z.string().nullable() }

const subject = {
  kind: FindingKind,
  severity: Severity,
  home: z.string(),
  identity: z.string().nullable(),
  app: z.string(),
  account: z.string().nullable(),
  entitlement: z.string().nullable(),
  object: z.string().nullable(),
}

/**
 * What reconcile proposes about one open finding; `version` changes with its opening and with its operations. `closed`: the finding
 * closed, or nothing is planned for it any more; `observed` is then of the observation that showed it, ms.
 */
export const Proposal = z
  .object({
    type: z.literal('Proposal'),
    finding: z.string(),
    version: z.string(),
    change: z.enum(['proposed', 'closed']).meta({ id: 'ProposalChange' }),
    ...subject,
    detail: z.string(),
    ...plan,
    opened: millis,
    observed: millis.nullable(),
    decided: millis,
    causes: z.array(Position),
    cause: Position,
  })
  .meta({ id: 'Proposal' })
export type Proposal = z.infer<typeof Proposal>

/**
 * A person's decision. `approve` and `reject` concern one finding at the version that the person saw; `release` everything that the
 * application's brake holds: until `until` the brake then holds nothing (null: what is held now only).
 */
export const ActionDecision = z
  .object({
    type: z.literal('ActionDecision'),
    app: z.string(),
    finding: z.string().nullable(),
    version: z.string().nullable(),
    decision: z.enum(['approve', 'reject', 'release']).meta({ id: 'ActionDecisionKind' }),
    by: z.string(),
    why: z.string(),
    until: millis.nullable(),
    at: millis,
  })
  .meta({ id: 'ActionDecision' })
export type ActionDecision = z.infer<typeof ActionDecision>

/**
 * `applied`: made so, and read back. `already`: it was so. `partial`: some calls were carried out, then one was refused or failed.
 * `refused`: the application said no, nothing was changed. `pending-visibility`: carried out, not visible yet. `lost-update`: carried
 * out, and not visible when the application's visibility window had passed. `superseded`: a newer command came first. `failed`: not
 * carried out, or not known to be.
 */
export const WriteVerdict = z
  .enum(['applied', 'already', 'partial', 'refused', 'lost-update', 'pending-visibility', 'superseded', 'failed'])
  .meta({ id: 'WriteVerdict' })
export type WriteVerdict = z.infer<typeof WriteVerdict>

/** One call of a command: of the operation at `operation`, counted from 0. */
export const WriteStep = z
  .object({
    operation: z.int(),
    step: z.string(),
    outcome: z.enum(['applied', 'already', 'refused', 'failed']).meta({ id: 'StepOutcome' }),
    reason: z.string().nullable(),
  })
  .meta({ id: 'WriteStep' })
export type WriteStep = z.infer<typeof WriteStep>

/** What became of one command. `written`: stamp before the first call; `readBack`: stamp of the read that confirmed it. */
export const WriteResult = z
  .object({
    type: z.literal('WriteResult'),
    app: z.string(),
    finding: z.string(),
    version: z.string(),
    commandId: z.string(),
    command: Position,
    verdict: WriteVerdict,
    reason: z.string().nullable(),
    steps: z.array(WriteStep),
    written: stamp.nullable(),
    readBack: stamp.nullable(),
    at: millis,
  })
  .meta({ id: 'WriteResult' })
export type WriteResult = z.infer<typeof WriteResult>

/** How many accounts a complete run of the application showed: what a share of removals is a share of. */
export const Census = z
  .object({ type: z.literal('Census'), app: z.string(), run: z.int(), accounts: z.int(), at: millis })
  .meta({ id: 'Census' })
export type Census = z.infer<typeof Census>

export const ActionRecord = z.discriminatedUnion('type', [Proposal, ActionDecision, WriteResult, Census, Setting, Tick, Epoch])
export type ActionRecord = z.infer<typeof ActionRecord>

export const ActionState = z
  .enum(['proposed', 'approved', 'held', 'dispatched', 'applied', 'failed', 'contested', 'rejected', 'verified', 'withdrawn'])
  .meta({ id: 'ActionState' })
export type ActionState = z.infer<typeof ActionState>

export const RemedyMode = z.enum(['observe', 'approve', 'auto']).meta({ id: 'RemedyMode' })
export type RemedyMode = z.infer<typeof RemedyMode>

/**
 * One change of one action; key: app. `id` is the finding's: a finding has one action, which begins anew when it opens again.
 * `attempt`: commands sent for it so far. `due`: when something happens next without anybody, ms. `by`, `why`: of the decision that
 * made this state; `policy` is not a person.
 */
export const ActionChange = z
  .object({
    type: z.literal('ActionChange'),
    id: z.string(),
    version: z.string(),
    state: ActionState,
    mode: RemedyMode,
    ...subject,
    detail: z.string(),
    ...plan,
    attempt: z.int(),
    commandId: z.string().nullable(),
    verdict: WriteVerdict.nullable(),
    reason: z.string().nullable(),
    by: z.string().nullable(),
    why: z.string().nullable(),
    due: millis.nullable(),
    at: millis,
    cause: Position,
  })
  .meta({ id: 'ActionChange' })
export type ActionChange = z.infer<typeof ActionChange>

export const ActionLogRecord = z.discriminatedUnion('type', [ActionChange])
