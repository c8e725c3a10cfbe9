import { z } from 'zod'
import type { Store } from '../ports/store.ts'
import type { Place } from './place.ts'
import { deadLetterTable, tableOf } from './rows/tables.ts'

const HeldRow = z.object({ held_in: z.string(), offset: z.int(), index: z.int() })

/** The positions at and above the floor that the tables already hold. */
export class Held {
  readonly #indexes = new Map<string, Set<number>>()
  #last = -1
  #size = 0

  add(table: string, offset: number, index: number): void {
    const key = `${table} ${offset}`
    const indexes = this.#indexes.get(key)
    if (indexes === undefined) this.#indexes.set(key, new Set([index]))
    else indexes.add(index)
    this.#last = Math.max(this.#last, offset)
    this.#size++
  }

  has(table: string, offset: number, index: number): boolean {
    return this.#indexes.get(`${table} ${offset}`)?.has(index) ?? false
  }

  /** largest offset, -1 where nothing is held */
  get last(): number {
    return this.#last
  }

  get size(): number {
    return this.#size
  }
}

/** Asks the tables themselves: what was acknowledged, and what landed without an answer. */
export async function readBack(store: Store, place: Place, floor: number): Promise<Held> {
  const tables = [...new Set([tableOf[place.topic], deadLetterTable])]
  const sql = tables
    .map(
      (table) => `SELECT '${table}' AS held_in, offset, \`index\` FROM ${table}
        WHERE topic = {topic:String} AND partition = {partition:UInt32} AND offset >= {floor:Int64}`,
    )
    .join(' UNION ALL ')
  const held = new Held()
  for (const { held_in, offset, index } of await store.query(sql, { ...place, floor }, HeldRow)) held.add(held_in, offset, index)
  return held
}
