import { EnvironmentError } from './errors.ts'
import { pause } from './pause.ts'
import { Task, type TaskOptions, type TaskProgress } from './task.ts'

export interface Retry {
  task: string
  /** in a row, since the last success */
  attempt: number
  /** until the next attempt, ms */
  waitMs: number
  error: EnvironmentError
}

export interface LoopOptions extends TaskOptions {
  signal: AbortSignal
  /** after each commit, and when there is nothing left to do */
  onProgress?: (progress: TaskProgress) => void
  onRetry?: (retry: Retry) => void
}

const firstRetryMs = 50
const longestRetryMs = 10_000

/**
 * Runs one task until the signal aborts; what is in hand is committed first. Failures of the surroundings are retried for ever,
 * with growing pauses; commits that have little to write are as far apart as the log asks for. Rejects with FencedError, DowngradeError, StateFormatError or ProcessorError, and for good.
 */
export async function runTask(options: LoopOptions): Promise<void> {
  await runLoop(new Task(options), options)
}

export async function runLoop(task: Task, options: LoopOptions): Promise<void> {
  const { clock, log, signal } = options
  let failures = 0
  while (!signal.aborted) {
    try {
      const began = performance.now()
      const outcome = await task.step()
      failures = 0
      const progress = task.progress()
      options.onProgress?.(progress)
      if (outcome === 'idle') await waitForWork(task, options)
      // what lags behind is carried on commit by commit
      else if (!task.isFull && !progress.lagging) await pause(log.commitGapMs - (performance.now() - began), signal)
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error
      failures++
      const waitMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (failures - 1))
      options.onRetry?.({ task: task.id, attempt: failures, waitMs, error })
      await clock.sleep(waitMs, signal)
    }
  }
}

/** Until the input has more, a tick is due, or the task is to stop. */
async function waitForWork(task: Task, { type, partition, log, clock, signal }: LoopOptions): Promise<void> {
  const woken = new AbortController()
  const wake = (): void => woken.abort()
  signal.addEventListener('abort', wake, { once: true })
  task.onHurry = wake
  if (signal.aborted) wake()
  try {
    await Promise.race([untilInput(), clock.sleep(task.tickDueInMs, woken.signal)])
  } finally {
    task.onHurry = null
    wake()
    signal.removeEventListener('abort', wake)
  }

  async function untilInput(): Promise<void> {
    try {
      await log.waitFor(type.input, partition, task.offset, woken.signal)
    } catch (error) {
      throw new EnvironmentError(`${task.id}: waiting for input failed`, { cause: error })
    }
  }
}
