import type { Unresolved as Told } from '../../schemas/wire/results.ts'
import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from './hot-rows.ts'
import { part } from './rows.ts'

const table = 'unresolved'
const counted = 'unresolved-counted'
/** As many names as show what kind of mistake it is. */
const maxTold = 5

/** How a name begins: what it is a name of. */
export type NameKind = 'account' | 'identity' | 'role'

/**
 * What is named and not there, by the source whose runs tell of it. A name begins with its kind and a slash. It counts once for each time that it was
 * added, and is gone when it was removed as often.
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
    if (times === 0) this.#count(source, name, 1)
  }

  remove(source: string, name: string): void {
    const key = part(source) + name
    const times = this.#state.get<number>(table, key) ?? 0
    if (times > 1) this.#state.put(table, key, times - 1)
    else if (times === 1) {
      this.#state.delete(table, key)
      this.#count(source, name, -1)
    }
  }

  /** Of these kinds, in their order; null where there is none. */
  of(source: string, kinds: readonly NameKind[]): Told | null {
    const count = kinds.reduce((sum, kind) => sum + this.#counted(source, kind), 0)
    return count === 0 ? null : { count, some: kinds.flatMap((kind) => this.#some(source, kind)).slice(0, maxTold) }
  }

  #some(source: string, kind: NameKind): string[] {
    const some: string[] = []
    if (this.#counted(source, kind) === 0) return some
    const head = part(source)
    for (const [key] of this.#state.range(table, { prefix: `${head}${kind}/` })) {
      if (some.push(key.slice(head.length)) === maxTold) break
    }
    return some
  }

  #counted(source: string, kind: string): number {
    return getHot<number>(this.#state, counted, part(source) + kind) ?? 0
  }

  #count(source: string, name: string, by: 1 | -1): void {
    const kind = name.slice(0, name.indexOf('/'))
    const count = this.#counted(source, kind) + by
    if (count === 0) this.#state.delete(counted, part(source) + kind)
    else putHot(this.#state, counted, part(source) + kind, count)
  }
}
