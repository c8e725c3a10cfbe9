import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '../../../src/adapters/log-kafka/client.ts'
import { openKafkaLog, type KafkaLog, type KafkaLogOptions } from '../../../src/adapters/log-kafka/kafka-log.ts'
import { contractPartitions } from '../../contract/log.ts'

/** One installation of its own on a cluster: its prefix, its directory; several logs may be opened on it. */
export interface Installation {
  readonly options: KafkaLogOptions
  /** `directory`: another process's copy of the states */
  open(directory?: string, more?: Partial<KafkaLogOptions>): Promise<KafkaLog>
  /** Resolves when they are gone. */
  deleteTopics(): Promise<void>
  dispose(): Promise<void>
}

export async function newInstallation(brokers: readonly string[], more: Partial<KafkaLogOptions> = {}): Promise<Installation> {
  const path = await mkdtemp(join(tmpdir(), 'grantline-kafka-state-'))
  const options: KafkaLogOptions = {
    brokers, tls: null, sasl: null, log: () => undefined,
    prefix: `${randomUUID()}.`, partitions: contractPartitions, processors: { normalise: 3 }, replication: -1,
    deleteRetentionMs: 7 * 86_400_000, transactionTimeoutMs: 20_000, path: join(path, 'own'),
    onRestore: () => undefined, standby: false, onStandby: () => undefined,
    ...more,
  }
  return {
    options,
    open: (directory = 'own', others = {}) => openKafkaLog({ ...options, ...others, path: join(path, directory) }),
    deleteTopics: () => deleteTopics(options),
    async dispose() {
      await rm(path, { recursive: true, force: true })
      await deleteTopics(options)
    },
  }
}

async function deleteTopics(options: KafkaLogOptions): Promise<void> {
  const admin = createClient(options, 'test').admin()
  await admin.connect()
  const own = async (): Promise<string[]> => (await admin.listTopics()).filter((topic) => topic.startsWith(options.prefix))
  await admin.deleteTopics({ topics: await own() })
  while ((await own()).length > 0) await sleep(20)
  await admin.disconnect()
}
