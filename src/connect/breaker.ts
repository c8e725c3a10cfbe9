import type { Clock } from '../runtime/clock.ts'
import { backoffMs } from './retry.ts'

/** Failed requests in a row that open the circuit. */
const failuresToOpen = 10
const pause = { baseMs: 5_000, maxMs: 300_000 }

/**
 * Keeps requests away from an application that answers none of them: after some failures in a row nothing is sent for a while, then one
 * request tries, and only if it succeeds the others follow. An application that refuses (429) is not down: that is the limiter's matter.
 */
export class Breaker {
  readonly #clock: Clock
  readonly #random: () => number
  #failures = 0
  #opened = 0
  #openUntil = 0
  #trying = false

  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock
    this.#random = random
  }

  /** null: the request may be sent, and `ended` must follow; else ms until one may. */
  refusesForMs(): number | null {
    if (this.#opened === 0) return null
    const leftMs = this.#openUntil - this.#clock.monotonicMs()
    if (leftMs > 0) return leftMs
    if (this.#trying) return 0
    this.#trying = true
    return null
  }

  /** `failed`: no answer came, or one that says that the application is out of order. */
  ended(failed: boolean): void {
    this.#trying = false
    if (!failed) {
      this.#failures = 0
      this.#opened = 0
      return
    }
    this.#failures += 1
    if (this.#failures < failuresToOpen) return
    this.#opened += 1
    this.#openUntil = this.#clock.monotonicMs() + backoffMs(pause, this.#opened, this.#random())
  }
}
