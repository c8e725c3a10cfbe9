import { z } from 'zod'
import { heldAt } from '../core/access-spans.ts'
import { positionOf, shows, showsJudged } from './access-log.ts'
import { ofAccounts } from './account-pages.ts'
import { endOfTime, limitFilter, textFilter, timeFilter, type Report } from './report.ts'

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
  ...ofAccounts((filters: AccessFilters) => {
    const { identity, entitlement, verdict, knownAt } = filters
    const at = filters.at ?? knownAt ?? endOfTime
    return {
      filters, params: { verdict },
      tellsOne: entitlement !== null,
      // one that is held now and judged so was told so by some row
      chosen: chosenBy(entitlement, verdict),
      tell: (account) =>
        heldAt(account, at)
          .filter(({ subject, grant }) => (identity === null || subject.identity === identity) && (verdict === null || grant.verdict === verdict))
          .map(({ subject, said, grant }) => ({
            home: said.home, identity: subject.identity, app: said.app, account: said.account, kind: subject.kind, status: subject.status, ...grant,
            observed: said.observed, decided: said.decided, position: positionOf(said),
          })),
    }
  }),
}

function chosenBy(entitlement: string | null, verdict: string | null): string | null {
  if (verdict === null) return entitlement === null ? null : shows
  return entitlement === null ? 'has(l.grants.verdict, {verdict:String})' : showsJudged
}
