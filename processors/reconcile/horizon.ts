/** Asks whether moments have come, and remembers the nearest that has not: the evaluation then has to be repeated at `next`. */
export class Horizon {
  readonly now: number
  #next: number | null = null

  constructor(now: number) {
    this.now = now
  }

  get next(): number | null {
    return this.#next
  }

  /** Whether `at` (ms) has come; if not, it counts towards `next`. */
  reached(at: number): boolean {
    if (at <= this.now) return true
    if (this.#next === null || at < this.#next) this.#next = at
    return false
  }
}
