import { z } from 'zod'
import type { Store } from '../ports/store.ts'

const Row = z.object({ source: z.string() })

/** Applications and feeds, and whatever else dead letters came from, that the tables know of, in the order of their names. Throws StoreError. */
export async function knownSources(store: Store): Promise<string[]> {
  const rows = await store.query('SELECT DISTINCT source FROM (SELECT source FROM sync_runs UNION ALL SELECT source FROM dead_letters) ORDER BY source', {}, Row)
  return rows.map(({ source }) => source)
}
