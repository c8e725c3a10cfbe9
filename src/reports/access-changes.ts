import { z } from 'zod'
import { spansOf, type Span } from '../core/access-spans.ts'
import { identityHome } from '../core/keys.ts'
import { compareGrants } from '../core/order.ts'
import type { LogRow } from './access-log.ts'
import { tellAccounts } from './account-pages.ts'
import { limitFilter, textFilter, timeFilter, type Report } from './report.ts'

export const AccessDifference = z.object({
  app: z.string(), account: z.string(), entitlement: z.string(), native: z.string(),
  /** null: not held */
  before: z.string().nullable(),
  after: z.string().nullable(),
  homeBefore: z.string().nullable(),
  homeAfter: z.string().nullable(),
})
export type AccessDifference = z.infer<typeof AccessDifference>

export const AccessChangesFilters = z
  .strictObject({
    from: z.int().describe('ms since the epoch'),
    to: z.int().describe('ms since the epoch'),
    app: textFilter, account: textFilter, identity: textFilter, entitlement: textFilter,
    /** by what was decided up to this time; null: all that is known */
    knownAt: timeFilter,
    limit: limitFilter,
  })
  .refine(({ from, to }) => from <= to, '`from` is later than `to`')
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
  run(store, filters) {
    const { from, to, identity } = filters
    const home = identity === null ? null : identityHome(identity)
    return tellAccounts(store, {
      filters,
      params: { from, to },
      chosen: moves,
      tellsOne: true,
      tell: (account) => differences(account, from, to).filter(({ homeBefore, homeAfter }) => home === null || homeBefore === home || homeAfter === home),
    })
  },
}

function differences(account: readonly LogRow[], from: number, to: number): AccessDifference[] {
  const grants = Map.groupBy(spansOf(account), ({ grant }) => JSON.stringify([grant.entitlement, grant.native])).values()
  return [...grants]
    .flatMap((spans) => {
      const { said: { app, account: id }, grant: { entitlement, native } } = spans[0]!
      const heldAt = (time: number): Span<LogRow> | undefined => spans.find((span) => span.from <= time && time < span.until)
      const [one, other] = [heldAt(from), heldAt(to)]
      const [before, after, homeBefore, homeAfter] = [one?.grant.verdict ?? null, other?.grant.verdict ?? null, one?.said.home ?? null, other?.said.home ?? null]
      return before === after && homeBefore === homeAfter ? [] : [{ app, account: id, entitlement, native, before, after, homeBefore, homeAfter }]
    })
    .sort(compareGrants)
}
