import { z } from 'zod'
import type { Store } from '../ports/store.ts'

/** Part of a query, and the parameters that it names. */
export interface Sql {
  sql: string
  params: Readonly<Record<string, unknown>>
}

/** As text: a stranger's number may be larger than a number here holds. */
const Bound = z.object({ source: z.string(), run: z.string() })
export type CompleteRun = z.infer<typeof Bound>

/** The run that told a row of dead_letters; what no run told comes after all runs. As `schemas/clickhouse/0014-open-letters.sql` has it. */
export const toldBy = 'coalesce(run, 9223372036854775807)'

/** Of each source that had one. `source`: of this one only; null: of all. Throws StoreError. */
export const lastCompleteRuns = (store: Store, source: string | null): Promise<CompleteRun[]> =>
  store.query(`SELECT c.source AS source, toString(c.run) AS run FROM last_complete_runs AS c ${source === null ? '' : 'WHERE c.source = {only:String}'}`, { only: source }, Bound)

/**
 * A condition on rows of dead_letters: open, and told by their source's last complete run, a later one, or none. In the order of a projection, so that
 * nothing is read of what earlier runs told. `source`: of this one only; null: of all. Throws StoreError.
 */
export async function recentlyTold(store: Store, source: string | null): Promise<Sql> {
  const bounds = await lastCompleteRuns(store, source)
  const others = source === null ? 'source NOT IN {bounded:Array(String)}' : 'source = {only:String}'
  const each = bounds.map((_, i) => `(source = {source_${i}:String} AND ${toldBy} >= {run_${i}:Int64})`)
  const sources = source === null || bounds.length === 0 ? [...each, `(${others} AND ${toldBy} >= 0)`] : each
  return {
    sql: `state = 'open' AND (${sources.join(' OR ')})`,
    params: {
      only: source, bounded: bounds.map((bound) => bound.source),
      ...Object.fromEntries(bounds.flatMap((bound, i) => [[`source_${i}`, bound.source], [`run_${i}`, bound.run]])),
    },
  }
}
