import { join } from 'node:path'
import { topicNames, type Topic } from '../schemas/wire/topics.ts'
import { openKafkaLog, type KafkaLog, type KafkaLogOptions } from '../src/adapters/log-kafka/kafka-log.ts'
import { processors } from '../processors/registry.ts'

export interface BenchLog {
  brokers: readonly string[]
  prefix: string
  /** takes the local copies of states */
  directory: string
  /** of every topic */
  partitions: number
}

/** The log on Kafka as the config file's defaults have it, with topics of its own. */
export function openBenchLog(of: BenchLog): Promise<KafkaLog> {
  return openKafkaLog(benchLogOptions(of))
}

export function benchLogOptions({ brokers, prefix, directory, partitions }: BenchLog): KafkaLogOptions {
  return {
    brokers, tls: null, sasl: null, log: () => undefined, prefix, replication: -1,
    partitions: Object.fromEntries(topicNames.map((topic) => [topic, partitions])) as Record<Topic, number>,
    processors: Object.fromEntries(processors.map(({ name }) => [name, partitions])),
    path: join(directory, 'states'), transactionTimeoutMs: 60_000, deleteRetentionMs: 7 * 86_400_000, onRestore: () => undefined, standby: false, onStandby: () => undefined,
  }
}
