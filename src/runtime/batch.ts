import type { Clock } from './clock.ts'
import type { TaskLimits } from './limits.ts'

/** What has gone into one transaction so far, against its limits. The first unit of work always fits, so each batch moves on. */
export class Batch {
  readonly #clock: Clock
  readonly #limits: TaskLimits
  readonly #beganMs: number
  readonly #written: () => number
  #empty = true
  #records = 0
  #inputBytes = 0

  /** `written` answers the size of outputs and state so far, bytes. */
  constructor(clock: Clock, limits: TaskLimits, written: () => number) {
    this.#clock = clock
    this.#limits = limits
    this.#written = written
    this.#beganMs = clock.monotonicMs()
  }

  /** Something was done, and must be committed; zeros where it weighs nothing. */
  count(records: number, inputBytes: number): void {
    this.#empty = false
    this.#records += records
    this.#inputBytes += inputBytes
  }

  get empty(): boolean {
    return this.#empty
  }

  isFull(): boolean {
    if (this.#empty) return false
    return (
      this.#records >= this.#limits.maxBatchRecords ||
      this.#inputBytes + this.#written() >= this.#limits.maxBatchBytes ||
      this.#clock.monotonicMs() - this.#beganMs >= this.#limits.maxBatchMs
    )
  }
}
