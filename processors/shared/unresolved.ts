import type { Unresolved as Told } from '../../schemas/wire/results.ts'
import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from './hot-rows.ts'
import { part } from './rows.ts'

const table = 'unresolved'
const counted = 'unresolved-counted'
/** As many names as show what kind of mistake it is. */
const maxTold = 5

/**
 * What is named and not there, by the source whose runs tell of it. A name counts once for each time that it was added, and is gone when it was
 * removed as often.
 */
export class Unresolved {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  has(source: string, name: string): boolean {
    return this.#state.get(table, part(source) + name) !== undefined
  }

  add(source: string, name: string): void {
    const key = part(source) + name
    const times = this.#state.get<number>(table, key) ?? 0
    this.#state.put(table, key, times + 1)
    if (times === 0) this.#count(source, 1)
  }

  remove(source: string, name: string): void {
    const key = part(source) + name
    const times = this.#state.get<number>(table, key) ?? 0
    if (times > 1) this.#state.put(table, key, times - 1)
    else if (times === 1) {
      this.#state.delete(table, key)
      this.#count(source, -1)
    }
  }

  /** Null where there is none. */
  of(source: string): Told | null {
    const count = this.#counted(source)
    if (count === 0) return null
    const prefix = part(source)
    const some: string[] = []
    for (const [key] of this.#state.range(table, { prefix })) {
      if (some.push(key.slice(prefix.length)) === maxTold) break
    }
    return { count, some }
  }

  #counted(source: string): number {
    return getHot<number>(this.#state, counted, source) ?? 0
  }

  #count(source: string, by: 1 | -1): void {
    const count = this.#counted(source) + by
    if (count === 0) this.#state.delete(counted, source)
    else putHot(this.#state, counted, source, count)
  }
}
