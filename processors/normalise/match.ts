import { compareKeys } from '../../src/core/order.ts'

/** An identity's claim on a key in a match space; ms. */
export interface Claim {
  readonly identity: string
  readonly since: number
  readonly until: number | null
}

export type Claimed =
  | { state: 'none' }
  | { state: 'matched'; identity: string }
  | { state: 'contested'; identity: string | null; candidates: string[] }

/** A claim counts while it is not released, or was released less than `delayMs` before `now`. */
export const isLive = ({ until }: Claim, delayMs: number, now: number): boolean => until === null || until + delayMs > now

/** When the next of these claims stops counting, ms; null if none will. */
export function nextRelease(claims: readonly Claim[], delayMs: number, now: number): number | null {
  let next: number | null = null
  for (const { until } of claims) {
    if (until !== null && until + delayMs > now) next = Math.min(until + delayMs, next ?? Infinity)
  }
  return next
}

/**
 * Whose a key is, from its live claims (at most one for each identity). Of several the one that began last has it only where the
 * account is not older than that claim, or where its identity continues each of the others; otherwise it stays, contested, with
 * the one that began first. `walked`: the identities whose `continues` was asked for.
 */
export function decide(
  claims: readonly Claim[],
  created: number | null,
  continues: (identity: string) => string | null,
): { claimed: Claimed; walked: string[] } {
  const [only] = claims
  if (only === undefined) return { claimed: { state: 'none' }, walked: [] }
  if (claims.length === 1) return { claimed: { state: 'matched', identity: only.identity }, walked: [] }
  const bySince = [...claims].sort((a, b) => a.since - b.since || compareKeys(a.identity, b.identity))
  const walked: string[] = []
  const last = strictlyAt(bySince.toReversed())
  if (last !== null) {
    const matched = { state: 'matched', identity: last.identity } as const
    if (created !== null && created >= last.since) return { claimed: matched, walked }
    const others = new Set(claims.map(({ identity }) => identity).filter((identity) => identity !== last.identity))
    for (let next: string | null = last.identity; next !== null && !walked.includes(next) && others.size > 0; ) {
      walked.push(next)
      next = continues(next)
      if (next !== null) others.delete(next)
    }
    if (others.size === 0) return { claimed: matched, walked }
  }
  const candidates = claims.map(({ identity }) => identity).sort(compareKeys)
  return { claimed: { state: 'contested', identity: strictlyAt(bySince)?.identity ?? null, candidates }, walked }
}

/** The first, unless the second began at the same time. */
function strictlyAt([first, second]: readonly Claim[]): Claim | null {
  return first === undefined || first.since === second?.since ? null : first
}
