import { z } from 'zod'
import { IntentClass } from '../../schemas/settings.ts'
import type { Store } from '../ports/store.ts'

/** `paused`: the config file no longer has it, so nobody reads it. `retired`: a person said so, and it was not read since. */
export type SourceState = 'active' | 'paused' | 'retired'

export interface Inactive {
  source: string
  state: Exclude<SourceState, 'active'>
  isConfigured: boolean
  /** what is intended rests on it; otherwise it is an application */
  isFeed: boolean
  /** when its last complete run ended, ms; null: it had none */
  lastComplete: number | null
  /** when it last began or ended a run of whatever verdict, was posted, or told of an account, ms */
  lastSign: number
  /** ms; null: it was not */
  retiredAt: number | null
}

const Sign = z.object({ source: z.string(), isFeed: z.coerce.boolean(), lastSign: z.int(), ruledAt: z.int() })
const Complete = z.object({ source: z.string(), ended: z.int() })

const retired = "SELECT source, max(at) AS at FROM ruling_log WHERE kind = 'retire' GROUP BY source"
/** Of the sources in a column, those that may not be active. Tables are in the order of the names, so that of most of them no row is read. */
const doubtful = (column: string): string => `(${column} NOT IN {configured:Array(String)} OR ${column} IN (SELECT source FROM (${retired})))`

/**
 * Of the applications and feeds that were ever read, feeds that were ever posted and applications that ever told of accounts, those that are not active, by name.
 * `configured`: what the config file has, of which only what was retired and not read since is told. Throws StoreError.
 */
export async function inactiveSources(store: Store, configured: readonly string[]): Promise<Inactive[]> {
  const signs = await store.query(
    `SELECT s.source AS source, max(s.is_feed) AS isFeed, toUnixTimestamp64Milli(max(s.at)) AS lastSign, toUnixTimestamp64Milli(max(r.at)) AS ruledAt
     FROM (
       SELECT l.source AS source, hasAny(groupUniqArrayArray(l.\`classes.class\`), {feedClasses:Array(String)}) AS is_feed, max(l.at) AS at FROM sync_run_log AS l WHERE l.phase != 'partition' AND ${doubtful('l.source')} GROUP BY l.source
       UNION ALL SELECT l.app AS source, 0 AS is_feed, max(l.observed) AS at FROM access_log AS l WHERE ${doubtful('l.app')} GROUP BY l.app
     ) AS s
     LEFT JOIN (${retired}) AS r ON r.source = s.source
     GROUP BY s.source ORDER BY s.source`,
    { configured, feedClasses: IntentClass.options },
    Sign,
  )
  const found = signs.filter(({ source, lastSign, ruledAt }) => ruledAt >= lastSign || !configured.includes(source))
  if (found.length === 0) return []
  const complete = await store.query(
    'SELECT c.source AS source, toUnixTimestamp64Milli(c.end_at) AS ended FROM last_complete_runs AS c WHERE has({sources:Array(String)}, c.source)',
    { sources: found.map(({ source }) => source) },
    Complete,
  )
  const ended = new Map(complete.map((row) => [row.source, row.ended]))
  return found.map(({ source, isFeed, lastSign, ruledAt }) => {
    const retiredAt = ruledAt >= lastSign ? ruledAt : null
    return { source, state: retiredAt === null ? 'paused' : 'retired', isConfigured: configured.includes(source), isFeed, lastComplete: ended.get(source) ?? null, lastSign, retiredAt }
  })
}
