import { compareKeys } from '../../src/core/order.ts'
import type { Horizon } from './horizon.ts'
import type { AccountRow, Rules, Wait } from './model.ts'
import { entitlementKey, rightsAt, type Holdings, type Missing, type Overstaying, type Standing } from './standing.ts'

/**
 * Desired changes that the applications have not been seen to make yet. Only an observed app has any, and only once all of the
 * intent is known: what was already so when the two sides met was no change that somebody waited for.
 */
export function waitsOf(missing: readonly Missing[], overstayed: readonly Overstaying[], rules: Rules, horizon: Horizon): Wait[] {
  if (!rules.desiredReady || !rules.keysReady) return []
  const waits: Wait[] = []
  for (const { entry: { app, entitlement, from }, account } of missing) {
    const observedAt = rules.app(app)?.observedAt ?? null
    if (observedAt === null) continue
    const desired = Math.max(from, observedAt)
    if (horizon.reached(desired)) waits.push({ app, account: account?.account ?? null, entitlement, direction: 'grant', desired })
  }
  for (const { lapse: { app, entitlement, at }, account } of overstayed) {
    const observedAt = rules.app(app)?.observedAt ?? null
    if (observedAt !== null) waits.push({ app, account: account?.account ?? null, entitlement, direction: 'revoke', desired: at })
  }
  return waits
}

/**
 * Apps for which it matters when they were observed: something of theirs is desired and not held, or held though it lapsed. That
 * moment is asked for in no other case: neither `waitsOf` nor a missing grant looks at what is as it should be.
 */
export function awaited(missing: readonly Missing[], overstayed: readonly Overstaying[]): readonly string[] {
  if (missing.length + overstayed.length === 0) return []
  return [...new Set([...missing.map(({ entry }) => entry.app), ...overstayed.map(({ lapse }) => lapse.app)])].sort(compareKeys)
}

/** What the record in hand shows of an app: `observed` in ms. */
export interface Evidence {
  app: string
  observed: number
}

/** Of the waits that ended, those that ended because the app was seen to have made the change. */
export function settled(before: readonly Wait[], standing: Standing, held: Holdings, accounts: readonly AccountRow[], evidence: Evidence | null): Wait[] {
  return before.filter((wait) => {
    if (evidence === null || evidence.app !== wait.app) return false
    const key = entitlementKey(wait.app, wait.entitlement)
    if (wait.account === null) return wait.direction === 'grant' ? isGranted(key, standing, held) : isRevoked(key, standing, held)
    const account = accounts.find(({ fact }) => fact.app === wait.app && fact.account === wait.account)?.fact
    if (account === undefined) return wait.direction === 'revoke'
    const isDesired = rightsAt(standing, account).entries.has(key)
    return wait.direction === 'grant' ? isDesired && held.isHeldBy(account, key) : !isDesired && !held.isHeldBy(account, key)
  })
}

const isGranted = (key: string, { home }: Standing, held: Holdings): boolean => home.entries.has(key) && held.has(key)

/** An account that has it in particular may keep it. */
function isRevoked(key: string, standing: Standing, held: Holdings): boolean {
  return !standing.rights.entries.has(key) && held.get(key).every(({ fact }) => rightsAt(standing, fact).entries.has(key))
}
