import type { z } from 'zod'

/** One row to insert: column name -> JSON value. Times are integer milliseconds since the Unix epoch. */
export type Row = Readonly<Record<string, unknown>>

/** Values that SQL text names as `{name:Type}`; they never become part of the text. */
export type Params = Readonly<Record<string, unknown>>

/** The insert lands only if the scalar query `sql` answers `equals` when the engine begins it. */
export interface Guard {
  sql: string
  params: Params
  equals: number
}

/**
 * The tables that people and reports read.
 *
 * A caller may rely on: rows of an acknowledged insert are there, each once, also after SIGKILL of this process; a refused one
 * landed nothing; a query sees every insert acknowledged before it.
 * A caller may not rely on: what an insert that failed with StoreError has done. It may have landed whole, in part or not at all,
 * and may still land for `settleMs`: wait that long, then read back.
 */
export interface Store {
  /** How long an insert whose answer was lost may still land, ms; 0 where the engine is in this process. */
  readonly settleMs: number
  /** Integers of 64 bits arrive as numbers. Throws StoreError, or ZodError where a row is not what `row` says. */
  query<T>(sql: string, params: Params, row: z.ZodType<T>): Promise<T[]>
  command(sql: string, params: Params): Promise<void>
  /** All rows in one block, at least one row. Throws GuardError where the guard does not hold, StoreError otherwise. */
  insertRows(table: string, rows: readonly Row[], guard: Guard): Promise<void>
  close(): Promise<void>
}

/** The engine refused, was out of reach, or did not answer. */
export class StoreError extends Error {
  override name = 'StoreError'
}

export class GuardError extends Error {
  override name = 'GuardError'
}
