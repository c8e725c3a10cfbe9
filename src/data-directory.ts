import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { processors } from '../processors/registry.ts'
import { topicNames, type Topic } from '../schemas/wire/topics.ts'
import './adapters/native-sha256.ts'
import { createFileCodec } from './adapters/codec/avro-codec.ts'
import { fileNumbers } from './adapters/codec/file-numbers.ts'
import type { SchemaStore } from './adapters/codec/schema-store.ts'
import type { RegistryCodec } from './adapters/codec-registry/registry-codec.ts'
import { openEmbeddedLog, type EmbeddedLog, type SharedLog } from './adapters/log-embedded/embedded-log.ts'
import type { RestoreProgress } from './adapters/log-kafka/changelog.ts'
import type { LogLine } from './adapters/log-kafka/client.ts'
import { openStore } from './adapters/store-clickhouse/open-store.ts'
import type { LoadedConfig } from './config/load.ts'
import { resolveSecret, type SecretSources } from './connect/secrets.ts'
import type { ReadSources } from './http/local-api.ts'
import type { Assignment } from './ports/assignment.ts'
import type { Codec } from './ports/codec.ts'
import type { Log } from './ports/log.ts'
import type { PortableLog, SchemaNumbers } from './ports/portable-log.ts'
import { StoreError, type Store } from './ports/store.ts'
import { ownEverything } from './runtime/own-everything.ts'

export interface DataDirectory extends ReadSources {
  assignment: Assignment
  /** the log, for threads of this process to join; null where it can't be joined */
  share: (() => SharedLog) | null
  close(): Promise<void>
}

const unopened = async (): Promise<never> => {
  throw new StoreError('this process opened no tables: none of its roles (sink, api) needs them')
}
const noTables: Store = { settleMs: 0, query: unopened, command: unopened, insertRows: unopened, close: async () => undefined }

/** What `env:` references are looked up in. */
export type Env = Readonly<Record<string, string | undefined>>

interface OpenOptions {
  /** default: they are opened */
  tables?: boolean
  /** whoever reads the log reads again what failed; default: a read waits where it is worth waiting */
  readsAgain?: boolean
  /** lines of the client of the brokers */
  log?: LogLine
  /** how far the copying of states is */
  onRestore?: (progress: RestoreProgress) => void
  /** default: no copies are kept of states that others own */
  onStandby?: (progress: RestoreProgress) => void
}

/**
 * Opens what a data directory holds, or the services that the file names in its place; an embedded log or store has one process at a
 * time. Throws an error that says who holds it.
 */
export async function openDataDirectory(config: LoadedConfig, env: Env, options: OpenOptions = {}): Promise<DataDirectory> {
  await mkdir(config.dataDir, { recursive: true })
  const opened = await openAnyLog(config, env, options)
  try {
    const { filling } = opened.log
    if (filling !== null) throw new Error(`the log is being filled with the export ${filling}, and that was cut off. Run \`grantline log import\` with it again`)
    const { log, codec } = await withCodec(opened, config, env, options.readsAgain === true)
    const store = options.tables === false ? noTables : await openTables(config, env)
    return {
      log,
      store,
      codec,
      assignment: opened.assignment,
      share: config.registry === null ? opened.share : null,
      async close() {
        await store.close()
        await log.close()
      },
    }
  } catch (error) {
    await opened.log.close()
    throw error
  }
}

/** The log alone, to be carried elsewhere or filled, and how its messages name their schemas. Throws an error that says who holds it. */
export async function openPortableLog(config: LoadedConfig, env: Env, options: OpenOptions = {}): Promise<{ log: PortableLog; numbers: SchemaNumbers }> {
  await mkdir(config.dataDir, { recursive: true })
  const { log, schemas } = await openAnyLog(config, env, options)
  try {
    const registry = await openRegistry(config, env, schemas)
    return { log, numbers: registry?.numbers ?? fileNumbers(schemas) }
  } catch (error) {
    await log.close()
    throw error
  }
}

interface OpenedLog {
  log: PortableLog
  schemas: SchemaStore
  assignment: Assignment
  share: DataDirectory['share']
}

/** The embedded log's own directory. */
export const logDirectory = (dataDir: string): string => join(dataDir, 'log')

async function openAnyLog(config: LoadedConfig, env: Env, { log: onLine = () => undefined, onRestore = () => undefined, onStandby }: OpenOptions): Promise<OpenedLog> {
  const { dataDir, baseDir, kafka } = config
  const partitions = evenly(config.partitions)
  if (kafka === null) {
    const log = await openLog(logDirectory(dataDir), config.partitions, 'disk')
    return { log, schemas: log.schemas, assignment: ownEverything(partitions), share: () => log.share() }
  }
  // only who uses Kafka loads its client
  const { openKafka } = await import('./open-kafka.ts')
  const { log, assignment } = await openKafka(kafka, { env, baseDir, partitions, processors, path: join(dataDir, 'states'), log: onLine, onRestore, standby: onStandby !== undefined, onStandby: onStandby ?? (() => undefined) })
  return { log, schemas: log.schemas, assignment, share: null }
}

async function withCodec({ log, schemas }: OpenedLog, config: LoadedConfig, env: Env, readsAgain: boolean): Promise<{ log: Log; codec: Codec }> {
  const registry = await openRegistry(config, env, schemas)
  if (registry === null) return { log, codec: createFileCodec(schemas) }
  return { log: readsAgain ? registry.reading(log) : registry.readingOnce(log), codec: registry.codec }
}

async function openRegistry({ registry, kafka, baseDir }: LoadedConfig, env: Env, kept: SchemaStore): Promise<RegistryCodec | null> {
  if (registry === null) return null
  // only who uses a registry loads its client
  const { openRegistryCodec } = await import('./adapters/codec-registry/registry-codec.ts')
  return openRegistryCodec({ kept, url: registry.url, prefix: kafka?.prefix ?? '', ...(await login(registry, { env, baseDir })) })
}

const evenly = (partitions: number): Record<Topic, number> => Object.fromEntries(topicNames.map((topic) => [topic, partitions])) as Record<Topic, number>

async function openTables({ clickhouse, dataDir, baseDir }: LoadedConfig, env: Env): Promise<Store> {
  if (clickhouse === null) return openStore({ path: join(dataDir, 'tables') })
  return openStore({ url: clickhouse.url, database: clickhouse.database, insertLimitMs: clickhouse.insertSeconds * 1_000, ...(await login(clickhouse, { env, baseDir })) })
}

async function login({ username, password }: { username: string | null; password: string | null }, sources: SecretSources): Promise<{ username?: string; password?: string }> {
  return {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password: (await resolveSecret(password, sources)).reveal() }),
  }
}

/** An embedded log with as many partitions of every topic. */
export function openLog(path: string, partitions: number, durability: 'disk' | 'process'): Promise<EmbeddedLog> {
  return openEmbeddedLog({ path, partitions: evenly(partitions), durability })
}
