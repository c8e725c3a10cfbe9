import { SortedKeys } from './sorted-keys.ts'

interface Rows {
  readonly byKey: Map<string, Uint8Array | null>
  readonly keys: SortedKeys
}

/**
 * What one transaction writes: encoded rows by table and key (null deletes), each under its last value. By both, since a name made of
 * them would be hashed anew at each read; it is made once, for the commit.
 */
export class WrittenRows implements Iterable<readonly [row: string, bytes: Uint8Array | null]> {
  readonly #tables = new Map<string, Rows>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Undefined where the transaction did not write the row. */
  get(table: string, key: string): Uint8Array | null | undefined {
    return this.#tables.get(table)?.byKey.get(key)
  }

  /** True where it is the first row of its table. */
  set(table: string, key: string, bytes: Uint8Array | null): boolean {
    let rows = this.#tables.get(table)
    if (rows === undefined) this.#tables.set(table, (rows = { byKey: new Map(), keys: new SortedKeys() }))
    const before = rows.byKey.size
    rows.byKey.set(key, bytes)
    if (rows.byKey.size === before) return false
    rows.keys.add(key)
    this.#size++
    return before === 0
  }

  /** The first key of the table with `prefix`, strictly after `after` where given. */
  next(table: string, prefix: string, after: string | undefined): string | undefined {
    return this.#tables.get(table)?.keys.next(prefix, after)
  }

  *[Symbol.iterator](): Generator<readonly [row: string, bytes: Uint8Array | null]> {
    for (const [table, { byKey }] of this.#tables) for (const [key, bytes] of byKey) yield [`${table}/${key}`, bytes]
  }
}
