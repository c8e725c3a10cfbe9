import type { Topic } from '../../../schemas/wire/topics.ts'
import type { Assignment, SharedRole, Share } from '../../ports/assignment.ts'
import { createClient, type ClientOptions } from './client.ts'
import { clusterOf } from './internals.ts'
import { Member } from './member.ts'

export interface KafkaAssignmentOptions extends ClientOptions {
  prefix: string
  partitions: Readonly<Record<Topic, number>>
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
}

export const groupOf = (prefix: string, role: SharedRole): string => `${prefix}${role}`

/** A consumer group for each role: its members share the partitions of the role's topics. */
export function kafkaAssignment(options: KafkaAssignmentOptions): Assignment {
  const { prefix, partitions, sessionTimeoutMs, rebalanceTimeoutMs, log } = options
  return {
    async share(role: SharedRole, topics: readonly Topic[]): Promise<Share> {
      const cluster = clusterOf(createClient(options, role))
      await cluster.connect()
      return await Member.join(cluster, {
        groupId: groupOf(prefix, role),
        partitions: new Map(topics.map((topic) => [topic, partitions[topic]])),
        prefix, sessionTimeoutMs, rebalanceTimeoutMs, log,
      })
    },
  }
}
