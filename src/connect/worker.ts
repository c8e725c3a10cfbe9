import { reasonOf } from '../core/reason.ts'
import { FencedError } from '../ports/log.ts'
import type { Clock } from '../runtime/clock.ts'
import { InDoubtError } from '../runtime/errors.ts'
import type { OnEvent } from './events.ts'
import { backoffMs } from './retry.ts'

/** What one worker does over and over: a step, then a wait for more. */
export interface Work {
  readonly name: string
  step(): Promise<void>
  /** Resolves when the next step may find something to do, or on abort. */
  wait(signal: AbortSignal): Promise<void>
  /** True once everything that was asked so far is done. */
  isIdle(): Promise<boolean>
}

/**
 * Runs one source's work, one step after another, until the signal aborts. A step that fails for reasons of the surroundings is
 * repeated after a growing pause; one that was fenced ends the worker: another process has taken the source over. So does one of which
 * it is not known whether it was published: what the work remembers may differ from the checkpoint, so other work has to begin from that.
 */
export class Worker {
  readonly #work: Work
  readonly #clock: Clock
  readonly #onEvent: OnEvent
  #watchers: (() => void)[] = []
  #busy = true
  #steps = 0
  #hasWorked = false
  #ended: { error: FencedError | InDoubtError | null } | null = null

  constructor(work: Work, clock: Clock, onEvent: OnEvent) {
    this.#work = work
    this.#clock = clock
    this.#onEvent = onEvent
  }

  /** A step was done: what fails then is no repetition of what failed before this worker. */
  get hasWorked(): boolean {
    return this.#hasWorked
  }

  /** Resolves on abort. Rejects with FencedError when another process has taken over, and with InDoubtError, which the caller reports. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0
    try {
      while (!signal.aborted) {
        this.#busy = true
        try {
          await this.#work.step()
          failures = 0
          this.#hasWorked = true
        } catch (error) {
          if (isAborted(signal)) return
          if (error instanceof InDoubtError) {
            this.#ended = { error }
            throw error
          }
          failures += 1
          if (this.#report(error, failures) === null) throw error
          await this.#clock.sleep(this.#pauseMs(failures), signal)
          continue
        }
        this.#busy = false
        this.#wake()
        await this.#work.wait(signal)
      }
    } finally {
      this.#ended ??= { error: null }
      this.#wake()
    }
  }

  /** Resolves when everything asked so far is done; rejects if the worker ended before with an error. */
  async idle(): Promise<void> {
    for (;;) {
      if (this.#ended !== null) {
        if (this.#ended.error !== null) throw this.#ended.error
        return
      }
      const steps = this.#steps
      if (!this.#busy && (await this.#work.isIdle())) return
      if (steps !== this.#steps) continue
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
  }

  #pauseMs(failures: number): number {
    return backoffMs({ baseMs: 1_000, maxMs: 60_000 }, failures, 0)
  }

  /** The pause before the step is repeated; null where it never is. */
  #report(error: unknown, failures: number): number | null {
    const fenced = error instanceof FencedError ? error : null
    const nextInMs = fenced !== null ? null : this.#pauseMs(failures)
    const reason = reasonOf(error)
    this.#onEvent({ event: 'problem', source: this.#work.name, doing: fenced !== null ? 'publishing: another process has taken over' : 'working', reason, nextInMs })
    if (fenced !== null) this.#ended = { error: fenced }
    return nextInMs
  }

  #wake(): void {
    this.#steps += 1
    const watchers = this.#watchers
    this.#watchers = []
    for (const wake of watchers) wake()
  }
}

/** As a call: the flag may turn while a step is awaited. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted

/** Resolves with the first of the waits, and lets go of the others. */
export async function firstOf(waits: readonly ((signal: AbortSignal) => Promise<void>)[], signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  try {
    await Promise.race(waits.map((wait) => wait(either)))
  } finally {
    over.abort()
  }
}
