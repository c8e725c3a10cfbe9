import type { Topic } from '../../../schemas/wire/topics.ts'
import type { Assignment, SharedRole, Share } from '../../ports/assignment.ts'
import { createClient, type ClientOptions } from './client.ts'
import { clusterOf } from './internals.ts'
import { Member } from './member.ts'

export interface KafkaAssignmentOptions extends ClientOptions {
  prefix: string
  partitions: Readonly<Record<Topic, number>>
  /** name -> version: only processes with the same processors share them, since an older one may misread what a newer one tells */
  versions: Readonly<Record<string, number>>
  /** of the tables that the sink fills, likewise: an older one would leave out what belongs into columns that a newer one has added; default: any */
  tables?: number
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
}

const sticky = 'grantline-sticky'

export const groupOf = (prefix: string, role: SharedRole): string => `${prefix}${role}`

function protocolOf(role: SharedRole, { versions, tables }: KafkaAssignmentOptions): string {
  const alike: Record<SharedRole, Readonly<Record<string, number>>> = { processors: versions, sink: tables === undefined ? {} : { tables }, connectors: {} }
  const names = Object.entries(alike[role]).map(([name, version]) => `${name} ${version}`)
  return names.length === 0 ? sticky : `${sticky} (${names.join(', ')})`
}

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
        protocol: protocolOf(role, options),
        prefix, sessionTimeoutMs, rebalanceTimeoutMs, log,
      })
    },
  }
}
