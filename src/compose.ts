import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { configureApp } from '../connectors/registry.ts'
import { entitle } from '../processors/entitle/entitle.ts'
import { normalise } from '../processors/normalise/normalise.ts'
import { reconcile } from '../processors/reconcile/reconcile.ts'
import { AppSetting } from '../schemas/settings.ts'
import { topicNames, type Topic } from '../schemas/wire/topics.ts'
import { createFileCodec } from './adapters/codec/avro-codec.ts'
import { openEmbeddedLog, type EmbeddedLog } from './adapters/log-embedded/embedded-log.ts'
import { openStore } from './adapters/store-clickhouse/open-store.ts'
import type { LoadedConfig } from './config/load.ts'
import { settingsOf } from './config/settings.ts'
import type { OnEvent } from './connect/events.ts'
import { startScheduler } from './connect/scheduler.ts'
import type { Api } from './http/api.ts'
import { localApi, type ReadSources } from './http/local-api.ts'
import type { ProcessorType } from './ports/processor.ts'
import type { Clock } from './runtime/clock.ts'
import { defaultLimits } from './runtime/limits.ts'
import { Pipeline, type PipelineProgress } from './runtime/pipeline.ts'
import { openPublisher, type Publisher } from './runtime/publisher.ts'
import { publishSettings } from './runtime/settings.ts'
import { runSink } from './sink/run-sink.ts'

/** The one place that names adapters and processors. */
export const processors: readonly ProcessorType[] = [entitle, normalise, reconcile].map((type) => type as unknown as ProcessorType)

export interface DataDirectory extends ReadSources {
  close(): Promise<void>
}

/** Opens what a data directory holds; one process at a time. Throws an error that says who holds it. */
export async function openDataDirectory(config: LoadedConfig): Promise<DataDirectory> {
  await mkdir(config.dataDir, { recursive: true })
  const log = await openLog(join(config.dataDir, 'log'), config.partitions, 'disk')
  try {
    const store = await openStore({ path: join(config.dataDir, 'tables') })
    return {
      log,
      store,
      codec: createFileCodec(log.schemas),
      async close() {
        await store.close()
        await log.close()
      },
    }
  } catch (error) {
    await log.close()
    throw error
  }
}

/** An embedded log with as many partitions of every topic. */
export function openLog(path: string, partitions: number, durability: 'disk' | 'process'): Promise<EmbeddedLog> {
  return openEmbeddedLog({ path, partitions: Object.fromEntries(topicNames.map((topic) => [topic, partitions])) as Record<Topic, number>, durability })
}

export interface RunOptions {
  clock: Clock
  env: Readonly<Record<string, string | undefined>>
  release: string
  onConnectEvent: OnEvent
  /** something that runs on needs a look: a task that failed, a clock that leapt, a sink that tries again */
  onTrouble: (what: string) => void
}

/** Everything of one process, running. */
export interface Grantline {
  readonly api: Api
  progress(): Promise<PipelineProgress[]>
  /** Resolves when every source was read once and every input is at its end, the tables included. */
  drained(): Promise<void>
  /** Rejects when something that can't go on alone has failed. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/** Throws where the data directory can't be opened or a setting is wrong; `open`: how the directory is opened, which `stop` closes. */
export async function startGrantline(config: LoadedConfig, options: RunOptions, open = openDataDirectory): Promise<Grantline> {
  const { clock, release, env, onConnectEvent, onTrouble } = options
  const directory = await open(config)
  const { log, codec, store } = directory
  const sinkStop = new AbortController()
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined) // whoever waits for `failed` hears of it; nobody has to
  const stops: (() => Promise<void>)[] = [() => directory.close()]
  const stop = async (): Promise<void> => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    const pipeline = new Pipeline({
      types: processors, log, codec, clock, release,
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
      onProgress: (event) => {
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
    const apps = await Promise.all(Object.entries(config.apps).map(([name, app]) => configureApp(name, app, config.baseDir, known.get(name)?.state === 'active')))
    const scheduler = await startScheduler({
      log, codec, clock, apps, env,
      feeds: config.feeds,
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
      postIntent: (feed, rows) => scheduler.postIntent(feed, rows),
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
