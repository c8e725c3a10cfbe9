import { z } from 'zod'
import { spansOf, type Span } from '../core/access-spans.ts'
import { identityHome } from '../core/keys.ts'
import { compareKeys } from '../core/order.ts'
import { positionOf, type LogRow } from './access-log.ts'
import { ofAccounts } from './account-pages.ts'
import { limitFilter, textFilter, timeFilter, type Report } from './report.ts'

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
    { key: 'home', title: 'home', kind: 'text' },
    { key: 'entitlement', title: 'entitlement', kind: 'text' },
    { key: 'from', title: 'from', kind: 'time' },
    { key: 'until', title: 'until', kind: 'time' },
    { key: 'verdict', title: 'verdict', kind: 'text' },
    { key: 'paths', title: 'by way of', kind: 'list' },
  ],
  ...ofAccounts((filters: AccessHistoryFilters) => {
    const { identity } = filters
    const home = identity === null ? null : identityHome(identity)
    return {
      filters, params: {}, chosen: null, tellsOne: false,
      tell: (account) =>
        spansOf(account)
          .filter(({ said, from, until }) => from < until && (home === null || said.home === home))
          .sort(inOrder)
          .map(({ said, grant: { entitlement, native, verdict, direct, paths }, from, until }) => ({
            home: said.home, app: said.app, account: said.account, entitlement, native, verdict, direct, paths,
            from, until: until === Infinity ? null : until, position: positionOf(said),
          })),
    }
  }),
}

const inOrder = (a: Span<LogRow>, b: Span<LogRow>): number =>
  a.from - b.from || compareKeys(a.grant.entitlement, b.grant.entitlement) || compareKeys(a.grant.native, b.grant.native) ||
  compareKeys(a.said.home, b.said.home) || a.said.offset - b.said.offset || a.said.index - b.said.index
