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
 * Whose a key is, from its live claims (at most one for each identity) and those that were released. Of the live ones the one that began
 * last has it where the account is not older than that claim, or where its identity continues every other that has it too or had it before;
 * otherwise it is contested: it stays with the one of several live ones that began first, and with nobody where the others are gone.
 * `walked`: the identities whose `continues` was asked for.
 */
export function decide(
  live: readonly Claim[],
  released: readonly Claim[],
  created: number | null,
  continues: (identity: string) => string | null,
): { claimed: Claimed; walked: string[] } {
  if (live.length === 0) return { claimed: { state: 'none' }, walked: [] }
  const walked: string[] = []
  const bySince = live.length === 1 ? live : [...live].sort((a, b) => a.since - b.since || compareKeys(a.identity, b.identity))
  const last = strictlyAt(bySince.toReversed())
  const earlier = last === null ? [] : released.filter(({ since }) => since < last.since)
  const claimants = new Set([...live, ...earlier].map(({ identity }) => identity))
  if (last !== null) {
    const matched = { state: 'matched', identity: last.identity } as const
    if (claimants.size === 1 || (created !== null && created >= last.since)) return { claimed: matched, walked }
    const others = new Set([...claimants].filter((identity) => identity !== last.identity))
    for (let next: string | null = last.identity; next !== null && !walked.includes(next) && others.size > 0; ) {
      walked.push(next)
      next = continues(next)
      if (next !== null) others.delete(next)
    }
    if (others.size === 0) return { claimed: matched, walked }
  }
  const first = live.length === 1 ? null : strictlyAt(bySince)
  return { claimed: { state: 'contested', identity: first?.identity ?? null, candidates: [...claimants].sort(compareKeys) }, walked }
}

/** The first, unless the second began at the same time. */
function strictlyAt([first, second]: readonly Claim[]): Claim | null {
  return first === undefined || first.since === second?.since ? null : first
}
