import type { StateReader } from '../ports/log.ts'

/**
 * Tables in which the store holds no row, told by one look at each: much is asked of tables of exceptions, which mostly have none. Goes
 * with the hold on the state, as nobody else writes to it meanwhile.
 */
export class EmptyTables {
  readonly #store: StateReader
  readonly #isEmpty = new Map<string, boolean>()

  constructor(store: StateReader) {
    this.#store = store
  }

  /** `prefix` begins the keys of the table's rows. */
  has(table: string, prefix: string): boolean {
    let isEmpty = this.#isEmpty.get(table)
    if (isEmpty === undefined) this.#isEmpty.set(table, (isEmpty = this.#look(prefix)))
    return isEmpty
  }

  /** A row of it is about to be committed. */
  fill(table: string): void {
    this.#isEmpty.set(table, false)
  }

  #look(prefix: string): boolean {
    for (const _row of this.#store.range(prefix)) return false
    return true
  }
}
