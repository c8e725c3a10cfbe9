import { z } from 'zod'
import { Verdict } from '../../schemas/wire/common.ts'
import { SchemaChange, UnknownApp } from '../../schemas/wire/results.ts'
import { unknownAppText } from '../connect/feeds/unknown-apps.ts'
import { shapeChangeText } from '../connect/shape.ts'
import type { Store } from '../ports/store.ts'
import { limitFilter, textFilter, where, type Report } from './report.ts'

export const SyncRunRow = z.object({
  source: z.string(), run: z.int(), begun: z.int().nullable(), ended: z.int().nullable(), verdict: Verdict.nullable(),
  reasons: z.array(z.string()), places: z.array(z.string()), partitionsDone: z.int(), partitionsExpected: z.int(), pages: z.int(), read: z.int(),
  rejected: z.int(), changed: z.int(), absent: z.int(), held: z.int(), unresolved: z.int(), unresolvedSome: z.array(z.string()),
  schemaChanges: z.array(SchemaChange).transform((changes) => changes.map(shapeChangeText)),
  unknownApps: z.array(UnknownApp).transform((unknown) => unknown.map(unknownAppText)),
})
export type SyncRunRow = z.infer<typeof SyncRunRow>

export const SyncRunFilters = z.strictObject({ source: textFilter, verdict: Verdict.nullable().default(null), limit: limitFilter })
export type SyncRunFilters = z.infer<typeof SyncRunFilters>

/** The tuples of the view, with names. */
export const unknownAppsOf = (tuples: string): string => `CAST(${tuples}, 'Array(Tuple(app Nullable(String), rows Int64, near Nullable(String)))')`

/** Rows whose times order the runs. A run has two of them at most, so that of so many of the newest at least half are of another run. */
const isTimed = `l.phase != 'partition'`
/** A row that each run with this verdict has. */
const byVerdict: Record<Verdict, string> = {
  complete: `l.phase = 'end' AND l.verdict = 'complete'`,
  partial: `l.phase != 'begin' AND l.verdict = 'partial'`,
  unknown: `l.phase != 'begin' AND (l.verdict IS NULL OR l.verdict != 'complete')`,
}

/** One row per run, newest first. `verdict` is null while it runs; complete only if the connector and every partition say so. */
export const syncRuns: Report<SyncRunFilters, SyncRunRow> = {
  name: 'sync-runs',
  summary: 'what was read, and whether it was read completely',
  filters: SyncRunFilters,
  restsOnSources: false,
  columns: [
    { key: 'source', title: 'source', kind: 'text' },
    { key: 'run', title: 'run', kind: 'number' },
    { key: 'begun', title: 'begun', kind: 'time' },
    { key: 'ended', title: 'ended', kind: 'time' },
    { key: 'verdict', title: 'verdict', kind: 'text' },
    { key: 'read', title: 'read', kind: 'number' },
    { key: 'rejected', title: 'rejected', kind: 'number' },
    { key: 'changed', title: 'changed', kind: 'number' },
    { key: 'absent', title: 'absent', kind: 'number' },
    { key: 'held', title: 'held', kind: 'number' },
    { key: 'unresolved', title: 'unresolved', kind: 'number' },
    { key: 'unresolvedSome', title: 'for example', kind: 'list' },
    { key: 'reasons', title: 'reasons', kind: 'list' },
    { key: 'places', title: 'places', kind: 'list' },
    { key: 'schemaChanges', title: 'schema', kind: 'list' },
    { key: 'unknownApps', title: 'unknown apps', kind: 'list' },
  ],
  async run(store, filters) {
    const isPlaced = filters.verdict === null || filters.verdict === 'complete'
    if (isPlaced) {
      const rows = await runsIn(store, filters, `${rowsOf(filters, filters.verdict === null ? isTimed : byVerdict.complete)} ORDER BY l.at DESC LIMIT {rows:UInt32} WITH TIES`)
      if (rows.length === filters.limit) return rows
    }
    return runsIn(store, filters, rowsOf(filters, filters.verdict === null ? null : byVerdict[filters.verdict]))
  },
}

const rowsOf = ({ source }: SyncRunFilters, condition: string | null): string =>
  `SELECT l.source, l.run FROM sync_run_log AS l ${where([['l.run != 0', 'of a run'], ['l.source = {source:String}', source], [condition ?? '', condition]])}`

/** Of the runs that `rows` of the log names, those that the filters let through. */
function runsIn(store: Store, filters: SyncRunFilters, rows: string): Promise<SyncRunRow[]> {
  const sql = `
    SELECT
      source, run, if(r.begun, toUnixTimestamp64Milli(r.begin_at), NULL) AS begun, if(r.ended, toUnixTimestamp64Milli(r.end_at), NULL) AS ended,
      verdict, reasons, places, partitions_done AS partitionsDone, partitions_expected AS partitionsExpected, pages, read, rejected, changed,
      absent, held, unresolved, unresolved_some AS unresolvedSome,
      CAST(schema_changes, 'Array(Tuple(stream String, field String, change String, was String, is String, example Nullable(String), place String))') AS schemaChanges,
      ${unknownAppsOf('unknown_apps')} AS unknownApps
    FROM sync_runs AS r
    ${where([[`(r.source, r.run) IN (${rows})`, rows], ['verdict = {verdict:String}', filters.verdict]])}
    ORDER BY greatest(r.begin_at, r.end_at) DESC, source, run DESC LIMIT {limit:UInt32}`
  return store.query(sql, { ...filters, rows: 2 * filters.limit }, SyncRunRow)
}
