import type { WriteStep } from '../../../schemas/wire/actions.ts'
import type { Operation } from '../../../schemas/wire/operations.ts'
import { canonical, digest } from '../../core/canonical.ts'
import { reach } from '../../core/fault.ts'
import { ConnectError, type ErrorClass, type WriteSide } from '../../ports/connector.ts'
import type { Clock } from '../../runtime/clock.ts'
import { asConnectError } from '../errors.ts'
import { backoffMs } from '../retry.ts'
import { callUntil } from './deadline.ts'
import type { Lease } from './lease.ts'

export interface PlannedStep {
  operation: number
  of: Operation
  step: string
}

interface CallOptions {
  side: WriteSide
  /** the command's id: every attempt at a step has the same key */
  command: string
  lease: Lease
  /** proves anew, by a fenced commit, that writing is still ours */
  renew: () => Promise<void>
  clock: Clock
  signal: AbortSignal
  /** this call was begun before, by a process that is no more: it may have been carried out */
  begunBefore: boolean
}

const attempts = 3
/** A call that may not take at least this long is not begun. */
const leastMs = 1_000
const refusals: ReadonlySet<ErrorClass> = new Set(['permission', 'conflict', 'schema', 'not-found'])
const passing: ReadonlySet<ErrorClass> = new Set(['transient', 'throttled'])
const doubt = 'an earlier attempt got no answer, and may have been carried out'

/**
 * Makes one call, again where that may help: what is asked is the same, with the same key, so an answer that was lost costs a
 * repetition and nothing else. What an earlier attempt may have done is told: `already` after it is `applied` with a reason, and a refusal
 * after it has `failed`, since not known to have changed nothing. Rejects on abort and where another process has taken over, both to be
 * resumed from the journal.
 */
export async function callStep({ operation, of, step }: PlannedStep, options: CallOptions): Promise<WriteStep> {
  const { side, command, lease, renew, clock, signal } = options
  const key = digest(canonical(['step', command, operation, step]))
  let unanswered = options.begunBefore
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    reach('write.before-call')
    if (lease.remainingMs() < leastMs) await renew()
    const outcome = await attemptOnce(side, of, step, key, lease.remainingMs(), signal)
    reach('write.after-call')
    if (outcome === 'already' && unanswered) return { operation, step, outcome: 'applied', reason: `it was so when asked again: ${doubt}` }
    if (!(outcome instanceof ConnectError)) return { operation, step, outcome, reason: null }
    const reason = `${outcome.class}: ${outcome.message} (${outcome.place})`
    if (refusals.has(outcome.class)) {
      return unanswered ? { operation, step, outcome: 'failed', reason: `${reason}; ${doubt}` } : { operation, step, outcome: 'refused', reason }
    }
    unanswered ||= outcome.class === 'transient'
    if (!passing.has(outcome.class) || attempt >= attempts) return { operation, step, outcome: 'failed', reason }
    await clock.sleep(backoffMs({ baseMs: 500, maxMs: 10_000 }, attempt, Math.random()), signal)
  }
}

/** A connector that does not keep to the deadline is not waited for, and whatever it still asks is refused. */
async function attemptOnce(
  side: WriteSide, of: Operation, step: string, key: string, timeMs: number, signal: AbortSignal,
): Promise<'applied' | 'already' | ConnectError> {
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), timeMs)
  const deadline = AbortSignal.any([over.signal, signal])
  const late = Promise.withResolvers<ConnectError>()
  deadline.addEventListener('abort', () => late.resolve(new ConnectError('transient', 'no answer while writing was still ours', step)), { once: true })
  try {
    const made = callUntil(deadline, () => side.ensure(of, step, key)).catch((error: unknown) => asConnectError(error, step))
    const outcome = await Promise.race([made, late.promise])
    signal.throwIfAborted()
    return outcome
  } finally {
    clearTimeout(timer)
    over.abort()
  }
}
