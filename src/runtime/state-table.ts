import { compareKeys } from '../core/order.ts'
import type { StateChanges, StateReader } from '../ports/log.ts'
import type { SharedState } from '../ports/processor.ts'
import type { EmptyTables } from './empty-tables.ts'
import { SharedRows } from './shared-rows.ts'
import { decodeValue, encodeValue } from './values.ts'
import { WrittenRows } from './written-rows.ts'

/**
 * The state as one transaction sees it: what the store holds, with this transaction's own writes over it. Rows are
 * `<table>/<key>`; a table's name has no slash, so the first one ends it and no two (table, key) meet. Rows under `@runtime/`
 * are the runtime's own and out of a processor's reach.
 *
 * Values are encoded when put and decoded at each read: a value that its owner goes on changing is not changed here. Shared rows
 * are encoded once for each commit, however often they are put, and stay decoded from one transaction to the next.
 */
export class StateTable implements SharedState {
  readonly #store: StateReader
  #rows = new WrittenRows()
  readonly #shared: SharedRows
  readonly #empty: EmptyTables | null
  #bytes = 0

  /** `empty`: where nobody else writes to the store while this and those after it (`next`) are in use. */
  constructor(store: StateReader, empty: EmptyTables | null = null, shared = new SharedRows()) {
    this.#store = store
    this.#shared = shared
    this.#empty = empty
  }

  /**
   * The same state after this transaction's commit. What was written is let go of here: a processor keeps the state of its last record until
   * its next one, and of a dozen tasks all but one wait.
   */
  next(): StateTable {
    this.#rows = new WrittenRows()
    return new StateTable(this.#store, this.#empty, this.#shared)
  }

  /** Size of what was written since the last commit, bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** What the commit has to write. */
  get changes(): StateChanges {
    this.#settle(null)
    return this.#rows
  }

  get<V>(table: string, key: string): V | undefined {
    if (this.#shared.find(table, key)?.dirty === true) this.#settle(table)
    return this.#read(table, key, true) as V | undefined
  }

  getShared<V>(table: string, key: string): V | undefined {
    const known = this.#shared.find(table, key)
    if (known !== undefined) return known.value as V | undefined
    const value = this.#read(table, key, false)
    this.#shared.remember(table, key, value)
    return value as V | undefined
  }

  putShared(table: string, key: string, value: unknown): void {
    refuseUndefined(table, value)
    if (this.#shared.write(table, key, value)) this.#bytes += prefixOf(table).length + key.length + sharedRowBytes
  }

  editShared<V>(table: string, key: string): V | undefined {
    const known = this.#shared.find(table, key)
    if (known?.dirty === true) return known.value as V
    const value = this.getShared<V>(table, key)
    if (value !== undefined) this.putShared(table, key, value)
    return value
  }

  put(table: string, key: string, value: unknown): void {
    refuseUndefined(table, value)
    this.#replace(table, key, encodeValue(value))
  }

  delete(table: string, key: string): void {
    this.#replace(table, key, null)
  }

  *range<V>(table: string, options: { prefix?: string; after?: string } = {}): Iterable<readonly [key: string, value: V]> {
    const { prefix = '', after } = options
    const base = prefixOf(table)
    this.#settle(table)
    const stored = (this.#empty?.has(table, base) === true ? [] : this.#store.range(base + prefix, after === undefined ? undefined : base + after))[Symbol.iterator]()
    let last = after
    let row = stored.next()
    try {
      for (;;) {
        this.#settle(table)
        const own = this.#rows.next(table, prefix, last)
        const kept = row.done ? undefined : row.value[0].slice(base.length)
        if (own !== undefined && (kept === undefined || compareKeys(own, kept) <= 0)) {
          if (own === kept) row = stored.next()
          last = own
          const bytes = this.#rows.get(table, own)
          if (bytes) yield [own, decodeValue(bytes, true) as V] as const
        } else if (kept !== undefined && !row.done) {
          const value = decodeValue(row.value[1], true) as V
          row = stored.next()
          last = kept
          yield [kept, value] as const
        } else return
      }
    } finally {
      stored.return?.()
    }
  }

  getOwn(key: string): unknown {
    const written = this.#rows.get(ownTable, key)
    const bytes = written === undefined ? this.#store.get(ownPrefix + key) : written
    return bytes === undefined || bytes === null ? undefined : decodeValue(bytes)
  }

  putOwn(key: string, value: unknown): void {
    this.#write(ownTable, key, encodeValue(value))
  }

  deleteOwn(key: string): void {
    this.#write(ownTable, key, null)
  }

  #read(table: string, key: string, passing: boolean): unknown {
    const prefix = prefixOf(table)
    const written = this.#rows.get(table, key)
    if (written === null) return undefined
    if (written === undefined && this.#empty?.has(table, prefix) === true) return undefined
    const bytes = written ?? this.#store.get(prefix + key)
    return bytes === undefined ? undefined : decodeValue(bytes, passing)
  }

  #replace(table: string, key: string, bytes: Uint8Array | null): void {
    prefixOf(table)
    this.#shared.forget(table, key)
    this.#write(table, key, bytes)
  }

  #settle(table: string | null): void {
    this.#shared.settle(table, (name, key, value) => this.#write(name, key, encodeValue(value)))
  }

  #write(table: string, key: string, bytes: Uint8Array | null): void {
    this.#bytes += table.length + 1 + key.length + (bytes?.length ?? 0)
    if (this.#rows.set(table, key, bytes)) this.#empty?.fill(table)
  }
}

/** What a shared row counts for until it is encoded, bytes. */
const sharedRowBytes = 64

function refuseUndefined(table: string, value: unknown): void {
  if (value === undefined) throw new TypeError(`state table ${table}: undefined is not a value, use delete`)
}

/** Begins the keys of the runtime's own rows. */
const ownTable = '@runtime'
export const ownPrefix = `${ownTable}/`
const prefixes = new Map<string, string>()

function prefixOf(table: string): string {
  let prefix = prefixes.get(table)
  if (prefix === undefined) {
    if (!/^[A-Za-z][\w.-]*$/.test(table)) {
      const rule = 'a name is letters, digits, dots, dashes and underscores, and begins with a letter'
      throw new TypeError(`state table ${JSON.stringify(table)}: ${rule}`)
    }
    prefixes.set(table, (prefix = `${table}/`))
  }
  return prefix
}
