import type { SourceHealth } from '../connect/health.ts'
import { unknownAppText } from '../connect/feeds/unknown-apps.ts'
import { shapeChangeText } from '../connect/shape.ts'
import type { Store } from '../ports/store.ts'
import { formatRows, type Format } from '../reports/format.ts'
import type { ReportColumn } from '../reports/report.ts'
import { sourceSummary } from '../reports/summary.ts'

/** What this process knows of a source, completed by what the tables remember. `live`: a running process told it. */
export interface ConnectorHealth extends SourceHealth {
  live: boolean
  /** open ones */
  deadLetters: number
  /** since the last complete run ended; null: there was none */
  ageMs: number | null
  /** within which 95 % of the changes that somebody desired were seen done there; null: none was yet, or it is a feed */
  lagMs: number | null
}

type Remembered = Pick<SourceHealth, 'source' | 'state' | 'run' | 'verdict' | 'lastCompleteAt' | 'unknownApps'>

/** Of every source that runs here or that the tables know. `configured`: those of the config file; `live` null: no process runs. */
export async function connectorHealth(store: Store, configured: readonly string[], live: readonly SourceHealth[] | null, nowMs: number): Promise<ConnectorHealth[]> {
  const { sources, deadLetters, lags } = await sourceSummary(store, configured)
  const letters = (source: string): number => deadLetters.filter((one) => one.source === source).reduce((sum, one) => sum + one.letters, 0)
  const lag = (source: string): number | null => lags.reduce<number | null>((worst, { app, p95Ms }) => (app === source ? Math.max(worst ?? 0, p95Ms) : worst), null)
  const remembered = new Map(sources.map(({ source, state, lastRun, lastVerdict, lastComplete, unknownApps }): [string, Remembered] =>
    [source, { source, state: state === 'active' ? 'not running' : state, run: lastRun, verdict: lastVerdict, lastCompleteAt: lastComplete, unknownApps }]))
  const known = (live ?? []).map((one): SourceHealth => {
    const past = remembered.get(one.source)
    remembered.delete(one.source)
    const unknownApps = one.run === null ? (past?.unknownApps ?? []) : one.unknownApps
    return { ...one, run: one.run ?? past?.run ?? null, verdict: one.verdict ?? past?.verdict ?? null, lastCompleteAt: one.lastCompleteAt ?? past?.lastCompleteAt ?? null, unknownApps }
  })
  const rows = [
    ...known.map((one) => ({ ...one, live: true })),
    ...[...remembered.values()].map((past) => ({ ...nothingKnown, ...past, live: false })),
  ]
  return rows.map((row) => ({ ...row, deadLetters: letters(row.source), lagMs: lag(row.source), ageMs: row.lastCompleteAt === null ? null : Math.max(0, nowMs - row.lastCompleteAt) }))
}

export const connectorText = (rows: readonly ConnectorHealth[], format: Format, width: number): string => formatRows(format, columns, rows.map(flat), width)

type Row = Omit<ConnectorHealth, 'shapeChanges' | 'unknownApps'> & { shapeChanges: string[]; unknownApps: string[] }

/** The most telling reason there is, and fields as text. */
const flat = (row: ConnectorHealth): Row => ({
  ...row,
  reason: row.problem ?? row.reason,
  failureRate: Math.round(row.failureRate * 100) / 100,
  shapeChanges: row.shapeChanges.map(shapeChangeText),
  unknownApps: row.unknownApps.map(unknownAppText),
})

const columns: readonly ReportColumn<Row>[] = [
  { key: 'source', title: 'source', kind: 'text' },
  { key: 'state', title: 'state', kind: 'text' },
  { key: 'verdict', title: 'verdict', kind: 'text' },
  { key: 'ageMs', title: 'complete', kind: 'duration' },
  { key: 'lagMs', title: 'lag', kind: 'duration' },
  { key: 'failureRate', title: 'failing', kind: 'number' },
  { key: 'pages', title: 'pages', kind: 'number' },
  { key: 'records', title: 'records', kind: 'number' },
  { key: 'gap', title: 'gap', kind: 'number' },
  { key: 'deadLetters', title: 'letters', kind: 'number' },
  { key: 'deliveries', title: 'webhooks', kind: 'number' },
  { key: 'missingDeliveries', title: 'missing', kind: 'number' },
  { key: 'requests', title: 'requests', kind: 'number' },
  { key: 'retries', title: 'retries', kind: 'number' },
  { key: 'throttledMs', title: 'throttled', kind: 'duration' },
  { key: 'perSecond', title: 'per s', kind: 'number' },
  { key: 'shapeChanges', title: 'schema', kind: 'list' },
  { key: 'unknownApps', title: 'unknown apps', kind: 'list' },
  { key: 'reason', title: 'reason', kind: 'text' },
]

const nothingKnown: Omit<SourceHealth, keyof Remembered> = {
  kind: 'app', reason: null, place: null, lastRunAt: null, nextAt: null, runs: 0, failureRate: 0, pages: 0, records: 0, rejected: 0, gap: null,
  requests: 0, retries: 0, refused: 0, throttledMs: 0, perSecond: null, waitMs: 0, rereads: 0, deliveries: 0, lastDeliveryAt: null, missingDeliveries: 0, shapeChanges: [], problem: null, problemAt: null,
}
