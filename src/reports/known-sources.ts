import { z } from 'zod'
import type { Store } from '../ports/store.ts'

const Row = z.object({ source: z.string() })
const Runs = z.object({ last: z.int(), times: z.int() })

/** Applications and feeds, and whatever else dead letters came from, that the tables know of, in the order of their names. Throws StoreError. */
export async function knownSources(store: Store): Promise<string[]> {
  const rows = await store.query('SELECT DISTINCT source FROM (SELECT source FROM sync_run_log GROUP BY source UNION ALL SELECT source FROM dead_letters) ORDER BY source', {}, Row)
  return rows.map(({ source }) => source)
}

/** The number of the source's newest run (0: it had none), and whether it had run `run`. Throws StoreError. */
export async function runsOf(store: Store, source: string, run: number): Promise<{ last: number; had: boolean }> {
  const [runs] = await store.query('SELECT max(r.run) AS last, countIf(r.run = {run:Int64}) AS times FROM sync_run_log AS r WHERE r.source = {source:String} AND r.run != 0', { source, run }, Runs)
  return { last: runs?.last ?? 0, had: (runs?.times ?? 0) > 0 }
}
