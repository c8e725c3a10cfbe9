import { backoffMs } from './retry.ts'

/** When something that recurs is due again, on a monotonic clock: at once at first, sooner than its period after a failure. */
export class Due {
  readonly #everyMs: number
  readonly #random: () => number
  #at = 0
  #failures = 0

  constructor(everyMs: number, random: () => number) {
    this.#everyMs = everyMs
    this.#random = random
  }

  /** 0 if it is due. */
  waitMs(monotonicMs: number): number {
    return Math.max(0, this.#at - monotonicMs)
  }

  now(): void {
    this.#at = 0
  }

  /** Counted from the beginning of what was done; answers the ms until it is due again. */
  done(startedMs: number, nowMs: number): number {
    this.#failures = 0
    this.#at = startedMs + this.#everyMs
    return this.waitMs(nowMs)
  }

  /** 5 s at first, doubling up to the period. */
  failed(nowMs: number): number {
    this.#failures += 1
    this.#at = nowMs + Math.min(this.#everyMs, backoffMs({ baseMs: 5_000, maxMs: this.#everyMs }, this.#failures, this.#random()))
    return this.waitMs(nowMs)
  }

  never(): void {
    this.#at = Infinity
  }
}
