import type { State } from '../../src/ports/processor.ts'
import { ordered } from './rows.ts'

/** Things due at a time, ordered by it and then by id. One table each kind; an id has at most one due time, kept by its owner. */
export class Timers {
  readonly #state: State
  readonly #table: string

  constructor(state: State, table: string) {
    this.#state = state
    this.#table = table
  }

  /** `at` in ms; null clears. `before`: what the owner last set for this id. Writes nothing where both are equal. */
  set(id: string, before: number | null, at: number | null): void {
    if (before === at) return
    if (before !== null) this.#state.delete(this.#table, rowKey(before, id))
    if (at !== null) this.#state.put(this.#table, rowKey(at, id), 1)
  }

  /** The first that is due at `now`, or null. Whoever handles it sets it anew or clears it, which makes the next one the first. */
  due(now: number): { id: string; at: number } | null {
    for (const first of this.allDue(now)) return first
    return null
  }

  /** All that are, in order. Whoever handles one sets it to a time after `now` or clears it before asking for the next. */
  *allDue(now: number): Iterable<{ id: string; at: number }> {
    for (const [key] of this.#state.range(this.#table)) {
      const at = Number(key.slice(0, digits))
      if (at > now) return
      yield { id: key.slice(digits + 1), at }
    }
  }
}

const digits = 16
const rowKey = (at: number, id: string): string => `${ordered(at)}/${id}`
