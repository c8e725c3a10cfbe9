import { z } from 'zod'
import type { Store } from '../ports/store.ts'
import { openLettersByStage, type StageLetters } from './dead-letters.ts'
import { sourceFreshness, type SourceFreshness } from './freshness.ts'
import { grantCounts, type GrantCount } from './grant-counts.ts'

const FindingCount = z.object({ kind: z.string(), severity: z.string(), open: z.int() })
const AppLag = z.object({ app: z.string(), direction: z.enum(['grant', 'revoke']), p95Ms: z.int() })

export interface Summary {
  /** open findings, most first */
  findings: z.infer<typeof FindingCount>[]
  /** what is held now, by verdict; `undecided` waits for a first complete run of what it depends on */
  grants: GrantCount[]
  sources: SourceFreshness[]
  /** within which 95 % of the desired changes were seen done */
  lags: z.infer<typeof AppLag>[]
  /** those that nobody retried or discarded */
  deadLetters: StageLetters[]
}

/** `configured`: the applications and feeds that the config file has. Throws StoreError. */
export async function summary(store: Store, configured: readonly string[]): Promise<Summary> {
  const [findings, grants, { sources, lags, deadLetters }] = await Promise.all([
    store.query('SELECT kind, severity, count() AS open FROM findings_open GROUP BY kind, severity ORDER BY open DESC, kind, severity', {}, FindingCount),
    grantCounts(store),
    sourceSummary(store, configured),
  ])
  return { findings, grants, sources, lags, deadLetters }
}

/** What the summary says of sources, which takes a moment however many grants there are. */
export async function sourceSummary(store: Store, configured: readonly string[]): Promise<Pick<Summary, 'sources' | 'lags' | 'deadLetters'>> {
  const [sources, lags, deadLetters] = await Promise.all([
    sourceFreshness(store, configured),
    store.query('SELECT app, direction, p95_ms AS p95Ms FROM lag ORDER BY app, direction', {}, AppLag),
    openLettersByStage(store),
  ])
  return { sources, lags, deadLetters }
}
