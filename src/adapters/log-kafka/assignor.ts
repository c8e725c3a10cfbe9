import { compareKeys } from '../../core/order.ts'

export interface Claimant {
  id: string
  /** what it owned, and in which generation it was given that */
  generation: number
  owned: ReadonlyMap<string, readonly number[]>
}

export type Shares = Map<string, Map<string, number[]>>

/**
 * Shares the partitions of each topic out among the members, evenly per topic. Whoever had one keeps it as far as its share goes,
 * so that little state moves; where two claim the same, the later generation is believed. Answers member -> topic -> partitions;
 * the same input gives the same answer in every process.
 */
export function assign(members: readonly Claimant[], partitions: ReadonlyMap<string, number>): Shares {
  const sorted = [...members].sort((a, b) => compareKeys(a.id, b.id))
  const shares: Shares = new Map(sorted.map(({ id }) => [id, new Map<string, number[]>()]))
  const totals = new Map(sorted.map(({ id }) => [id, 0]))
  for (const [topic, count] of [...partitions].sort(([a], [b]) => compareKeys(a, b))) {
    const mine = kept(sorted, topic, count, totals)
    const taken = new Set([...mine.values()].flat())
    for (let partition = 0; partition < count; partition++) {
      if (!taken.has(partition)) mine.get(fewest(sorted, mine, totals))!.push(partition)
    }
    for (const [id, own] of mine) {
      shares.get(id)!.set(topic, own.sort((a, b) => a - b))
      totals.set(id, totals.get(id)! + own.length)
    }
  }
  return shares
}

/** What each keeps of its claims. Some may keep one more than others where the count does not divide: those with the fewest so far. */
function kept(sorted: readonly Claimant[], topic: string, count: number, totals: ReadonlyMap<string, number>): Map<string, number[]> {
  const holders = new Map<number, Claimant>()
  for (const member of sorted) {
    for (const partition of member.owned.get(topic) ?? []) {
      const other = holders.get(partition)
      if (partition < count && (other === undefined || other.generation < member.generation)) holders.set(partition, member)
    }
  }
  const base = Math.floor(count / sorted.length)
  let extras = count % sorted.length
  const mine = new Map<string, number[]>(sorted.map(({ id }) => [id, []]))
  const byLoad = [...sorted].sort((a, b) => totals.get(a.id)! - totals.get(b.id)! || compareKeys(a.id, b.id))
  for (const member of byLoad) {
    const claims = [...holders].filter(([, holder]) => holder === member).map(([partition]) => partition).sort((a, b) => a - b)
    const quota = claims.length > base && extras > 0 ? base + 1 : base
    if (quota > base) extras--
    mine.get(member.id)!.push(...claims.slice(0, quota))
  }
  return mine
}

function fewest(sorted: readonly Claimant[], mine: ReadonlyMap<string, readonly number[]>, totals: ReadonlyMap<string, number>): string {
  let best = sorted[0]!.id
  const load = (id: string): [number, number] => [mine.get(id)!.length, totals.get(id)!]
  for (const { id } of sorted) {
    const [here, overall] = load(id)
    const [least, leastOverall] = load(best)
    if (here < least || (here === least && overall < leastOverall)) best = id
  }
  return best
}
