import type { Topic } from '../../schemas/wire/topics.ts'
import type { Assignment, Owned, Share } from '../ports/assignment.ts'

/** One process has all partitions, for good. */
export function ownEverything(partitions: Readonly<Record<Topic, number>>): Assignment {
  return {
    share: async (_role, topics) => shareOfAll(partitions, topics),
  }
}

/** For good. `isOwned`: which partitions of each topic; default: all. */
export function shareOfAll(partitions: Readonly<Record<Topic, number>>, topics: readonly Topic[], isOwned: (partition: number) => boolean = () => true): Share {
  const owned: Owned = { generation: 0, partitions: new Map(topics.map((topic) => [topic, Array.from({ length: partitions[topic] }, (_, partition) => partition).filter(isOwned)])) }
  return {
    owned,
    next: () => new Promise(() => undefined),
    graceMs: 0,
    leave: async () => undefined,
  }
}
