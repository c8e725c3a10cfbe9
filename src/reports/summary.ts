import { z } from 'zod'
import { Verdict } from '../../schemas/wire/common.ts'
import { UnknownApp } from '../../schemas/wire/results.ts'
import type { Store } from '../ports/store.ts'
import { unknownAppsOf } from './sync-runs.ts'

const FindingCount = z.object({ kind: z.string(), severity: z.string(), open: z.int() })
const GrantCount = z.object({ app: z.string(), verdict: z.string(), grants: z.int(), accounts: z.int() })
const SourceFreshness = z.object({
  source: z.string(), lastRun: z.int(), lastVerdict: Verdict.nullable(), lastComplete: z.int().nullable(), unknownApps: z.array(UnknownApp),
  unresolved: z.int(), unresolvedSome: z.array(z.string()),
})
const AppLag = z.object({ app: z.string(), direction: z.enum(['grant', 'revoke']), p95Ms: z.int() })
const LetterCount = z.object({ source: z.string(), stage: z.string(), letters: z.int() })

export interface Summary {
  /** open findings, most first */
  findings: z.infer<typeof FindingCount>[]
  /** what is held now, by verdict; `undecided` waits for a first complete run of what it depends on */
  grants: z.infer<typeof GrantCount>[]
  /** per source: its newest run, when the last complete one ended (ms, null: never), and what is named in vain by the newest that ended */
  sources: z.infer<typeof SourceFreshness>[]
  /** within which 95 % of the desired changes were seen done */
  lags: z.infer<typeof AppLag>[]
  /** those that nobody retried or discarded */
  deadLetters: z.infer<typeof LetterCount>[]
}

/** Of a run: it has ended, and not because a process left it behind, which knows of nothing. */
const isRead = '(r.ended AND r.partitions_expected > 0)'
/** Every partition has told its part, too. */
const isThrough = `(${isRead} AND r.partitions_done >= r.partitions_expected)`

export async function summary(store: Store): Promise<Summary> {
  const [findings, grants, sources, lags, deadLetters] = await Promise.all([
    store.query('SELECT kind, severity, count() AS open FROM findings_open GROUP BY kind, severity ORDER BY open DESC, kind, severity', {}, FindingCount),
    store.query(
      `SELECT app, verdict, count() AS grants, uniqExact(home, account) AS accounts FROM access_now GROUP BY app, verdict ORDER BY app, verdict`,
      {},
      GrantCount,
    ),
    store.query(
      `SELECT
         r.source AS source, max(r.run) AS lastRun, tupleElement(argMax((r.verdict, 0), r.run), 1) AS lastVerdict,
         if(countIf(ifNull(r.verdict, '') = 'complete') > 0, toUnixTimestamp64Milli(maxIf(r.end_at, ifNull(r.verdict, '') = 'complete')), NULL) AS lastComplete,
         ${unknownAppsOf(`argMaxIf(r.unknown_apps, r.run, ${isRead})`)} AS unknownApps,
         argMaxIf(r.unresolved, r.run, ${isThrough}) AS unresolved, argMaxIf(r.unresolved_some, r.run, ${isThrough}) AS unresolvedSome
       FROM sync_runs AS r GROUP BY source ORDER BY source`,
      {},
      SourceFreshness,
    ),
    store.query('SELECT app, direction, p95_ms AS p95Ms FROM lag ORDER BY app, direction', {}, AppLag),
    store.query("SELECT source, stage, count() AS letters FROM dead_letters_now WHERE state = 'open' GROUP BY source, stage ORDER BY letters DESC, source, stage", {}, LetterCount),
  ])
  return { findings, grants, sources, lags, deadLetters }
}
