import type { Verdict } from '../../schemas/wire/common.ts'

/** `partial` is worse than `unknown`: something is known to be missing. */
const rank: Record<Verdict, number> = { complete: 0, unknown: 1, partial: 2 }

/** The first of those that say the worst; undefined where there is none at all. */
export function worstOf<T extends { readonly verdict: Verdict }>(told: readonly T[]): T | undefined {
  return told.reduce<T | undefined>((worst, one) => (worst === undefined || rank[one.verdict] > rank[worst.verdict] ? one : worst), undefined)
}
