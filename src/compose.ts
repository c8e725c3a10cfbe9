import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { configureApp } from '../connectors/registry.ts'
import { processors } from '../processors/registry.ts'
import { AppSetting } from '../schemas/settings.ts'
import { topicNames, type Topic } from '../schemas/wire/topics.ts'
import './adapters/native-sha256.ts'
import { createFileCodec } from './adapters/codec/avro-codec.ts'
import { fileNumbers } from './adapters/codec/file-numbers.ts'
import type { SchemaStore } from './adapters/codec/schema-store.ts'
import { openRegistryCodec, type RegistryCodec } from './adapters/codec-registry/registry-codec.ts'
import { openEmbeddedLog, type EmbeddedLog, type SharedLog } from './adapters/log-embedded/embedded-log.ts'
import type { RestoreProgress } from './adapters/log-kafka/changelog.ts'
import type { LogLine } from './adapters/log-kafka/client.ts'
import { openStore } from './adapters/store-clickhouse/open-store.ts'
import { ConfigError } from './config/config-error.ts'
import type { LoadedConfig } from './config/load.ts'
import { settingsOf } from './config/settings.ts'
import type { AppSource } from './connect/app-reader.ts'
import type { OnEvent } from './connect/events.ts'
import { Health, type WatchedSource } from './connect/health.ts'
import { createReceiver, type Receiver } from './connect/webhooks/receiver.ts'
import { startScheduler } from './connect/scheduler.ts'
import { resolveSecret, type SecretSources } from './connect/secrets.ts'
import { reasonOf } from './core/reason.ts'
import { ApiError } from './http/api-error.ts'
import type { Api } from './http/api.ts'
import { configuredOf } from './http/configured.ts'
import { localApi, type ReadSources } from './http/local-api.ts'
import { measuredLog, type OnCommit } from './observe/measured-log.ts'
import type { Assignment, Share, SharedRole } from './ports/assignment.ts'
import type { Codec } from './ports/codec.ts'
import { FencedError, type Log } from './ports/log.ts'
import type { PortableLog, SchemaNumbers } from './ports/portable-log.ts'
import { StoreError, type Store } from './ports/store.ts'
import type { Role } from './roles.ts'
import type { Clock } from './runtime/clock.ts'
import { EnvironmentError } from './runtime/errors.ts'
import { untilDrained } from './runtime/drained.ts'
import { defaultLimits } from './runtime/limits.ts'
import { requireOwnStates } from './runtime/made-by.ts'
import { ownEverything } from './runtime/own-everything.ts'
import type { PipelineProgress } from './runtime/pipeline.ts'
import { openPublisher, type Publisher, type PublisherOptions } from './runtime/publisher.ts'
import { publishSettings } from './runtime/settings.ts'
import { Stops } from './runtime/stops.ts'
import type { SinkEvent } from './sink/partition-sink.ts'
import { sinkTopics } from './sink/rows/tables.ts'
import { runSink } from './sink/run-sink.ts'
import { openPipeline } from './threads/open-pipeline.ts'
import { tasksInThreads, type Threads } from './threads/task-thread.ts'

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
type Env = Readonly<Record<string, string | undefined>>

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

interface RunOptions {
  clock: Clock
  env: Env
  release: string
  roles: ReadonlySet<Role>
  /** default: this thread runs the tasks */
  threads?: Threads
  onConnectEvent: OnEvent
  onSinkEvent?: (event: SinkEvent) => void
  onCommit?: OnCommit
  /** something that runs on needs a look: a task that failed, a clock that leapt, a sink that tries again */
  onTrouble: (what: string) => void
  log?: LogLine
  onRestore?: (progress: RestoreProgress) => void
  onStandby?: (progress: RestoreProgress) => void
}

/** What takes longer than this to stop is named, ms. */
const tellStopMs = 10_000

/** Everything of one process, running. */
/** What a drain waits for: these sources (none: whose one is now, that was taken over), the processors, or the tables. */
export type DrainPhase = { sources: readonly string[] } | 'processors' | 'tables'

export interface Grantline {
  readonly api: Api
  progress(): Promise<PipelineProgress[]>
  /** Resolves when what this process does is done for now: every source read once, every input at its end, the tables included. */
  drained(onPhase?: (phase: DrainPhase) => void): Promise<void>
  /** Rejects when something that can't go on alone has failed. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/** Throws where the data directory can't be opened or a setting is wrong; `open`: how the directory is opened, which `stop` closes. */
export async function startGrantline(config: LoadedConfig, options: RunOptions, open = openDataDirectory): Promise<Grantline> {
  const { clock, release, roles, env, onConnectEvent, onCommit, onTrouble } = options
  const directory = await open(config, env, {
    tables: roles.has('sink') || roles.has('api'),
    readsAgain: true,
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.onRestore === undefined ? {} : { onRestore: options.onRestore }),
    ...(roles.has('processors') ? { onStandby: options.onStandby ?? (() => undefined) } : {}),
  })
  const { codec, store, assignment } = directory
  const log = onCommit === undefined ? directory.log : measuredLog(directory.log, onCommit)
  const sinkStop = new AbortController()
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined) // whoever waits for `failed` hears of it; nobody has to
  const stops = new Stops((what) => onTrouble(`stopping waits for ${what}`), tellStopMs)
  stops.push('the log and the tables', () => directory.close())
  /** Of a role that this process does not have, nothing. */
  const take = async (role: SharedRole, topics: readonly Topic[]): Promise<{ share?: Share }> => {
    if (!roles.has(role)) return {}
    const share = await assignment.share(role, topics)
    stops.push(`the group of the ${role}`, () => share.leave())
    return { share }
  }
  try {
    // connectors and settings write before a task opens its state; on Kafka processes of another release wait, or end
    if (config.kafka === null) await requireOwnStates(log, processors, release)
    const hears = {
      onTrouble,
      onFailed: (task: string, error: unknown) => {
        const reason = reasonOf(error)
        onTrouble(`${task} failed: ${reason}`)
        failure.reject(new Error(`${task} failed: ${reason}`, { cause: error }))
      },
    }
    const working = { limits: { ...defaultLimits, tickMs: config.tickSeconds * 1_000 }, release }
    const tasks = options.threads === undefined || !roles.has('processors')
      ? [openPipeline({ ...(await take('processors', processors.map(({ input }) => input))), ...working, types: roles.has('processors') ? processors : [], log, codec, clock, onLost: failure.reject }, hears)]
      : tasksInThreads(options.threads, { log: sharedLog(directory, options.threads, config), ...working }, { ...hears, onCommit: onCommit ?? (() => undefined) })
    stops.push('the processors', async () => {
      await Promise.all(tasks.map((part) => part.stop()))
    })
    const sink = runSink({
      log, codec, store, signal: sinkStop.signal,
      ...(roles.has('sink') ? await take('sink', sinkTopics) : { topics: [] }),
      onProgress: (event) => {
        options.onSinkEvent?.(event)
        if (event.event === 'failed') onTrouble(`sink of ${event.topic}/${event.partition} tries again in ${event.retryMs} ms: ${event.error.message}`)
      },
    })
    sink.done.catch((error: unknown) => failure.reject(error))
    stops.push('the sink', async () => {
      sinkStop.abort()
      await sink.done.catch(() => undefined) // `failed` told it
    })
    const settings = { log, codec, clock, id: 'settings' }
    const known = await applySettings(settings, config)
    const isConnecting = roles.has('connectors')
    const apps = await Promise.all(Object.entries(config.apps).map(([name, app]) => configureApp(name, app, config.baseDir, known.get(name)?.state === 'active')))
    const health = new Health(clock, watched(apps, isConnecting ? Object.keys(config.feeds) : []))
    const scheduler = await startScheduler({
      log, codec, clock, env,
      apps: isConnecting ? apps : [],
      feeds: isConnecting ? config.feeds : {},
      idRules: Object.fromEntries([...known].map(([name, setting]) => [name, setting.ids])),
      dataDir: config.dataDir,
      baseDir: config.baseDir,
      ...(await take('connectors', ['commands'])),
      onFailed: failure.reject,
      onEvent: (event) => {
        health.onEvent(event)
        onConnectEvent(event)
      },
    })
    stops.push('the applications and feeds', () => scheduler.stop())
    // each process has its own way in for what people ask of it
    const publisher = await atStart(() => openPublisher({ ...settings, id: config.kafka === null ? 'api' : `api/${randomUUID()}` }))
    const drained: Grantline['drained'] = async (onPhase = () => undefined) => {
      for (let before = -1, now = await commandsEnd(); before !== now; ) {
        before = now
        await scheduler.idle((sources) => onPhase({ sources }))
        onPhase('processors')
        await untilDrained(tasks)
        now = await commandsEnd()
      }
      onPhase('tables')
      await sink.drained()
    }
    const commandsEnd = async (): Promise<number> => {
      const ends = await Promise.all(Array.from({ length: log.partitions.commands }, (_, partition) => log.end('commands', partition)))
      return ends.reduce((sum, end) => sum + end, 0)
    }
    const api = localApi(directory, {
      clock, publisher, apps: Object.keys(config.apps), feeds: Object.keys(config.feeds), health: () => health.list((source) => scheduler.paceOf(source)),
      receivers: await receiversOf(apps, { env, baseDir: config.baseDir }),
      postIntent: (feed, rows) => {
        if (!isConnecting) throw new ApiError(409, 'this process does not run connectors: post intent to one that does')
        return scheduler.postIntent(feed, rows)
      },
    }, configuredOf(config))
    return { api, drained, stop: () => stops.run(), failed: failure.promise, progress: async () => (await Promise.all(tasks.map((part) => part.progress()))).flat() }
  } catch (error) {
    await stops.run().catch(() => undefined) // it was the second error: the first one is told
    throw error
  }
}

function sharedLog({ share }: DataDirectory, { count }: Threads, { partitions }: LoadedConfig): SharedLog {
  if (count > partitions) throw new ConfigError(`--threads ${count}: each thread has partitions of its own, and there are ${partitions}. Ask for at most as many threads`)
  if (share === null) throw new ConfigError('tasks run in threads on the embedded log without a registry. On Kafka start more processes, or leave --threads out')
  return share()
}

const watched = (apps: readonly AppSource[], feeds: readonly string[]): WatchedSource[] => [
  ...apps.map(({ name, active }): WatchedSource => ({ source: name, kind: 'app', active })),
  ...feeds.map((source): WatchedSource => ({ source, kind: 'feed', active: true })),
]

/** Of the applications that send webhooks; a paused one's are taken too, and refused by its owner. */
async function receiversOf(apps: readonly AppSource[], sources: SecretSources): Promise<Map<string, Receiver>> {
  const receivers = new Map<string, Receiver>()
  for (const { name, webhook } of apps) {
    if (webhook === undefined) continue
    const secrets = await Promise.all(webhook.verify.secrets.map(async (reference) => (await resolveSecret(reference, sources)).reveal()))
    receivers.set(name, createReceiver(name, webhook, secrets))
  }
  return receivers
}

const knownKey = 'known-apps'

/** A process that takes part in a crowd at start is through within seconds; brokers that are away or slow are waited for about a minute. */
const startAttempts = 20
const startPauseMs = 500

/**
 * Publishes what the file says, where it differs; what it said last of every application is kept, for the day one leaves the file.
 * Processes that start at the same moment take this over from each other, and are refused while another's transaction ends.
 */
function applySettings(options: PublisherOptions, config: LoadedConfig): Promise<Map<string, AppSetting>> {
  return atStart(async () => publishFile(await openPublisher(options), config))
}

/** Tries again after longer and longer pauses, so that each of a crowd has its turn however slow the brokers are. */
async function atStart<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof FencedError || error instanceof EnvironmentError) || attempt === startAttempts) throw error
    }
    await sleep(startPauseMs * attempt * Math.random())
  }
}

async function publishFile(publisher: Publisher, config: LoadedConfig): Promise<Map<string, AppSetting>> {
  const kept = publisher.get<Record<string, unknown>>(knownKey) ?? {}
  const known = new Map(Object.entries(kept).map(([name, value]) => [name, AppSetting.parse(value)]))
  const counts = { raw: config.partitions, intent: config.partitions, facts: config.partitions }
  const settings = settingsOf(config, counts, known)
  for (const { name, value } of settings) if (name.startsWith('app/')) known.set(name.slice('app/'.length), AppSetting.parse(value))
  await publisher.publish([], new Map([[knownKey, Object.fromEntries(known)]]))
  await publishSettings(publisher, settings)
  return known
}
