import type { State } from '../../../src/ports/processor.ts'
import { compareKeys } from '../../../src/core/order.ts'

/** A State in memory that counts its writes. Values are copied in and out, so nobody can change a row by keeping it. */
export class MemoryState implements State {
  writes: string[] = []
  readonly #rows = new Map<string, Map<string, unknown>>()

  get<V>(table: string, key: string): V | undefined {
    return structuredClone(this.#rows.get(table)?.get(key)) as V | undefined
  }

  put(table: string, key: string, value: unknown): void {
    this.writes.push(table)
    const rows = this.#rows.get(table) ?? new Map<string, unknown>()
    this.#rows.set(table, rows.set(key, structuredClone(value)))
  }

  delete(table: string, key: string): void {
    this.writes.push(table)
    this.#rows.get(table)?.delete(key)
  }

  *range<V>(table: string, { prefix = '', after }: { prefix?: string; after?: string } = {}): Iterable<readonly [string, V]> {
    const rows = this.#rows.get(table) ?? new Map<string, unknown>()
    for (const key of [...rows.keys()].sort(compareKeys)) {
      if (!key.startsWith(prefix) || (after !== undefined && compareKeys(key, after) <= 0) || !rows.has(key)) continue
      yield [key, structuredClone(rows.get(key)) as V]
    }
  }

  keys(table: string): string[] {
    return [...(this.#rows.get(table)?.keys() ?? [])].sort(compareKeys)
  }

  /** Tables written since the last call. */
  written(): string[] {
    return [...new Set(this.writes.splice(0))].sort(compareKeys)
  }
}
