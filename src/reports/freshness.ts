import { z } from 'zod'
import { Verdict } from '../../schemas/wire/common.ts'
import { UnknownApp } from '../../schemas/wire/results.ts'
import type { Store } from '../ports/store.ts'
import { ms } from './report.ts'
import { inactiveSources, type SourceState } from './source-states.ts'
import { unknownAppsOf } from './sync-runs.ts'

const Row = z.object({
  source: z.string(), lastRun: z.int(), lastVerdict: Verdict.nullable(), lastComplete: z.int().nullable(), unknownApps: z.array(UnknownApp),
  unresolved: z.int(), unresolvedSome: z.array(z.string()), through: z.int(),
})
type Row = z.infer<typeof Row>

/** Of a source: whether anybody reads it, its newest run, when the last complete one ended (ms, null: never), and what is named in vain by the newest that ended. */
export type SourceFreshness = Omit<Row, 'through'> & { state: SourceState }

/** Of a run: it has ended, and not because a process left it behind, which knows of nothing. */
const isRead = '(r.ended AND r.partitions_expected > 0)'
/** Every partition has told its part, too. */
const isThrough = `(${isRead} AND r.partitions_done >= r.partitions_expected)`

/** What a retired source said is in force no more. */
const namesNothing = { unknownApps: [], unresolved: 0, unresolvedSome: [] }
/** An application that only delivers, a feed that is only posted. */
const neverRun = { lastRun: 0, lastVerdict: null, lastComplete: null, ...namesNothing }

/** Of all sources that the tables know, by name. `configured`: those that the config file has. Throws StoreError. */
export async function sourceFreshness(store: Store, configured: readonly string[]): Promise<SourceFreshness[]> {
  const [read, inactive] = await Promise.all([readSources(store), inactiveSources(store, configured)])
  const states = new Map(inactive.map(({ source, state }) => [source, state]))
  const known = new Set(read.map(({ source }) => source))
  return [
    ...read.map(({ through: _, ...one }) => {
      const state: SourceState = states.get(one.source) ?? 'active'
      return { ...one, ...(state === 'retired' && namesNothing), state }
    }),
    ...inactive.filter(({ source }) => !known.has(source)).map(({ source, state }) => ({ ...neverRun, source, state })),
  ]
}

/** By its recent runs; by all of them only a source of which no recent one came through. */
async function readSources(store: Store): Promise<Row[]> {
  const recent = await by(store, '(r.source, r.run) IN (SELECT source, run FROM recent_runs)', [])
  const stuck = recent.filter(({ through }) => through === 0).map(({ source }) => source)
  if (stuck.length === 0) return recent
  const whole = new Map((await by(store, 'r.run != 0 AND r.source IN {stuck:Array(String)}', stuck)).map((row) => [row.source, row]))
  return recent.map((row) => whole.get(row.source) ?? row)
}

function by(store: Store, runs: string, stuck: readonly string[]): Promise<Row[]> {
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
    Row,
  )
}
