import type { Clock } from '../runtime/clock.ts'

/**
 * Hybrid clock of one source, microseconds: each stamp is above every one before it, also where the host's clock runs back or a
 * successor on a slower host takes over. `last` belongs in the checkpoint of every transaction that publishes a stamp.
 */
export class StampClock {
  readonly #clock: Clock
  #last: number

  constructor(clock: Clock, last: number) {
    this.#clock = clock
    this.#last = last
  }

  get last(): number {
    return this.#last
  }

  above(stamp: number): void {
    this.#last = Math.max(this.#last, stamp)
  }

  next(): number {
    this.#last = Math.max(Math.floor(this.#clock.nowMs() * 1_000), this.#last + 1)
    return this.#last
  }
}
