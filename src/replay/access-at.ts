import type { AccessChange, AccessGrant } from '../../schemas/wire/results.ts'
import type { Position } from '../../schemas/wire/common.ts'
import { heldAt } from '../core/access-spans.ts'
import { compareGrants, compareKeys } from '../core/order.ts'

/** One grant that an account holds, with the change that says so. Times in ms. */
export interface HeldGrant extends AccessGrant {
  home: string
  identity: string | null
  app: string
  account: string
  kind: AccessChange['kind']
  status: AccessChange['status']
  observed: number
  decided: number
  cause: Position
}

/**
 * Who held what at `at`, by these changes (all that were known, in the order of their homes' partitions): as `spansOf` says. Ordered by
 * app, account, home, entitlement, native.
 */
export function accessAt(changes: readonly AccessChange[], at: number): HeldGrant[] {
  return [...Map.groupBy(changes, ({ app, account }) => JSON.stringify([app, account])).values()]
    .flatMap((account) => heldAt(account, at))
    .map(({ subject: { home, identity, app, account, kind, status }, said: { observed, decided, cause }, grant }) => ({
      home, identity, app, account, kind, status, ...grant, observed, decided, cause,
    }))
    .sort(
      (a, b) =>
        compareKeys(a.app, b.app) || compareKeys(a.account, b.account) || compareKeys(a.home, b.home) || compareGrants(a, b),
    )
}
