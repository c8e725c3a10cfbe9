import { compareKeys } from '../../src/core/order.ts'
import type { Horizon } from './horizon.ts'
import type { Rules, Wait } from './model.ts'
import { entitlementKey, type Holdings, type Missing, type Standing } from './standing.ts'

/**
 * Desired changes that the applications have not been seen to make yet. Only an observed app has any, and only once all of the
 * intent is known: what was already so when the two sides met was no change that somebody waited for.
 */
export function waitsOf({ home }: Standing, lacked: readonly Missing[], held: Holdings, rules: Rules, horizon: Horizon): Wait[] {
  if (!rules.desiredReady || !rules.keysReady) return []
  const waits: Wait[] = []
  for (const { entry: { app, entitlement, from } } of lacked) {
    const observedAt = rules.app(app)?.observedAt ?? null
    if (observedAt === null) continue
    const desired = Math.max(from, observedAt)
    if (horizon.reached(desired)) waits.push({ app, entitlement, direction: 'grant', desired })
  }
  for (const [key, { app, entitlement, at }] of home.lapsed) {
    const observedAt = rules.app(app)?.observedAt ?? null
    if (observedAt !== null && held.has(key)) waits.push({ app, entitlement, direction: 'revoke', desired: at })
  }
  return waits
}

/**
 * Apps for which it matters when they were observed: something of theirs is desired and not held, or held though it lapsed. That
 * moment is asked for in no other case: neither `waitsOf` nor a missing grant looks at what is as it should be.
 */
export function awaited({ home: { lapsed } }: Standing, missing: readonly Missing[], held: Holdings): readonly string[] {
  if (missing.length === 0 && lapsed.size === 0) return []
  const apps = new Set<string>()
  for (const { entry: { app } } of missing) apps.add(app)
  for (const [key, { app }] of lapsed) if (held.has(key)) apps.add(app)
  return [...apps].sort(compareKeys)
}

/** What the record in hand shows of an app: `observed` in ms. */
export interface Evidence {
  app: string
  observed: number
}

/** Of the waits that ended, those that ended because the app was seen to have made the change. */
export function settled(before: readonly Wait[], { home }: Standing, held: Holdings, evidence: Evidence | null): Wait[] {
  return before.filter(({ app, entitlement, direction }) => {
    if (evidence === null || evidence.app !== app) return false
    const key = entitlementKey(app, entitlement)
    const isDesired = home.entries.has(key)
    return direction === 'grant' ? isDesired && held.has(key) : !isDesired && !held.has(key)
  })
}
