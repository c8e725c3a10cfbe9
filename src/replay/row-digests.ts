import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Store } from '../ports/store.ts'
import type { Place } from '../sink/place.ts'
import type { PlacedRow } from '../sink/row-reader.ts'
import { readBack } from './table-columns.ts'

const digestChars = 32
const Digest = z.tuple([z.int(), z.int(), z.string()])

/** What the log gives of one place, a digest for each row and table: of a hundred thousand rows a few megabytes. */
export class RowDigests {
  readonly #tables = new Map<string, { columns: readonly string[]; digests: Map<string, string> }>()
  #isOdd = false
  size = 0

  add({ table, offset, index, row }: PlacedRow): void {
    const columns = Object.keys(row)
    const of = this.#tables.get(table) ?? { columns, digests: new Map<string, string>() }
    this.#tables.set(table, of)
    const key = keyOf(offset, index)
    if (of.digests.has(key) || columns.length !== of.columns.length || columns.some((name, i) => name !== of.columns[i])) this.#isOdd = true
    else of.digests.set(key, digestOf(columns.map((name) => row[name])))
    this.size++
  }

  /**
   * Whether the tables hold these rows and no others at the offsets from `from` up to, without, `to`, each once: false is no more than a reason to
   * look closely. `app`: of this one alone. One query a table, whatever the order of its rows, where reading them in full would take as many as rows fit into memory.
   */
  async areHeld(store: Store, place: Place, tables: readonly string[], { from, to, app }: { from: number; to: number; app: string | null }): Promise<boolean> {
    if (this.#isOdd) return false
    for (const table of tables) {
      const { columns, digests } = this.#tables.get(table) ?? { columns: [], digests: new Map<string, string>() }
      const readable = await readBack(store, table)
      const found = await store.query(`SELECT tuple(t.offset, t.\`index\`, ${digestSql(readable, columns)}) AS row FROM ${table} AS t
        WHERE t.topic = {topic:String} AND t.partition = {partition:UInt32} AND t.offset >= {from:Int64} AND t.offset < {to:Int64}
        ${app === null ? '' : `AND ifNull(t.${readable.has('app') ? 'app' : 'source'}, '') = {app:String}`}
        SETTINGS output_format_json_escape_forward_slashes = 0`, { ...place, from, to, app }, z.object({ row: Digest }))
      if (found.length !== digests.size) return false
      for (const { row: [offset, index, digest] } of found) if (digests.get(keyOf(offset, index)) !== digest) return false
    }
    return true
  }
}

const keyOf = (offset: number, index: number): string => `${offset} ${index}`

const digestOf = (values: readonly unknown[]): string => hash('sha256', asEngineSpells(JSON.stringify(values)), 'hex').slice(0, digestChars)

/** The engine has these escapes in capitals, and two line separators escaped. */
function asEngineSpells(json: string): string {
  if (!/\\u|[\u2028\u2029]/.test(json)) return json
  return json
    .replace(/\\(?:u[0-9a-f]{4}|.)/g, (escape) => (escape.length > 2 ? `\\u${escape.slice(2).toUpperCase()}` : escape))
    .replace(/[\u2028\u2029]/g, (separator) => `\\u${separator.charCodeAt(0).toString(16)}`)
}

/** Of the row as it was inserted: `readable` has an expression for each column that there is. */
function digestSql(readable: ReadonlyMap<string, string>, columns: readonly string[]): string {
  if (columns.length === 0) return `''`
  const values = columns.map((name) => readable.get(name) ?? 'NULL')
  return `substring(lower(hex(SHA256(toJSONString(tuple(${values.join(', ')}))))), 1, ${digestChars})`
}
