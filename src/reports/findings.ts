import { z } from 'zod'
import { FindingKind } from '../../schemas/wire/results.ts'
import type { Store } from '../ports/store.ts'
import { limitFilter, textFilter, timeFilter, where, type Report } from './report.ts'

export const FindingRow = z.object({
  id: z.string(), kind: z.string(), severity: z.string(), state: z.enum(['open', 'closed']), change: z.string(), home: z.string(),
  identity: z.string().nullable(), app: z.string().nullable(), account: z.string().nullable(), entitlement: z.string().nullable(),
  object: z.string().nullable(), since: z.int(), opened: z.int(), closedAs: z.string().nullable(), successor: z.string().nullable(),
  detail: z.string(), valid: z.int().nullable(), observed: z.int().nullable(), decided: z.int(),
  causes: z.array(z.object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() })),
  position: z.object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() }),
})
export type FindingRow = z.infer<typeof FindingRow>

const positionType = 'Tuple(topic String, partition Int64, offset Int64, index Int64)'
const select = `
  f.id AS id, f.kind AS kind, f.severity AS severity, if(f.change = 'closed', 'closed', 'open') AS state, f.change AS change, f.home AS home,
  f.identity AS identity, f.app AS app, f.account AS account, f.entitlement AS entitlement, f.object AS object,
  toUnixTimestamp64Milli(f.since) AS since, toUnixTimestamp64Milli(f.opened) AS opened, f.closed_as AS closedAs, f.successor AS successor,
  f.detail AS detail, toUnixTimestamp64Milli(f.valid) AS valid, toUnixTimestamp64Milli(f.observed) AS observed,
  toUnixTimestamp64Milli(f.decided) AS decided,
  CAST(arrayZip(f.causes.topic, f.causes.partition, f.causes.offset, f.causes.index), 'Array(${positionType})') AS causes,
  CAST((f.topic, f.partition, f.offset, f.\`index\`), '${positionType}') AS position`
const bySeverity = `indexOf(['critical', 'high', 'medium', 'low'], f.severity)`

export const FindingsFilters = z.strictObject({
  state: z.enum(['open', 'closed', 'all']).default('open'),
  kind: FindingKind.nullable().default(null),
  severity: z.enum(['low', 'medium', 'high', 'critical']).nullable().default(null),
  app: textFilter,
  identity: textFilter,
  account: textFilter,
  /** in the state that was decided up to this time; null: all that is known */
  knownAt: timeFilter,
  limit: limitFilter,
})
export type FindingsFilters = z.infer<typeof FindingsFilters>

/** The state of each finding by what was decided up to a time. */
const knownThen = '(SELECT * FROM findings_log AS l WHERE toUnixTimestamp64Milli(l.decided) <= {knownAt:Int64} ORDER BY l.id, l.offset DESC, l.`index` DESC LIMIT 1 BY l.id)'

/** The latest state of each finding, or the one of a past time, worst and oldest first. */
export const findings: Report<FindingsFilters, FindingRow> = {
  name: 'findings',
  summary: 'differences between what is granted and what is intended',
  filters: FindingsFilters,
  restsOnSources: true,
  columns: [
    { key: 'id', title: 'id', kind: 'id' },
    { key: 'severity', title: 'severity', kind: 'text' },
    { key: 'kind', title: 'kind', kind: 'text' },
    { key: 'state', title: 'state', kind: 'text' },
    { key: 'app', title: 'app', kind: 'text' },
    { key: 'identity', title: 'identity', kind: 'text' },
    { key: 'account', title: 'account', kind: 'text' },
    { key: 'entitlement', title: 'entitlement', kind: 'text' },
    { key: 'since', title: 'since', kind: 'time' },
    { key: 'detail', title: 'detail', kind: 'text' },
  ],
  run(store, filters) {
    const conditions = where([
      [`(f.change = 'closed') = ({state:String} = 'closed')`, filters.state === 'all' ? null : filters.state],
      ['f.kind = {kind:String}', filters.kind],
      ['f.severity = {severity:String}', filters.severity],
      ['f.app = {app:String}', filters.app],
      ['f.identity = {identity:String}', filters.identity],
      ['f.account = {account:String}', filters.account],
    ])
    const sql = `SELECT ${select} FROM ${filters.knownAt === null ? 'findings_now' : knownThen} AS f ${conditions} ORDER BY ${bySeverity}, f.since, f.id LIMIT {limit:UInt32}`
    return store.query(sql, filters, FindingRow)
  },
}

/** The latest state of findings whose id begins with `prefix`; at most 20, by id. More than one: the prefix is too short. */
export function findingById(store: Store, prefix: string): Promise<FindingRow[]> {
  return store.query(`SELECT ${select} FROM findings_now AS f WHERE startsWith(f.id, {prefix:String}) ORDER BY f.id LIMIT 20`, { prefix }, FindingRow)
}

/** Every change of one finding, oldest first. */
export function findingHistory(store: Store, id: string): Promise<FindingRow[]> {
  return store.query(`SELECT ${select} FROM findings_log AS f WHERE f.id = {id:String} ORDER BY f.offset, f.\`index\``, { id }, FindingRow)
}

/** Whether something that a run of the source no longer showed is held for a person to decide. */
export async function holdsAbsences(store: Store, source: string): Promise<boolean> {
  return (await findings.run(store, FindingsFilters.parse({ kind: 'held-absences', app: source, limit: 1 }))).length > 0
}
