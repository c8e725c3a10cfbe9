import { z } from 'zod'
import { heldAt, type Held } from '../core/access-spans.ts'
import { identityHome } from '../core/keys.ts'
import { compareGrants } from '../core/order.ts'
import type { LogRow } from './access-log.ts'
import { ofAccounts } from './account-pages.ts'
import { limitFilter, textFilter, timeFilter, type Report } from './report.ts'

export const AccessDifference = z.object({
  app: z.string(), account: z.string(), entitlement: z.string(), native: z.string(),
  /** null: not held */
  before: z.string().nullable(),
  after: z.string().nullable(),
  /** whether the account was in use, where it held this; null: not held */
  statusBefore: z.string().nullable(),
  statusAfter: z.string().nullable(),
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
const moves = `(${isBetween('l.observed')} OR ${isBetween('l.decided')} OR ${isBetween('l.valid')} OR arrayExists(t -> ${isBetween('t')}, l.grants.valid))`

/** What is held, by an account in use or not, or how it is judged, at one time and not at another. */
export const accessChanges: Report<AccessChangesFilters, AccessDifference> = {
  name: 'access-changes',
  summary: 'what is held at one time and not at another, by an account that was in use or not, or was judged otherwise',
  filters: AccessChangesFilters,
  restsOnSources: true,
  columns: [
    { key: 'app', title: 'app', kind: 'text' },
    { key: 'account', title: 'account', kind: 'text' },
    { key: 'entitlement', title: 'entitlement', kind: 'text' },
    { key: 'before', title: 'before', kind: 'text' },
    { key: 'after', title: 'after', kind: 'text' },
    { key: 'statusBefore', title: 'account before', kind: 'text' },
    { key: 'statusAfter', title: 'account after', kind: 'text' },
    { key: 'homeBefore', title: 'home before', kind: 'text' },
    { key: 'homeAfter', title: 'home after', kind: 'text' },
  ],
  ...ofAccounts((filters: AccessChangesFilters) => {
    const { from, to, identity } = filters
    const home = identity === null ? null : identityHome(identity)
    return {
      filters,
      params: { from, to },
      chosen: moves,
      tellsOne: true,
      tell: (account) => differences(account, from, to).filter(({ homeBefore, homeAfter }) => home === null || homeBefore === home || homeAfter === home),
    }
  }),
}

function differences(account: readonly LogRow[], from: number, to: number): AccessDifference[] {
  const [before, after] = [sideOf(account, from), sideOf(account, to)]
  return [...new Map([...before, ...after])]
    .flatMap(([name, { said: { app, account: id }, grant: { entitlement, native } }]) => {
      const [one, other] = [before.get(name), after.get(name)]
      const isSame = one?.grant.verdict === other?.grant.verdict && one?.said.home === other?.said.home && one?.subject.status === other?.subject.status
      return isSame ? [] : [{
        app, account: id, entitlement, native,
        before: one?.grant.verdict ?? null, after: other?.grant.verdict ?? null,
        statusBefore: one?.subject.status ?? null, statusAfter: other?.subject.status ?? null,
        homeBefore: one?.said.home ?? null, homeAfter: other?.said.home ?? null,
      }]
    })
    .sort(compareGrants)
}

/** What the account held at a time, by the names of the grants. */
function sideOf(account: readonly LogRow[], time: number): Map<string, Held<LogRow>> {
  const held = new Map<string, Held<LogRow>>()
  for (const one of heldAt(account, time)) {
    const name = JSON.stringify([one.grant.entitlement, one.grant.native])
    if (!held.has(name)) held.set(name, one)
  }
  return held
}
