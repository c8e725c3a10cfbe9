import { z } from 'zod'
import { accessAsOf } from './access-as-of.ts'
import { limitFilter, ms, textFilter, timeFilter, where, type Report } from './report.ts'

export const AccessRow = z.object({
  home: z.string(), identity: z.string().nullable(), app: z.string(), account: z.string(), kind: z.string(), status: z.string(),
  entitlement: z.string(), native: z.string(), verdict: z.string(), direct: z.boolean(), since: z.int(), valid: z.int().nullable(),
  paths: z.array(z.array(z.string())), observed: z.int(), decided: z.int(),
  position: z.object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() }),
})
export type AccessRow = z.infer<typeof AccessRow>

export const AccessFilters = z.strictObject({
  app: textFilter,
  account: textFilter,
  identity: textFilter,
  /** a catalogue name, or the native id */
  entitlement: textFilter,
  verdict: z.enum(['matched', 'matched-indirectly', 'unauthorised', 'pending', 'undecided']).nullable().default(null),
  /** held at this time; null: now */
  at: timeFilter,
  /** by what was decided up to this time; null: all that is known */
  knownAt: timeFilter,
  limit: limitFilter,
})
export type AccessFilters = z.infer<typeof AccessFilters>

/** Later than every time that a record may hold: 2^53 ms. */
const endOfTime = Number.MAX_SAFE_INTEGER

/** Who holds what and whether that is right: now, or at a past time, by what was known then or by what is known today. */
export const access: Report<AccessFilters, AccessRow> = {
  name: 'access',
  summary: 'who holds what, at any time, as known at any time',
  filters: AccessFilters,
  columns: [
    { key: 'app', title: 'app', kind: 'text' },
    { key: 'account', title: 'account', kind: 'text' },
    { key: 'identity', title: 'identity', kind: 'text' },
    { key: 'status', title: 'status', kind: 'text' },
    { key: 'entitlement', title: 'entitlement', kind: 'text' },
    { key: 'verdict', title: 'verdict', kind: 'text' },
    { key: 'paths', title: 'by way of', kind: 'list' },
    { key: 'since', title: 'first seen', kind: 'time' },
  ],
  run(store, filters) {
    const { at, knownAt } = filters
    const entitlement = ['(entitlement = {entitlement:String} OR native = {entitlement:String})', filters.entitlement] as const
    const verdict = ['verdict = {verdict:String}', filters.verdict] as const
    if (at === null && knownAt === null) {
      const conditions = where([
        ['app = {app:String}', filters.app],
        ['account = {account:String}', filters.account],
        ['identity = {identity:String}', filters.identity],
        entitlement,
        verdict,
      ])
      const sql = `
        SELECT
          home, identity, app, account, kind, status, entitlement, native, verdict, direct, ${ms('n.since', 'since')}, ${ms('n.valid', 'valid')}, paths,
          ${ms('n.observed', 'observed')}, ${ms('n.decided', 'decided')},
          CAST((topic, partition, offset, \`index\`), 'Tuple(topic String, partition Int64, offset Int64, index Int64)') AS position
        FROM access_now AS n ${conditions}
        ORDER BY app, account, home, entitlement, native
        LIMIT {limit:UInt32}`
      return store.query(sql, filters, AccessRow)
    }
    // an account's other homes are needed to tell when it came to this one, so an identity selects whole accounts first
    const log = where([
      ['toUnixTimestamp64Milli(l.decided) <= {known_at:Int64}', true],
      ['l.app = {app:String}', filters.app],
      ['l.account = {account:String}', filters.account],
      ['(l.app, l.account) IN (SELECT app, account FROM access_log WHERE identity = {identity:String})', filters.identity],
    ])
    const rows = where([
      ['identity = {identity:String}', filters.identity],
      ['(s.entitlement = {entitlement:String} OR s.native = {entitlement:String})', filters.entitlement],
      ['s.verdict = {verdict:String}', filters.verdict],
    ]).replace(/^WHERE/, 'AND')
    const params = { ...filters, known_at: knownAt ?? endOfTime, at: at ?? knownAt ?? endOfTime }
    return store.query(accessAsOf(log, rows), params, AccessRow)
  },
}
