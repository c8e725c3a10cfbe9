import { z } from 'zod'
import type { Row, Store } from '../ports/store.ts'
import { deadLetterTable, tableOf } from '../sink/rows/tables.ts'
import type { Place } from '../sink/place.ts'
import type { PlacedRow } from '../sink/row-reader.ts'
import { firstField, short } from './difference.ts'
import { readBackList } from './table-columns.ts'

/** `missing`: the log has it, the table does not; `doubled`: the table has it more than once; `extra`: the log does not have it. */
export interface TableDifference {
  kind: 'missing' | 'doubled' | 'changed' | 'extra'
  table: string
  topic: string
  partition: number
  offset: number
  index: number
  /** the first column that is not equal */
  field: string | null
  /** the row that the log gives, in short */
  logged: string | null
  /** the row that the table has, in short */
  found: string | null
}

/** One sentence for a person. */
export function tellTable({ kind, table, topic, partition, offset, index, field, logged, found }: TableDifference): string {
  const where = `${table}: ${topic}/${partition} offset ${offset} index ${index}`
  switch (kind) {
    case 'missing':
      return `${where} is not in the table. The log has: ${logged}`
    case 'doubled':
      return `${where} is in the table more than once. The log has it once: ${logged}`
    case 'changed':
      return `${where}: ${field} is not what the log says. The log has: ${logged}. The table has: ${found}`
    case 'extra':
      return `${where} is in the table and not in the log. The table has: ${found}`
  }
}

interface Found {
  row: Row
  times: number
}

const At = z.looseObject({ offset: z.int(), index: z.int() })
const Last = z.object({ last: z.int() })

/** What the tables hold of one place, asked for in ranges of offsets. */
export class TableRange {
  readonly tables: readonly string[]
  readonly #store: Store
  readonly #place: Place
  readonly #lists = new Map<string, string>()

  constructor(store: Store, place: Place) {
    this.#store = store
    this.#place = place
    this.tables = [...new Set([tableOf[place.topic], deadLetterTable])]
  }

  /** The largest offset that each table has; -1 where it has none. */
  async lastOffsets(): Promise<ReadonlyMap<string, number>> {
    const lasts = new Map<string, number>()
    for (const table of this.tables) {
      const [row] = await this.#store.query(
        `SELECT if(count() = 0, -1, max(t.offset)) AS last FROM ${table} AS t WHERE ${ofPlace}`, { ...this.#place }, Last,
      )
      lasts.set(table, row?.last ?? -1)
    }
    return lasts
  }

  /**
   * Compares the rows at offsets from `from` up to, without, `to` with `logged`, all that the log has there. `isLate` says whether a
   * row that is missing may still come. Answers the first difference, and how many rows are still to come.
   */
  async compare(
    from: number, to: number, logged: readonly PlacedRow[], isWanted: (row: Row) => boolean, isLate: (row: PlacedRow) => boolean,
  ): Promise<{ difference: TableDifference | null; late: number }> {
    const found = await this.#read(from, to, isWanted)
    const differences: TableDifference[] = []
    let late = 0
    for (const placed of logged) {
      if (!isWanted(placed.row)) continue
      const key = keyOf(placed)
      const there = found.get(key)
      found.delete(key)
      if (there === undefined && isLate(placed)) late++
      else if (there === undefined) differences.push(this.#difference('missing', placed, placed.row, null))
      else if (there.times > 1) differences.push(this.#difference('doubled', placed, placed.row, there.row))
      else if (firstColumn(placed.row, there.row) !== null) differences.push(this.#difference('changed', placed, placed.row, there.row))
    }
    for (const [key, { row }] of found) {
      const { offset, index } = At.parse(row)
      differences.push(this.#difference('extra', { table: key.slice(0, key.indexOf(' ')), offset, index }, null, row))
    }
    const [first = null] = differences.sort((a, b) => a.offset - b.offset || a.index - b.index)
    return { difference: first, late }
  }

  async #read(from: number, to: number, isWanted: (row: Row) => boolean): Promise<Map<string, Found>> {
    const found = new Map<string, Found>()
    for (const table of this.tables) {
      const list = this.#lists.get(table) ?? (await readBackList(this.#store, table))
      this.#lists.set(table, list)
      const rows = await this.#store.query(
        `SELECT ${list} FROM ${table} AS t WHERE ${ofPlace} AND t.offset >= {from:Int64} AND t.offset < {to:Int64} ORDER BY t.offset, t.\`index\``,
        { ...this.#place, from, to },
        z.record(z.string(), z.unknown()),
      )
      for (const row of rows) {
        if (!isWanted(row)) continue
        const key = keyOf({ table, ...At.parse(row) })
        const there = found.get(key)
        if (there === undefined) found.set(key, { row, times: 1 })
        else there.times++
      }
    }
    return found
  }

  #difference(
    kind: TableDifference['kind'], { table, offset, index }: { table: string; offset: number; index: number }, logged: Row | null, found: Row | null,
  ): TableDifference {
    const field = kind === 'changed' && logged !== null && found !== null ? firstColumn(logged, found) : null
    const shown = (row: Row | null): string | null => (row === null ? null : short(row))
    return { kind, table, ...this.#place, offset, index, field, logged: shown(logged), found: shown(found) }
  }
}

/** A column that the sink does not fill has a default, and is nobody's to compare. */
function firstColumn(logged: Row, found: Row): string | null {
  return firstField(logged, Object.fromEntries(Object.keys(logged).map((name) => [name, found[name]])))
}

const ofPlace = 't.topic = {topic:String} AND t.partition = {partition:UInt32}'
const keyOf = ({ table, offset, index }: { table: string; offset: number; index: number }): string => `${table} ${offset} ${index}`
