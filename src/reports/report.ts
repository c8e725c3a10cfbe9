import { z } from 'zod'
import type { Store } from '../ports/store.ts'

/** How a column's values are written for people. `time`: ms since the epoch; `duration`: ms; `id`: its beginning is enough to ask with. */
export type ColumnKind = 'text' | 'id' | 'number' | 'time' | 'duration' | 'list'

export interface ReportColumn<R> {
  key: keyof R & string
  title: string
  kind: ColumnKind
}

/** A named query: filters in, typed rows out. The same for command line and HTTP. */
export interface Report<F extends { limit: number }, R> {
  name: string
  summary: string
  /** Unknown filters are refused; each has a default. */
  filters: z.ZodType<F>
  columns: readonly ReportColumn<R>[]
  /** It is only as complete as what was read: where dead letters are open, its answer says so. */
  restsOnSources: boolean
  /** At most `limit` rows. Throws StoreError. */
  run(store: Store, filters: F): Promise<R[]>
  /** The same, page by page, where they may be too many to be in memory at once. */
  pages?(store: Store, filters: F): AsyncIterable<readonly R[]>
}

export const limitFilter = z.int().min(1).max(100_000_000).default(1_000)
export const textFilter = z.string().min(1).nullable().default(null)
/** ms since the epoch */
export const timeFilter = z.int().nullable().default(null)
/** Later than every time that a record may hold: 2^53 ms. */
export const endOfTime = Number.MAX_SAFE_INTEGER

/** Of conditions with named parameters, those whose filter is set, as a WHERE clause. The conditions are constant text. */
export function where(conditions: readonly (readonly [condition: string, value: unknown])[]): string {
  const set = conditions.filter(([, value]) => value !== null).map(([condition]) => condition)
  return set.length === 0 ? '' : `WHERE ${set.join(' AND ')}`
}

/** A nullable or plain DateTime64(3) column as ms. */
export const ms = (column: string, as = column): string => `toUnixTimestamp64Milli(${column}) AS ${as}`
