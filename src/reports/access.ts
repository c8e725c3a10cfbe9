import { z } from 'zod'
import type { Params, Store } from '../ports/store.ts'
import { accessAsOf } from './access-as-of.ts'
import { grantOf, logOf, shows } from './access-log.ts'
import { pageAccounts, type AccountPage } from './account-pages.ts'
import { endOfTime, limitFilter, textFilter, timeFilter, where, type Report } from './report.ts'

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

/** Who holds what and whether that is right: now, or at a past time, by what was known then or by what is known today. */
export const access: Report<AccessFilters, AccessRow> = {
  name: 'access',
  summary: 'who holds what, at any time, as known at any time',
  filters: AccessFilters,
  restsOnSources: true,
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
  async run(store, filters) {
    const { app, account, identity, limit } = filters
    if (account !== null || identity !== null) return await ask(store, filters, null, limit)
    const params = paramsOf(filters)
    return await pageAccounts(store, {
      app, params, limit,
      chosen: filters.entitlement === null ? null : shows,
      run: (page, rest) => ask(store, filters, page, rest),
    })
  },
}

const paramsOf = (filters: AccessFilters): Params => ({ ...filters, known_at: filters.knownAt ?? endOfTime, at: filters.at ?? filters.knownAt ?? endOfTime })

/** `page`: the accounts that are asked about; null where the filters name them. */
function ask(store: Store, filters: AccessFilters, page: AccountPage | null, limit: number): Promise<AccessRow[]> {
  const conditions = where([
    ['identity = {identity:String}', filters.identity],
    ['s.verdict = {verdict:String}', filters.verdict],
  ]).replace(/^WHERE/, 'AND')
  return store.query(accessAsOf(logOf(filters, page), grantOf(filters), conditions), { ...paramsOf(filters), ...page, limit }, AccessRow)
}
