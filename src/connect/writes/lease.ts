import type { Clock } from '../../runtime/clock.ts'

/**
 * The right to write to an application: it was held when a commit under it succeeded, and for `leaseMs` from that commit's beginning
 * nobody else begins to write. So a call is made only while some of that is left, and ends with it.
 */
export class Lease {
  readonly #clock: Clock
  readonly #leaseMs: number
  #from = -Infinity

  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock
    this.#leaseMs = leaseMs
  }

  /** Runs a fenced commit; if it succeeds the lease counts from before it. */
  async renew(commit: () => Promise<void>): Promise<void> {
    const from = this.#clock.monotonicMs()
    await commit()
    this.#from = from
  }

  /** ms; 0 where it has run out, as after a pause of the process. */
  remainingMs(): number {
    return Math.max(0, this.#from + this.#leaseMs - this.#clock.monotonicMs())
  }
}
