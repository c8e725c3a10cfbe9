import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import type { SASLOptions } from 'kafkajs'
import type { KafkaConfig } from '../schemas/config.ts'
import type { Topic } from '../schemas/wire/topics.ts'
import type { LogLine } from './adapters/log-kafka/client.ts'
import { kafkaAssignment } from './adapters/log-kafka/kafka-assignment.ts'
import { openKafkaLog, type KafkaLog } from './adapters/log-kafka/kafka-log.ts'
import type { RestoreProgress } from './adapters/log-kafka/changelog.ts'
import { readMigrations } from './adapters/store-clickhouse/migrations.ts'
import { resolveSecret, type SecretSources } from './connect/secrets.ts'
import type { Assignment } from './ports/assignment.ts'
import type { ProcessorType } from './ports/processor.ts'

interface OpenKafkaOptions extends SecretSources {
  partitions: Readonly<Record<Topic, number>>
  processors: readonly ProcessorType[]
  /** directory of the local copies of states */
  path: string
  log: LogLine
  onRestore: (progress: RestoreProgress) => void
  /** whether this process may have use of copies of states */
  standby: boolean
  onStandby: (progress: RestoreProgress) => void
}

/** Changelogs keep the mark of a deleted row so long: a process that was away for longer copies its states anew. */
const deleteRetentionMs = 7 * 86_400_000

/** The log on Kafka and the sharing of its partitions, as the config file says. Throws where a secret or file is missing. */
export async function openKafka(config: KafkaConfig, options: OpenKafkaOptions): Promise<{ log: KafkaLog; assignment: Assignment }> {
  const { partitions, processors, path, log, onRestore, onStandby } = options
  const client = { brokers: config.brokers, prefix: config.prefix, partitions, log, tls: await tlsOf(config, options), sasl: await saslOf(config, options) }
  return {
    log: await openKafkaLog({
      ...client, path, onRestore, onStandby, deleteRetentionMs,
      standby: config.standby && options.standby,
      processors: Object.fromEntries(processors.map(({ name, input }) => [name, partitions[input]])),
      replication: config.replication,
      transactionTimeoutMs: config.transactionSeconds * 1_000,
    }),
    assignment: kafkaAssignment({ ...client, versions: Object.fromEntries(processors.map(({ name, version }) => [name, version])), tables: readMigrations().length, sessionTimeoutMs: config.sessionSeconds * 1_000, rebalanceTimeoutMs: config.sessionSeconds * 1_000 }),
  }
}

async function tlsOf({ tls }: KafkaConfig, sources: SecretSources): Promise<ConnectionOptions | null> {
  if (tls === false) return null
  if (tls === true) return {}
  const file = (path: string): Promise<string> => readFile(resolve(sources.baseDir, path), 'utf8')
  return {
    ...(tls.ca === null ? {} : { ca: await file(tls.ca) }),
    ...(tls.cert === null ? {} : { cert: await file(tls.cert) }),
    ...(tls.key === null ? {} : { key: (await resolveSecret(tls.key, sources)).reveal() }),
  }
}

async function saslOf({ sasl }: KafkaConfig, sources: SecretSources): Promise<SASLOptions | null> {
  if (sasl === null) return null
  const { mechanism, username } = sasl
  return { mechanism, username, password: (await resolveSecret(sasl.password, sources)).reveal() }
}
