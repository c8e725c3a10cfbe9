import type { ActionDecision, Proposal, WriteResult } from '../../schemas/wire/actions.ts'
import type { RemedySetting } from '../../schemas/settings.ts'
import { isCovered, distanceMs, modeOf, type ActionRow } from './model.ts'
import { after, isOver, type ActionEvent } from './states.ts'

/** Pure: an action and what happens to it give the action as it goes on. Times are ms. */

/** Its next state; an event that the table does not know leaves it as it is. */
function moved(row: ActionRow, event: ActionEvent, change: Partial<ActionRow> = {}): ActionRow {
  const state = after(row.state, event)
  return state === null ? row : { ...row, due: null, ...change, state }
}

/** A finding opened, or other operations would correct it. */
export function proposed(row: ActionRow | undefined, proposal: Proposal, setting: RemedySetting, now: number): ActionRow {
  const subject = subjectOf(proposal)
  if (row === undefined) return byPolicy({ ...fresh, id: proposal.finding, ...subject }, setting, now)
  if (row.version === subject.version && !isOver(row.state)) return row.closing === null ? row : { ...row, closing: null }
  // one that had closed while its command is on its way is open again: what comes of the command is not the end of it
  const next: ActionRow = { ...row, ...subject, closing: null }
  if (isOver(row.state)) return byPolicy(begunAgain(next, setting, now), setting, now)
  if (row.state === 'approved' || row.state === 'held') {
    return isCovered(next) ? next : byPolicy(moved(next, 'propose', undecided), setting, now)
  }
  return row.state === 'proposed' ? byPolicy(next, setting, now) : next
}

/** It had been corrected or had gone, and is there again. */
function begunAgain(row: ActionRow, { reversalDays }: RemedySetting, now: number): ActionRow {
  const undone = row.state === 'verified' && row.verifiedAt !== null && now - row.verifiedAt <= reversalDays * 86_400_000
  return moved(row, 'propose', { ...undecided, tries: 0, commandId: null, verdict: null, written: null, closing: null, reversals: undone ? row.reversals + 1 : 0 })
}

const undecided = { approved: [], by: null, why: null, reason: null, released: false } as const

/** What policy says about a proposal that nobody decided: `auto` approves it, unless it would take what is desired. What `auto` approved, any other mode takes back. */
export function byPolicy(row: ActionRow, setting: RemedySetting, now: number): ActionRow {
  const mode = modeOf(setting, row)
  const next = row.mode === mode ? row : { ...row, mode }
  if ((next.state === 'approved' || next.state === 'held') && isTakenBack(next, setting)) return moved(next, 'propose', undecided)
  if (next.state !== 'proposed') return next
  if (next.reversals >= setting.maxReversals) return moved(next, 'contest', { reason: `it was corrected ${next.reversals} times and undone each time: something else wants it so` })
  if (mode !== 'auto' || next.obstacle !== null || next.loses.some(({ desired }) => desired)) return next
  return approvedBy(next, policyName, `${next.kind} is corrected without asking`, setting, now)
}

/** Who approved it, where no person did. */
const policyName = 'policy'

/** Policy approved it and would not any more. While nothing may be written at all, that is not asked. */
const isTakenBack = (row: ActionRow, setting: RemedySetting): boolean => row.by === policyName && setting.active && modeOf(setting, row) !== 'auto'

function approvedBy(row: ActionRow, by: string, why: string, setting: RemedySetting, now: number): ActionRow {
  const waits = row.reversals === 0 ? 0 : distanceMs(setting, row.reversals)
  return moved(row, 'approve', { by, why, reason: null, approved: row.operations, tries: 0, released: false, due: now + Math.round(setting.settleSeconds * 1_000) + waits })
}

/** A person's word on one action. What can't be followed says why and changes nothing. */
export function decided(row: ActionRow, decision: ActionDecision, setting: RemedySetting, now: number): ActionRow {
  const refusal = refusalOf(row, decision, setting)
  if (refusal !== null) return { ...row, reason: `not ${decision.decision === 'approve' ? 'approved' : 'rejected'}: ${refusal}` }
  if (decision.decision === 'reject') return moved(row, 'reject', { by: decision.by, why: decision.why, reason: null })
  const reversals = row.state === 'contested' ? 0 : row.reversals
  return approvedBy({ ...row, reversals }, decision.by, decision.why, setting, now)
}

function refusalOf(row: ActionRow, { decision, version }: ActionDecision, setting: RemedySetting): string | null {
  if (version !== row.version) return 'it has changed since it was looked at'
  if (decision === 'reject') return after(row.state, 'reject') === null ? `it is ${row.state}` : null
  if (modeOf(setting, row) === 'observe') return `the policy of ${row.app} for ${row.kind} is observe`
  if (row.obstacle !== null) return row.obstacle
  return after(row.state, 'approve') === null ? `it is ${row.state}` : null
}

/** The finding closed. While a command is on its way its result is waited for. */
export function closed(row: ActionRow, { observed }: Pick<Proposal, 'observed'>, now: number): ActionRow {
  if (row.state === 'dispatched') return { ...row, closing: { observed } }
  const wasWritten = row.written !== null && observed !== null && observed >= row.written
  if (wasWritten && after(row.state, 'verify') !== null) return moved(row, 'verify', { verifiedAt: now })
  return moved(row, 'close')
}

/** What became of its command; the result of an older command is no news. */
export function resulted(row: ActionRow, result: WriteResult, setting: RemedySetting, now: number): ActionRow {
  const isPending = row.state === 'applied' && row.verdict === 'pending-visibility'
  if (row.commandId !== result.commandId || (row.state !== 'dispatched' && !isPending)) return row
  const written = result.written === null ? row.written : Math.floor(result.written / 1_000)
  const told = { verdict: result.verdict, reason: result.reason, written, closing: null }
  const next = isDone(result)
    ? moved(row, 'succeed', { ...told, due: now + Math.round(setting.confirmSeconds * 1_000) })
    : moved(row, 'fail', { ...told, due: result.verdict === 'refused' || row.tries >= setting.maxTries ? null : now + distanceMs(setting, row.tries) })
  return row.closing === null ? next : closed(next, row.closing, now)
}

const isDone = ({ verdict }: WriteResult): boolean => verdict === 'applied' || verdict === 'already' || verdict === 'pending-visibility'

/** It is time: a failed one is tried again, an applied one that its finding outlived did not last. */
export function due(row: ActionRow, setting: RemedySetting, now: number): ActionRow {
  if (row.state === 'applied') {
    const reversals = row.reversals + 1
    if (reversals >= setting.maxReversals) return moved(row, 'contest', { reversals, reason: `it was written ${row.attempt} times and did not last` })
    return again({ ...row, reversals }, setting, now, distanceMs(setting, reversals))
  }
  return row.state === 'failed' ? again(row, setting, now, 0) : { ...row, due: null }
}

function again(row: ActionRow, setting: RemedySetting, now: number, waitMs: number): ActionRow {
  if (isCovered(row) && !isTakenBack(row, setting)) return moved(row, 'retry', { due: now + waitMs })
  return byPolicy(moved(row, 'propose', { ...undecided }), setting, now)
}

export const held = (row: ActionRow): ActionRow => moved(row, 'hold')
export const released = (row: ActionRow, by: string, why: string, now: number): ActionRow => moved(row, 'release', { by, why, released: true, due: now })
export const dispatched = (row: ActionRow, commandId: string): ActionRow =>
  moved(row, 'dispatch', { commandId, attempt: row.attempt + 1, tries: row.tries + 1, verdict: null, reason: null, closing: null })

const fresh = {
  state: 'proposed', mode: 'observe', attempt: 0, tries: 0, approved: [], by: null, why: null, released: false, due: null, commandId: null,
  verdict: null, reason: null, written: null, closing: null, reversals: 0, verifiedAt: null,
} as const satisfies Partial<ActionRow>

function subjectOf(proposal: Proposal): Omit<ActionRow, keyof typeof fresh | 'id'> {
  const { version, kind, severity, home, identity, app, account, entitlement, object, detail, operations, loses, obstacle } = proposal
  return { version, kind, severity, home, identity, app, account, entitlement, object, detail, operations, loses, obstacle }
}
