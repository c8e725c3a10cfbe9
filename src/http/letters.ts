import { z } from 'zod'
import type { DeadLetter } from '../../schemas/wire/results.ts'
import type { Store } from '../ports/store.ts'
import { deadLetterById, type DeadLetterRow } from '../reports/dead-letters.ts'
import type { Outgoing } from '../runtime/publisher.ts'
import { ApiError } from './api-error.ts'

export const LetterDecision = z.discriminatedUnion('decision', [
  z.strictObject({ decision: z.literal('retry'), by: z.string().min(1).describe('who decided') }),
  z.strictObject({ decision: z.literal('discard'), by: z.string().min(1).describe('who decided'), why: z.string().min(1).describe('why nothing is lost by it') }),
])
export type LetterDecision = z.infer<typeof LetterDecision>

/** Throws ApiError where no letter, or more than one, has an id that begins so. */
export async function letterById(store: Store, id: string): Promise<DeadLetterRow> {
  const [first, other] = await deadLetterById(store, id)
  if (first === undefined) throw new ApiError(404, `there is no dead letter ${id}; \`grantline dlq list --state all\` lists them`)
  if (other !== undefined) throw new ApiError(400, `${id} is the beginning of more than one dead letter: give more of it`)
  return first
}

/** The records that carry a decision out: the letter with its new state and, for a retry, the command that reads the object again. */
export function decided(
  letter: DeadLetterRow, decision: LetterDecision, apps: readonly string[], at: number, commandId: string,
): { outgoing: Outgoing[]; did: string } {
  if (letter.state === 'discarded') throw new ApiError(409, `dead letter ${letter.id} was discarded by ${letter.by ?? 'somebody'}: ${letter.why ?? ''}`)
  if (letter.state === 'superseded') throw new ApiError(409, `dead letter ${letter.id} is of run ${letter.run}; a later complete run read all again and did not tell it; it is open again when a run does`)
  const written: DeadLetter = {
    type: 'DeadLetter', id: letter.id, source: letter.source, run: letter.run, stage: letter.stage, code: letter.code, reason: letter.reason,
    place: letter.place, record: letter.record, payload: letter.payload, at, by: decision.by, cause: letter.position,
    ...(decision.decision === 'discard' ? { state: 'discarded', why: decision.why } : { state: 'retried', why: null }),
  }
  const told: Outgoing = { topic: 'dead-letters', key: letter.source, record: written }
  if (decision.decision === 'discard') return { outgoing: [told], did: 'discarded' }
  if (!apps.includes(letter.source)) throw new ApiError(409, whyNoRetry(letter))
  const account = accountOf(letter)
  const command: Outgoing = {
    topic: 'commands', key: letter.source,
    record: {
      type: 'Command', id: commandId, app: letter.source, kind: account === null ? 'sync' : 'reread', account, run: null,
      reason: `dead letter ${letter.id}, retried by ${decision.by}`, write: null, at, cause: letter.position,
    },
  }
  const did = account === null ? `${letter.source} is read again whole` : `account ${account} of ${letter.source} is read again`
  return { outgoing: [command, told], did: `${did}; if the cause is still there, a letter is open again` }
}

/** The account that a letter of an application is about; null where it may be about something else, or nobody knows. */
function accountOf({ source, stage, run, record }: DeadLetterRow): string | null {
  if (record === null) return null
  if (stage === 'normalise') return record.startsWith(`${source}/`) ? record.slice(source.length + 1) : null
  const single = stage === 'map' && run === null
  return stage === 'assemble' || single ? record : null
}

function whyNoRetry({ source, stage, id }: DeadLetterRow): string {
  if (stage === 'runtime' || stage === 'sink') {
    return `dead letter ${id} is a message that this release can't read: nothing can read it again. It stays in the log; ` +
      'run a release that reads it, or discard the letter with a reason'
  }
  return `${source} is no active application, so there is nobody to ask again: a feed is read again whole when its file is sent again; then discard the letter with a reason`
}
