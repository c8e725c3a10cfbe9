import { z } from 'zod'
import type { Store } from '../ports/store.ts'
import { grantOf, logOf, shows } from './access-log.ts'
import { accessSpans } from './access-spans.ts'
import { pageAccounts, type AccountPage } from './account-pages.ts'
import { endOfTime, limitFilter, textFilter, timeFilter, where, type Report } from './report.ts'

export const AccessDifference = z.object({
  app: z.string(), account: z.string(), entitlement: z.string(), native: z.string(),
  /** null: not held */
  before: z.string().nullable(),
  after: z.string().nullable(),
  homeBefore: z.string().nullable(),
  homeAfter: z.string().nullable(),
})
export type AccessDifference = z.infer<typeof AccessDifference>

export const AccessChangesFilters = z.strictObject({
  from: z.int().describe('ms since the epoch'),
  to: z.int().describe('ms since the epoch'),
  app: textFilter, account: textFilter, identity: textFilter, entitlement: textFilter,
  /** by what was decided up to this time; null: all that is known */
  knownAt: timeFilter,
  limit: limitFilter,
})
export type AccessChangesFilters = z.infer<typeof AccessChangesFilters>

/** Rows after which an account may hold something else between the two times: those of that time, and those that speak of it. */
const isBetween = (column: string): string => `toUnixTimestamp64Milli(${column}) > {from:Int64} AND toUnixTimestamp64Milli(${column}) <= {to:Int64}`
const moves = `(${isBetween('l.observed')} OR ${isBetween('l.decided')} OR arrayExists(t -> ${isBetween('t')}, l.grants.valid))`

/** What is held, or how it is judged, at one time and not at another. */
export const accessChanges: Report<AccessChangesFilters, AccessDifference> = {
  name: 'access-changes',
  summary: 'what is held at one time and not at another, or was judged otherwise',
  filters: AccessChangesFilters,
  restsOnSources: true,
  columns: [
    { key: 'app', title: 'app', kind: 'text' },
    { key: 'account', title: 'account', kind: 'text' },
    { key: 'entitlement', title: 'entitlement', kind: 'text' },
    { key: 'before', title: 'before', kind: 'text' },
    { key: 'after', title: 'after', kind: 'text' },
    { key: 'homeBefore', title: 'home before', kind: 'text' },
    { key: 'homeAfter', title: 'home after', kind: 'text' },
  ],
  async run(store, filters) {
    const { app, account, identity, entitlement, limit } = filters
    if (account !== null || identity !== null) return await ask(store, filters, null, limit)
    const params = paramsOf(filters)
    const chosen = entitlement === null ? moves : `${moves} AND (${shows} OR l.gone OR notEmpty(l.removed))`
    return await pageAccounts(store, { app, params, limit, chosen, run: (page, rest) => ask(store, filters, page, rest) })
  },
}

const paramsOf = (filters: AccessChangesFilters) => ({ ...filters, known_at: filters.knownAt ?? endOfTime })

function ask(store: Store, filters: AccessChangesFilters, page: AccountPage | null, limit: number): Promise<AccessDifference[]> {
  const heldAt = (time: string): string => `s.from_ms <= {${time}:Int64} AND {${time}:Int64} < s.until_ms`
  const said = (value: string, time: string): string => `anyOrNullIf(${value}, ${heldAt(time)})`
  const identityOf = where([['(homeBefore = concat(\'identity/\', {identity:String}) OR homeAfter = concat(\'identity/\', {identity:String}))', filters.identity]])
  const sql = `
WITH ${accessSpans(logOf(filters, page, moves), grantOf(filters))}
SELECT * FROM (
  SELECT
    s.app AS app, s.account AS account, s.entitlement AS entitlement, s.native AS native,
    ${said('s.verdict', 'from')} AS before, ${said('s.verdict', 'to')} AS after, ${said('s.home', 'from')} AS homeBefore, ${said('s.home', 'to')} AS homeAfter
  FROM spans AS s
  GROUP BY app, account, entitlement, native
  HAVING coalesce(before, '') != coalesce(after, '') OR coalesce(homeBefore, '') != coalesce(homeAfter, '')
) ${identityOf}
ORDER BY app, account, entitlement, native
LIMIT {limit:UInt32}`
  return store.query(sql, { ...paramsOf(filters), ...page, limit }, AccessDifference)
}
