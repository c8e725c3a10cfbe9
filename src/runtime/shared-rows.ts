/** Clean rows kept at most; beyond that all of them are let go, and read again as they are asked for. */
const maxCleanRows = 1_024

/**
 * Decoded values of a task's hot rows, kept over its transactions: what the store holds, or what is to be written over it (dirty).
 * They go with the hold on the state: after a failed commit nothing here may be believed.
 */
export class SharedRows {
  readonly #clean = new Map<string, unknown>()
  /** by table, then by row */
  readonly #dirty = new Map<string, Map<string, unknown>>()

  has(table: string, row: string): boolean {
    return this.#clean.has(row) || this.#dirty.get(table)?.has(row) === true
  }

  get(table: string, row: string): unknown {
    const dirty = this.#dirty.get(table)
    return dirty?.has(row) === true ? dirty.get(row) : this.#clean.get(row)
  }

  isDirty(table: string, row: string): boolean {
    return this.#dirty.get(table)?.has(row) === true
  }

  /** As the store holds it; undefined where it holds none. */
  remember(row: string, value: unknown): void {
    if (this.#clean.size >= maxCleanRows) this.#clean.clear()
    this.#clean.set(row, value)
  }

  /** True where the row was clean before. */
  write(table: string, row: string, value: unknown): boolean {
    let rows = this.#dirty.get(table)
    if (rows === undefined) this.#dirty.set(table, (rows = new Map<string, unknown>()))
    const isFirst = !rows.has(row)
    rows.set(row, value)
    return isFirst
  }

  /** The row is written by other means, so what is known here is void. */
  forget(table: string, row: string): void {
    this.#clean.delete(row)
    this.#dirty.get(table)?.delete(row)
  }

  /** Hands what is dirty (of one table, or of all) to `take`, and counts it as stored. */
  settle(table: string | null, take: (table: string, row: string, value: unknown) => void): void {
    for (const [name, rows] of table === null ? this.#dirty : [[table, this.#dirty.get(table)] as const]) {
      if (rows === undefined || rows.size === 0) continue
      for (const [row, value] of rows) {
        take(name, row, value)
        this.remember(row, value)
      }
      rows.clear()
    }
  }
}
