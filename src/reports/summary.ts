import { z } from 'zod'
import { Verdict } from '../../schemas/wire/common.ts'
import { UnknownApp } from '../../schemas/wire/results.ts'
import type { Store } from '../ports/store.ts'
import { grantCounts, type GrantCount } from './grant-counts.ts'
import { ms } from './report.ts'
import { unknownAppsOf } from './sync-runs.ts'

const FindingCount = z.object({ kind: z.string(), severity: z.string(), open: z.int() })
const SourceFreshness = z.object({
  source: z.string(), lastRun: z.int(), lastVerdict: Verdict.nullable(), lastComplete: z.int().nullable(), unknownApps: z.array(UnknownApp),
  unresolved: z.int(), unresolvedSome: z.array(z.string()),
})
type SourceFreshness = z.infer<typeof SourceFreshness>
const AppLag = z.object({ app: z.string(), direction: z.enum(['grant', 'revoke']), p95Ms: z.int() })
const LetterCount = z.object({ source: z.string(), stage: z.string(), letters: z.int() })

export interface Summary {
  /** open findings, most first */
  findings: z.infer<typeof FindingCount>[]
  /** what is held now, by verdict; `undecided` waits for a first complete run of what it depends on */
  grants: GrantCount[]
  /** per source: its newest run, when the last complete one ended (ms, null: never), and what is named in vain by the newest that ended */
  sources: SourceFreshness[]
  /** within which 95 % of the desired changes were seen done */
  lags: z.infer<typeof AppLag>[]
  /** those that nobody retried or discarded */
  deadLetters: z.infer<typeof LetterCount>[]
}

export async function summary(store: Store): Promise<Summary> {
  const [findings, grants, { sources, lags, deadLetters }] = await Promise.all([
    store.query('SELECT kind, severity, count() AS open FROM findings_open GROUP BY kind, severity ORDER BY open DESC, kind, severity', {}, FindingCount),
    grantCounts(store),
    sourceSummary(store),
  ])
  return { findings, grants, sources, lags, deadLetters }
}

/** What the summary says of sources, which takes a moment however many grants there are. */
export async function sourceSummary(store: Store): Promise<Pick<Summary, 'sources' | 'lags' | 'deadLetters'>> {
  const [sources, lags, deadLetters] = await Promise.all([
    freshness(store),
    store.query('SELECT app, direction, p95_ms AS p95Ms FROM lag ORDER BY app, direction', {}, AppLag),
    store.query("SELECT source, stage, count() AS letters FROM dead_letters_now WHERE state = 'open' GROUP BY source, stage ORDER BY letters DESC, source, stage", {}, LetterCount),
  ])
  return { sources, lags, deadLetters }
}

/** Of a run: it has ended, and not because a process left it behind, which knows of nothing. */
const isRead = '(r.ended AND r.partitions_expected > 0)'
/** Every partition has told its part, too. */
const isThrough = `(${isRead} AND r.partitions_done >= r.partitions_expected)`

/** By its recent runs; by all of them only a source of which no recent one came through. */
async function freshness(store: Store): Promise<SourceFreshness[]> {
  const recent = await freshnessBy(store, '(r.source, r.run) IN (SELECT source, run FROM recent_runs)', [])
  const stuck = recent.filter(({ through }) => through === 0).map(({ source }) => source)
  const others = stuck.length === 0 ? [] : await freshnessBy(store, 'r.source IN {stuck:Array(String)}', stuck)
  const all = new Map([...recent, ...others].map(({ through: _, ...of }) => [of.source, of]))
  return [...all.values()]
}

function freshnessBy(store: Store, runs: string, stuck: readonly string[]): Promise<(SourceFreshness & { through: number })[]> {
  return store.query(
    `SELECT
       n.source AS source, n.lastRun AS lastRun, n.lastVerdict AS lastVerdict, ${ms('c.end_at', 'lastComplete')}, n.unknownApps AS unknownApps,
       n.unresolved AS unresolved, n.unresolvedSome AS unresolvedSome, n.through AS through
     FROM (
       SELECT
         r.source AS source, max(r.run) AS lastRun, tupleElement(argMax((r.verdict, 0), r.run), 1) AS lastVerdict,
         ${unknownAppsOf(`argMaxIf(r.unknown_apps, r.run, ${isRead})`)} AS unknownApps,
         argMaxIf(r.unresolved, r.run, ${isThrough}) AS unresolved, argMaxIf(r.unresolved_some, r.run, ${isThrough}) AS unresolvedSome,
         countIf(${isThrough}) AS through
       FROM sync_runs AS r WHERE ${runs} GROUP BY source
     ) AS n
     LEFT JOIN last_complete_runs AS c ON c.source = n.source
     ORDER BY source SETTINGS join_use_nulls = 1`,
    { stuck },
    SourceFreshness.extend({ through: z.int() }),
  )
}
