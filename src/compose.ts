import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { configureApp } from '../connectors/registry.ts'
import { entitle } from '../processors/entitle/entitle.ts'
import { normalise } from '../processors/normalise/normalise.ts'
import { reconcile } from '../processors/reconcile/reconcile.ts'
import { remediate } from '../processors/remediate/remediate.ts'
import { AppSetting } from '../schemas/settings.ts'
import { topicNames, type Topic } from '../schemas/wire/topics.ts'
import { createFileCodec } from './adapters/codec/avro-codec.ts'
import { openRegistryCodec } from './adapters/codec-registry/registry-codec.ts'
import { openEmbeddedLog, type EmbeddedLog } from './adapters/log-embedded/embedded-log.ts'
import { openStore } from './adapters/store-clickhouse/open-store.ts'
import type { LoadedConfig } from './config/load.ts'
import { settingsOf } from './config/settings.ts'
import type { OnEvent } from './connect/events.ts'
import { startScheduler } from './connect/scheduler.ts'
import { resolveSecret, type SecretSources } from './connect/secrets.ts'
import { ApiError, type Api } from './http/api.ts'
import { localApi, type ReadSources } from './http/local-api.ts'
import { measuredLog, type OnCommit } from './observe/measured-log.ts'
import type { Codec } from './ports/codec.ts'
import type { Log } from './ports/log.ts'
import type { ProcessorType } from './ports/processor.ts'
import { StoreError, type Store } from './ports/store.ts'
import type { Clock } from './runtime/clock.ts'
import { defaultLimits } from './runtime/limits.ts'
import { Pipeline, type PipelineProgress } from './runtime/pipeline.ts'
import { openPublisher, type Publisher } from './runtime/publisher.ts'
import { publishSettings } from './runtime/settings.ts'
import type { SinkEvent } from './sink/partition-sink.ts'
import { runSink } from './sink/run-sink.ts'

/** The one place that names adapters and processors. */
export const processors: readonly ProcessorType[] = [entitle, normalise, reconcile, remediate].map((type) => type as unknown as ProcessorType)

export interface DataDirectory extends ReadSources {
  close(): Promise<void>
}

const unopened = async (): Promise<never> => {
  throw new StoreError('this process opened no tables: none of its roles (sink, api) needs them')
}
const noTables: Store = { settleMs: 0, query: unopened, command: unopened, insertRows: unopened, close: async () => undefined }

/** What `env:` references are looked up in. */
export type Env = Readonly<Record<string, string | undefined>>

/**
 * Opens what a data directory holds, or the services that the file names in its place; an embedded log or store has one process at a
 * time. Throws an error that says who holds it.
 */
export async function openDataDirectory(config: LoadedConfig, env: Env, { tables = true } = {}): Promise<DataDirectory> {
  await mkdir(config.dataDir, { recursive: true })
  const embedded = await openLog(join(config.dataDir, 'log'), config.partitions, 'disk')
  try {
    const { log, codec } = await withCodec(embedded, config, env)
    const store = tables ? await openTables(config, env) : noTables
    return {
      log,
      store,
      codec,
      async close() {
        await store.close()
        await log.close()
      },
    }
  } catch (error) {
    await embedded.close()
    throw error
  }
}

async function withCodec(log: EmbeddedLog, { registry, baseDir }: LoadedConfig, env: Env): Promise<{ log: Log; codec: Codec }> {
  if (registry === null) return { log, codec: createFileCodec(log.schemas) }
  const { codec, reading } = await openRegistryCodec({ url: registry.url, prefix: '', ...(await login(registry, { env, baseDir })) })
  return { log: reading(log), codec }
}

async function openTables({ clickhouse, dataDir, baseDir }: LoadedConfig, env: Env): Promise<Store> {
  if (clickhouse === null) return openStore({ path: join(dataDir, 'tables') })
  return openStore({ url: clickhouse.url, database: clickhouse.database, ...(await login(clickhouse, { env, baseDir })) })
}

async function login({ username, password }: { username: string | null; password: string | null }, sources: SecretSources): Promise<{ username?: string; password?: string }> {
  return {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password: (await resolveSecret(password, sources)).reveal() }),
  }
}

/** An embedded log with as many partitions of every topic. */
export function openLog(path: string, partitions: number, durability: 'disk' | 'process'): Promise<EmbeddedLog> {
  return openEmbeddedLog({ path, partitions: Object.fromEntries(topicNames.map((topic) => [topic, partitions])) as Record<Topic, number>, durability })
}

/** What one process does of the whole; by default all of it. */
export const roleNames = ['connectors', 'processors', 'sink', 'api'] as const
export type Role = (typeof roleNames)[number]

export interface RunOptions {
  clock: Clock
  env: Env
  release: string
  roles: ReadonlySet<Role>
  onConnectEvent: OnEvent
  onSinkEvent?: (event: SinkEvent) => void
  onCommit?: OnCommit
  /** something that runs on needs a look: a task that failed, a clock that leapt, a sink that tries again */
  onTrouble: (what: string) => void
}

/** Everything of one process, running. */
export interface Grantline {
  readonly api: Api
  progress(): Promise<PipelineProgress[]>
  /** Resolves when what this process does is done for now: every source read once, every input at its end, the tables included. */
  drained(): Promise<void>
  /** Rejects when something that can't go on alone has failed. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/** Throws where the data directory can't be opened or a setting is wrong; `open`: how the directory is opened, which `stop` closes. */
export async function startGrantline(config: LoadedConfig, options: RunOptions, open = openDataDirectory): Promise<Grantline> {
  const { clock, release, roles, env, onConnectEvent, onCommit, onTrouble } = options
  const directory = await open(config, env, { tables: roles.has('sink') || roles.has('api') })
  const { codec, store } = directory
  const log = onCommit === undefined ? directory.log : measuredLog(directory.log, onCommit)
  const sinkStop = new AbortController()
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined) // whoever waits for `failed` hears of it; nobody has to
  const stops: (() => Promise<void>)[] = [() => directory.close()]
  const stop = async (): Promise<void> => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    const pipeline = new Pipeline({
      types: roles.has('processors') ? processors : [],
      log, codec, clock, release,
      limits: { ...defaultLimits, tickMs: config.tickSeconds * 1_000 },
      onClockLeap: (task, leap) => onTrouble(leap === null ? `${task}: the clock is plausible again` : `${task}: the clock leapt, time stands still until it is plausible or grantline is started again`),
      onTaskFailed: (task, error) => {
        const reason = error instanceof Error ? error.message : String(error)
        onTrouble(`${task} failed: ${reason}`)
        failure.reject(new Error(`${task} failed: ${reason}`, { cause: error }))
      },
      onRetry: (retry) => onTrouble(`a task tries again: ${retry.error.message}`),
    })
    stops.push(() => pipeline.stop())
    const sink = runSink({
      log, codec, store, signal: sinkStop.signal,
      ...(roles.has('sink') ? {} : { topics: [] }),
      onProgress: (event) => {
        options.onSinkEvent?.(event)
        if (event.event === 'failed') onTrouble(`sink of ${event.topic}/${event.partition} tries again in ${event.retryMs} ms: ${event.error.message}`)
      },
    })
    sink.done.catch((error: unknown) => failure.reject(error))
    stops.push(async () => {
      sinkStop.abort()
      await sink.done
    })
    const publisher = await openPublisher({ log, codec, clock, id: 'settings' })
    const known = await applySettings(publisher, config)
    const isConnecting = roles.has('connectors')
    const apps = await Promise.all(Object.entries(config.apps).map(([name, app]) => configureApp(name, app, config.baseDir, known.get(name)?.state === 'active')))
    const scheduler = await startScheduler({
      log, codec, clock, env,
      apps: isConnecting ? apps : [],
      feeds: isConnecting ? config.feeds : {},
      idRules: Object.fromEntries([...known].map(([name, setting]) => [name, setting.ids])),
      dataDir: config.dataDir,
      baseDir: config.baseDir,
      onEvent: onConnectEvent,
    })
    stops.push(() => scheduler.stop())
    const drained = async (): Promise<void> => {
      for (let before = -1, now = await commandsEnd(); before !== now; ) {
        before = now
        await scheduler.idle()
        await pipeline.drained()
        now = await commandsEnd()
      }
      await sink.drained()
    }
    const commandsEnd = async (): Promise<number> => {
      const ends = await Promise.all(Array.from({ length: log.partitions.commands }, (_, partition) => log.end('commands', partition)))
      return ends.reduce((sum, end) => sum + end, 0)
    }
    const api = localApi(directory, {
      clock, publisher, apps: Object.keys(config.apps), feeds: Object.keys(config.feeds),
      postIntent: (feed, rows) => {
        if (!isConnecting) throw new ApiError(409, 'this process does not run connectors: post intent to one that does')
        return scheduler.postIntent(feed, rows)
      },
    })
    return { api, drained, stop, failed: failure.promise, progress: () => pipeline.progress() }
  } catch (error) {
    await stop()
    throw error
  }
}

const knownKey = 'known-apps'

/** Publishes what the file says, where it differs; what it said last of every application is kept, for the day one leaves the file. */
async function applySettings(publisher: Publisher, config: LoadedConfig): Promise<Map<string, AppSetting>> {
  const kept = publisher.get<Record<string, unknown>>(knownKey) ?? {}
  const known = new Map(Object.entries(kept).map(([name, value]) => [name, AppSetting.parse(value)]))
  const counts = { raw: config.partitions, intent: config.partitions, facts: config.partitions }
  const settings = settingsOf(config, counts, known)
  for (const { name, value } of settings) if (name.startsWith('app/')) known.set(name.slice('app/'.length), AppSetting.parse(value))
  await publisher.publish([], new Map([[knownKey, Object.fromEntries(known)]]))
  await publishSettings(publisher, settings)
  return known
}
