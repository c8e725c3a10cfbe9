import { z } from 'zod'
import { grantOf, logOf } from './access-log.ts'
import { accessSpans } from './access-spans.ts'
import { endOfTime, limitFilter, textFilter, timeFilter, where, type Report } from './report.ts'

export const AccessSpan = z.object({
  home: z.string(), app: z.string(), account: z.string(), entitlement: z.string(), native: z.string(), verdict: z.string(),
  direct: z.boolean(), paths: z.array(z.array(z.string())), from: z.int(),
  /** null: still so */
  until: z.int().nullable(),
  position: z.object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() }),
})
export type AccessSpan = z.infer<typeof AccessSpan>

export const AccessHistoryFilters = z
  .strictObject({
    app: textFilter, account: textFilter, identity: textFilter,
    /** a catalogue name, or the native id */
    entitlement: textFilter,
    /** by what was decided up to this time; null: all that is known */
    knownAt: timeFilter,
    limit: limitFilter,
  })
  .refine(({ account, identity }) => account !== null || identity !== null, 'whose history? Name an account or an identity')
export type AccessHistoryFilters = z.infer<typeof AccessHistoryFilters>

/** What an account, or all accounts that were ever a person's, held from when to when, and how it was judged meanwhile. */
export const accessHistory: Report<AccessHistoryFilters, AccessSpan> = {
  name: 'access-history',
  summary: 'what an account or a person held, from when to when',
  filters: AccessHistoryFilters,
  restsOnSources: true,
  columns: [
    { key: 'app', title: 'app', kind: 'text' },
    { key: 'account', title: 'account', kind: 'text' },
    { key: 'entitlement', title: 'entitlement', kind: 'text' },
    { key: 'from', title: 'from', kind: 'time' },
    { key: 'until', title: 'until', kind: 'time' },
    { key: 'verdict', title: 'verdict', kind: 'text' },
    { key: 'paths', title: 'by way of', kind: 'list' },
  ],
  run(store, filters) {
    const conditions = where([['s.from_ms < s.until_ms', true], ['s.home = concat(\'identity/\', {identity:String})', filters.identity]])
    const sql = `
WITH ${accessSpans(logOf(filters, null), grantOf(filters))}
SELECT
  s.home AS home, s.app AS app, s.account AS account, s.entitlement AS entitlement, s.native AS native, s.verdict AS verdict, s.direct AS direct,
  s.paths AS paths, s.from_ms AS \`from\`, if(s.until_ms = 9223372036854775807, NULL, s.until_ms) AS until,
  CAST((s.topic, s.partition, s.offset, s.\`index\`), 'Tuple(topic String, partition Int64, offset Int64, index Int64)') AS position
FROM spans AS s ${conditions}
ORDER BY app, account, \`from\`, entitlement, native, home, position
LIMIT {limit:UInt32}`
    return store.query(sql, { ...filters, known_at: filters.knownAt ?? endOfTime }, AccessSpan)
  },
}
