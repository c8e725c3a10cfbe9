/** Clean rows kept at most; beyond that all of them are let go, and read again as they are asked for. */
const maxCleanRows = 1_024

interface Row {
  value: unknown
  /** to be written over what the store holds */
  dirty: boolean
}

/**
 * Decoded values of a task's hot rows, kept over its transactions: what the store holds, or what is to be written over it (dirty).
 * They go with the hold on the state: after a failed commit nothing here may be believed. By table and key: every record asks for
 * several of them, and a name made of both would be hashed anew each time.
 */
export class SharedRows {
  readonly #tables = new Map<string, Map<string, Row>>()
  /** the dirty ones of `#tables` */
  readonly #dirty = new Map<string, Map<string, Row>>()
  #clean = 0

  /** Undefined where nothing is known of the row; its value is undefined where the store holds none. */
  find(table: string, key: string): Readonly<Row> | undefined {
    return this.#tables.get(table)?.get(key)
  }

  /** As the store holds it; undefined where it holds none. Nothing is known of the row so far. */
  remember(table: string, key: string, value: unknown): void {
    this.#add(table, key, { value, dirty: false })
    this.#countClean()
  }

  /** True where the row was clean before. */
  write(table: string, key: string, value: unknown): boolean {
    const known = this.#tables.get(table)?.get(key)
    if (known === undefined) {
      this.#soil(table, key, this.#add(table, key, { value, dirty: true }))
      return true
    }
    known.value = value
    if (known.dirty) return false
    known.dirty = true
    this.#clean--
    this.#soil(table, key, known)
    return true
  }

  /** The row is written by other means, so what is known here is void. */
  forget(table: string, key: string): void {
    const known = this.find(table, key)
    if (known === undefined) return
    this.#tables.get(table)?.delete(key)
    if (known.dirty) this.#dirty.get(table)?.delete(key)
    else this.#clean--
  }

  /** Hands what is dirty (of one table, or of all) to `take`, and counts it as stored. */
  settle(table: string | null, take: (table: string, key: string, value: unknown) => void): void {
    for (const [name, rows] of table === null ? this.#dirty : [[table, this.#dirty.get(table)] as const]) {
      if (rows === undefined || rows.size === 0) continue
      for (const [key, row] of rows) {
        take(name, key, row.value)
        row.dirty = false
        this.#clean++
      }
      rows.clear()
    }
    if (this.#clean > maxCleanRows) this.#letGo()
  }

  #add(table: string, key: string, row: Row): Row {
    let rows = this.#tables.get(table)
    if (rows === undefined) this.#tables.set(table, (rows = new Map<string, Row>()))
    rows.set(key, row)
    return row
  }

  #soil(table: string, key: string, row: Row): void {
    let rows = this.#dirty.get(table)
    if (rows === undefined) this.#dirty.set(table, (rows = new Map<string, Row>()))
    rows.set(key, row)
  }

  #countClean(): void {
    if (++this.#clean > maxCleanRows) this.#letGo()
  }

  #letGo(): void {
    for (const rows of this.#tables.values()) for (const [key, { dirty }] of rows) if (!dirty) rows.delete(key)
    this.#clean = 0
  }
}
