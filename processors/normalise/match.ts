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
  | { state: 'contested'; identity: string | null; candidates: string[]; since: number }

interface Decided {
  readonly claimed: Claimed
  readonly weighed: readonly string[]
  readonly walked: readonly string[]
}

/** Of nearly all keys. */
const unweighed = { weighed: [], walked: [] } as const

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
 * Whose a key is, from its live claims (at most one for each identity) and those that were released. Whoever began last has it where the
 * account is not older than that claim, or where its identity continues every other that has it too or had it; otherwise it is contested:
 * it stays with the one that began first, and `since` is when one that has it now and another had both begun. Who gave it up has nothing of it.
 * `weighed`: whose claims were, where there are several; `walked`: the identities whose `continues` was asked for.
 */
export function decide(
  live: readonly Claim[],
  released: readonly Claim[],
  created: number | null,
  continues: (identity: string) => string | null,
): Decided {
  const [only] = live
  if (only === undefined) return { claimed: { state: 'none' }, ...unweighed }
  const past = released.length === 0 ? released : formerly(live, released, created)
  if (live.length === 1 && past.length === 0) return { claimed: { state: 'matched', identity: only.identity }, ...unweighed }
  const bySince = [...live, ...past].sort((a, b) => a.since - b.since || compareKeys(a.identity, b.identity))
  const candidates = [...new Set(bySince.map(({ identity }) => identity))].sort(compareKeys)
  const walked: string[] = []
  const last = strictlyAt(bySince.toReversed())
  if (last !== null && live.includes(last)) {
    const matched = { state: 'matched', identity: last.identity } as const
    if (created !== null && created >= last.since) return { claimed: matched, weighed: candidates, walked }
    const others = new Set(candidates.filter((identity) => identity !== last.identity))
    for (let next: string | null = last.identity; next !== null && !walked.includes(next) && others.size > 0; ) {
      walked.push(next)
      next = continues(next)
      if (next !== null) others.delete(next)
    }
    if (others.size === 0) return { claimed: matched, weighed: candidates, walked }
  }
  const first = strictlyAt(bySince)
  const identity = first !== null && live.includes(first) ? first.identity : null
  return { claimed: { state: 'contested', identity, candidates, since: contestedSince(bySince, live) }, weighed: candidates, walked }
}

function contestedSince(bySince: readonly Claim[], live: readonly Claim[]): number {
  const second = bySince.find(({ identity }) => identity !== bySince[0]!.identity)!
  const firstLive = bySince.find((claim) => live.includes(claim))!
  return Math.max(second.since, firstLive.since)
}

/**
 * Of others who gave the key up: who began before the newest that has it, and who had it when the account was made. Any other had it by
 * mistake, or too late to have anything to do with the account. Of who has it again only that counts.
 */
function formerly(live: readonly Claim[], released: readonly Claim[], created: number | null): Claim[] {
  const newest = Math.max(...live.map(({ since }) => since))
  const had = ({ since, until }: Claim): boolean => created !== null && since <= created && (until === null || created < until)
  return released.filter((claim) => (claim.since < newest || had(claim)) && !live.some(({ identity }) => identity === claim.identity))
}

/** The first, unless the second began at the same time. */
function strictlyAt([first, second]: readonly Claim[]): Claim | null {
  return first === undefined || first.since === second?.since ? null : first
}
