import { compareKeys } from '../../src/core/order.ts'
import type { State } from '../../src/ports/processor.ts'

interface Waiting {
  readonly home: string
  /** when the change took effect, ms */
  readonly at: number
}

const table = 'postponed'
/** Rows that are read at once. */
const chunkRows = 64

/**
 * Subjects that a run in progress spoke of and that are still to be derived anew, by home. The first of them are kept at hand: to look
 * for the first among those that were deleted since the last commit would take longer with each. One instance serves one transaction
 * at most.
 */
export class WaitingSubjects {
  readonly #state: State
  /** those up to `#read`, the first one last */
  #next: Waiting[] = []
  #read = ''

  constructor(state: State) {
    this.#state = state
  }

  put(home: string, at: number): void {
    this.#state.put(table, home, at)
    if (compareKeys(home, this.#read) > 0) return
    const place = this.#placeOf(home)
    this.#next.splice(place, this.#next[place]?.home === home ? 1 : 0, { home, at })
  }

  /** Since when it waits; undefined where it does not. */
  get(home: string): number | undefined {
    return this.#state.get<number>(table, home)
  }

  delete(home: string): void {
    this.#state.delete(table, home)
    if (compareKeys(home, this.#read) > 0) return
    const place = this.#placeOf(home)
    if (this.#next[place]?.home === home) this.#next.splice(place, 1)
  }

  /** In key order. */
  first(): Waiting | undefined {
    if (this.#next.length === 0) this.#readOn()
    return this.#next.at(-1)
  }

  #readOn(): void {
    for (const [home, at] of this.#state.range<number>(table, { after: this.#read })) {
      this.#read = home
      if (this.#next.push({ home, at }) === chunkRows) break
    }
    this.#next.reverse()
  }

  /** Where the home is among the next ones, or would be. */
  #placeOf(home: string): number {
    let low = 0
    let high = this.#next.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#next[middle]!.home, home) > 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
