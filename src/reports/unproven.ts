import { z } from 'zod'
import type { Store } from '../ports/store.ts'

/** A source of which nothing is proven at the time in question. `since`: when its first complete run had ended, ms; null: it has had none. */
export const Unproven = z.object({ source: z.string(), since: z.int().nullable() })
export type Unproven = z.infer<typeof Unproven>

const Row = z.object({ source: z.string(), first: z.int() })

/**
 * Of these applications and feeds, those that had not been read completely by `at`, ms (null: by now): that a report finds nothing of them,
 * or nothing that rests on them, may be for want of reading. A baseline that a person declared is not looked at. Throws StoreError.
 * `proven`: when the first complete run of a source had ended, ms, which stays so: looked for once and kept here.
 */
export async function unprovenSources(store: Store, sources: readonly string[], at: number | null, proven = new Map<string, number>()): Promise<Unproven[]> {
  const rows = sources.every((source) => proven.has(source)) ? [] : await store.query(
    'SELECT source, toUnixTimestamp64Milli(c.end_at) AS first FROM first_complete_runs AS c',
    {},
    Row,
  )
  for (const { source, first } of rows) proven.set(source, first)
  return sources.map((source) => ({ source, since: proven.get(source) ?? null })).filter(({ since }) => since === null || (at !== null && since > at))
}
