import { setTimeout as sleep } from 'node:timers/promises'
import { errorType } from './error-type.ts'
import type { Broker, Cluster } from './internals.ts'

/** A leader that moved, or a topic that was created just now, may take so long, ms. */
const patienceMs = 15_000
const firstRetryMs = 20
const longestRetryMs = 1_000

const movedLeader: ReadonlySet<string | undefined> = new Set([
  'NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION', 'REPLICA_NOT_AVAILABLE', 'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH', 'KAFKA_STORAGE_ERROR', 'OFFSET_NOT_AVAILABLE', 'LISTENER_NOT_FOUND', 'BROKER_NOT_AVAILABLE',
])

export function leaderOf(cluster: Cluster, topic: string, partition: number): number {
  const found = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition)
  if (found === undefined || found.leader < 0) throw Object.assign(new Error(`${topic}/${partition} has no leader now`), { type: 'LEADER_NOT_AVAILABLE' })
  return found.leader
}

/** Asks the partition's leader, and again with fresh metadata where that moved or can't be reached. */
export async function askLeader<T>(cluster: Cluster, topic: string, partition: number, ask: (broker: Broker) => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(await cluster.findBroker({ nodeId: leaderOf(cluster, topic, partition) }))
    } catch (error) {
      if (performance.now() > deadline || !mayPass(error)) throw error
      await sleep(Math.min(longestRetryMs, firstRetryMs * 2 ** attempt))
      await renew(cluster, error)
    }
  }
}

/** Fresh metadata, and a new connection to a broker that closed its own. */
export async function renew(cluster: Cluster, error: unknown): Promise<void> {
  if (error instanceof Error && error.name === 'KafkaJSConnectionClosedError') {
    const { host, port } = error as Error & { host: string; port: number }
    cluster.removeBroker({ host, port })
  }
  try {
    if (!cluster.isConnected()) await cluster.connect()
    await cluster.refreshMetadata()
  } catch {
    // the next attempt says what is wrong
  }
}

function mayPass(error: unknown): boolean {
  const type = errorType(error)
  if (type !== undefined) return movedLeader.has(type)
  return error instanceof Error && error.name.startsWith('KafkaJS')
}
