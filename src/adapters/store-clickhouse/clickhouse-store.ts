import type { ClickHouseClient } from '@clickhouse/client'
import { z } from 'zod'
import { reasonOf } from '../../core/reason.ts'
import { GuardError, StoreError, type Guard, type Params, type Row, type Store } from '../../ports/store.ts'
import { guardCode, guardMessage, guardParam, insertSql, type Column } from './insert-sql.ts'
import { alteredTables, whatToDo } from './what-to-do.ts'

const ColumnRow = z.object({ name: z.string(), type: z.string() })
const maxMessageChars = 600

export interface ClickHouseStoreOptions {
  client: ClickHouseClient
  /** where it is, for error messages; no credentials in it */
  place: string
  /** how a person deletes all of it */
  anew: string
  insertLimitMs: number
  settleMs: number
}

/** The store over either connection: the SQL is the same. */
export class ClickHouseStore implements Store {
  readonly settleMs: number
  readonly #client: ClickHouseClient
  readonly #place: string
  readonly #anew: string
  readonly #insertLimitMs: number
  readonly #columns = new Map<string, Promise<Column[]>>()

  constructor({ client, place, anew, insertLimitMs, settleMs }: ClickHouseStoreOptions) {
    this.#client = client
    this.#place = place
    this.#anew = anew
    this.#insertLimitMs = insertLimitMs
    this.settleMs = settleMs
  }

  async query<T>(sql: string, params: Params, row: z.ZodType<T>): Promise<T[]> {
    const rows = await this.#run('query', async () => {
      const result = await this.#client.query({ query: sql, query_params: { ...params }, format: 'JSONEachRow' })
      return result.json()
    })
    return z.array(row).parse(rows)
  }

  async command(sql: string, params: Params): Promise<void> {
    await this.#run('command', () => this.#client.command({ query: sql, query_params: { ...params } }))
  }

  async insertRows(table: string, rows: readonly Row[], guard: Guard): Promise<void> {
    if (rows.length === 0) throw new RangeError(`insert into ${table}: no rows`)
    const columns = await this.#columnsOf(table)
    try {
      this.#requireFields(table, columns, rows)
      const sql = insertSql(table, columns, rows, guard, this.#insertLimitMs)
      await this.#run(`insert into ${table}`, () =>
        this.#client.command({ query: sql, query_params: { ...guard.params, [guardParam]: guard.equals } }),
      )
    } catch (error) {
      // somebody may have altered the table, or put it back by now
      if (!(error instanceof GuardError)) this.#columns.delete(table)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  #columnsOf(table: string): Promise<Column[]> {
    const known = this.#columns.get(table)
    if (known !== undefined) return known
    const asked = this.query(
      // one that is computed takes no value
      `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} AND default_kind NOT IN ('ALIAS', 'MATERIALIZED') ORDER BY position`,
      { table },
      ColumnRow,
    ).then((columns) => {
      if (columns.length === 0) throw new StoreError(`there is no table ${table} at ${this.#place}. ${alteredTables(this.#anew)}`)
      return columns
    })
    this.#columns.set(table, asked)
    asked.catch(() => this.#columns.delete(table))
    return asked
  }

  /** The engine refuses the first field that it has no column for, and says neither of which table nor what to do. */
  #requireFields(table: string, columns: readonly Column[], rows: readonly Row[]): void {
    const names = new Set(columns.map(({ name }) => name))
    const lacking = new Set<string>()
    for (const row of rows) for (const field in row) if (!names.has(field)) lacking.add(field)
    if (lacking.size > 0) throw new StoreError(`table ${table} at ${this.#place} lacks ${[...lacking].join(', ')}. ${alteredTables(this.#anew)}`)
  }

  async #run<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      const message = reasonOf(error)
      if (isGuard(error, message)) throw new GuardError(`${what}: refused by its guard, nothing landed`, { cause: error })
      throw new StoreError(`${what} at ${this.#place} failed: ${message.slice(0, maxMessageChars).trimEnd().replace(/\.$/, '')}${whatToDo(error, message, this.#anew)}`, { cause: error })
    }
  }
}

/** Other errors may quote the statement, and with it the guard's message. */
const isGuard = (error: unknown, message: string): boolean =>
  error instanceof Error && 'code' in error && error.code === guardCode && message.includes(guardMessage)
