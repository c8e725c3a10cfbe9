import { z } from 'zod'
import type { Store } from '../ports/store.ts'

/** A source of which nothing is proven at the time in question. `since`: when its first complete run had ended, ms; null: it has had none. */
export const Unproven = z.object({ source: z.string(), since: z.int().nullable() })
export type Unproven = z.infer<typeof Unproven>

const Row = z.object({ source: z.string(), first: z.int().nullable() })

/**
 * Of these applications and feeds, those that had not been read completely by `at`, ms (null: by now): that a report finds nothing of them,
 * or nothing that rests on them, may be for want of reading. A baseline that a person declared is not looked at. Throws StoreError.
 */
export async function unprovenSources(store: Store, sources: readonly string[], at: number | null): Promise<Unproven[]> {
  const rows = await store.query(
    `SELECT r.source AS source, if(countIf(ifNull(r.verdict, '') = 'complete') > 0, toUnixTimestamp64Milli(minIf(r.end_at, ifNull(r.verdict, '') = 'complete')), NULL) AS first
     FROM sync_runs AS r GROUP BY source`,
    {},
    Row,
  )
  const first = new Map(rows.map((row) => [row.source, row.first]))
  return sources.map((source) => ({ source, since: first.get(source) ?? null })).filter(({ since }) => since === null || (at !== null && since > at))
}
