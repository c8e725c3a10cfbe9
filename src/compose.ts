import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { configureApp } from '../connectors/registry.ts'
import { processors } from '../processors/registry.ts'
import type { AppSetting } from '../schemas/settings.ts'
import type { Topic } from '../schemas/wire/topics.ts'
import type { SharedLog } from './adapters/log-embedded/embedded-log.ts'
import type { RestoreProgress } from './adapters/log-kafka/changelog.ts'
import type { LogLine } from './adapters/log-kafka/client.ts'
import { ConfigError } from './config/config-error.ts'
import type { LoadedConfig } from './config/load.ts'
import { publishConfig } from './config/publish.ts'
import type { AppSource } from './connect/app-reader.ts'
import type { OnEvent } from './connect/events.ts'
import { Health, type WatchedSource } from './connect/health.ts'
import { createReceiver, type Receiver } from './connect/webhooks/receiver.ts'
import { startScheduler } from './connect/scheduler.ts'
import { resolveSecret, type SecretSources } from './connect/secrets.ts'
import { reasonOf } from './core/reason.ts'
import { openDataDirectory, type DataDirectory, type Env } from './data-directory.ts'
import { ApiError } from './http/api-error.ts'
import type { Api } from './http/api.ts'
import { configuredOf } from './http/configured.ts'
import { localApi } from './http/local-api.ts'
import { measuredLog, type OnCommit } from './observe/measured-log.ts'
import type { Share, SharedRole } from './ports/assignment.ts'
import { FencedError } from './ports/log.ts'
import type { Role } from './roles.ts'
import type { Clock } from './runtime/clock.ts'
import { EnvironmentError } from './runtime/errors.ts'
import { untilDrained } from './runtime/drained.ts'
import { defaultLimits } from './runtime/limits.ts'
import { requireOwnStates } from './runtime/made-by.ts'
import type { PipelineProgress } from './runtime/pipeline.ts'
import { openPublisher, type PublisherOptions } from './runtime/publisher.ts'
import { Stops } from './runtime/stops.ts'
import type { SinkEvent } from './sink/partition-sink.ts'
import { sinkTopics } from './sink/rows/tables.ts'
import { runSink } from './sink/run-sink.ts'
import { openPipeline } from './threads/open-pipeline.ts'
import { tasksInThreads, type Threads } from './threads/task-thread.ts'

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

/**
 * What a drain waits for: these sources, the processors, or the tables. No source: one was taken over, and which process has it now is not
 * known yet.
 */
export type DrainPhase = { sources: readonly string[] } | 'processors' | 'tables'

/** Everything of one process, running. */
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
    const inThreads = roles.has('processors') ? options.threads : undefined
    const share = inThreads === undefined ? await take('processors', processors.map(({ input }) => input)) : {}
    // before the tasks: their first tick sends what is approved, which the file may no longer have written
    const settings = { log, codec, clock, id: 'settings' }
    const known = await applySettings(settings, config)
    const working = { limits: { ...defaultLimits, tickMs: config.tickSeconds * 1_000 }, release }
    const tasks = inThreads === undefined
      ? [openPipeline({ ...share, ...working, types: roles.has('processors') ? processors : [], log, codec, clock, onLost: failure.reject }, hears)]
      : tasksInThreads(inThreads, { log: sharedLog(directory, inThreads, config), ...working }, { ...hears, onCommit: onCommit ?? (() => undefined) })
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

/** A process that takes part in a crowd at start is through within seconds; brokers that are away or slow are waited for about a minute. */
const startAttempts = 20
const startPauseMs = 500

/** Processes that start at the same moment take this over from each other, and are refused while another's transaction ends. */
function applySettings(options: PublisherOptions, config: LoadedConfig): Promise<Map<string, AppSetting>> {
  return atStart(async () => publishConfig(await openPublisher(options), config))
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
