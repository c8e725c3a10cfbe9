import { join } from 'node:path'
import type { FeedConfig } from '../../schemas/config.ts'
import type { IdRule } from '../../schemas/settings.ts'
import { canonicalId } from '../core/canonical-id.ts'
import { ConnectError } from '../ports/connector.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Clock } from '../runtime/clock.ts'
import { openPublisher } from '../runtime/publisher.ts'
import { AppReader, type AppSource } from './app-reader.ts'
import { AppWork } from './app-work.ts'
import { CommandQueue } from './command-queue.ts'
import type { OnEvent } from './events.ts'
import { FeedWork } from './feed-work.ts'
import { runFeed } from './feeds/feed-run.ts'
import { type PostResult, postIntent } from './feeds/post.ts'
import { createPlatform } from './platform.ts'
import { Source } from './source.ts'
import { WriteExecutor } from './writes/executor.ts'
import { clearSpools } from './spool.ts'
import { Limiter } from './throttle/limiter.ts'
import { Worker } from './worker.ts'

export interface SchedulerOptions {
  log: Log
  codec: Codec
  clock: Clock
  apps: readonly AppSource[]
  feeds: Readonly<Record<string, FeedConfig>>
  /** id rules of all configured applications, paused ones included */
  idRules: Readonly<Record<string, IdRule>>
  dataDir: string
  baseDir: string
  env: Readonly<Record<string, string | undefined>>
  onEvent: OnEvent
  /** so long another owner of an application may still be writing to it, ms; 0 where there can be none, as with one process */
  takeoverMs?: number
  /** in [0, 1) */
  random?: () => number
}

/** After a commit an application is ours to write for this long, ms. */
export const leaseMs = 30_000

export interface Scheduler {
  /** Resolves when every source was read once and all commands so far are done; rejects if one was taken over. */
  idle(): Promise<void>
  /** Rows sent by a governance system; throws ConnectError `not-found` for an unknown feed. */
  postIntent(feed: string, rows: readonly unknown[]): Promise<PostResult>
  /** Resolves when no worker runs any more. */
  stop(): Promise<void>
}

/** Takes over all applications and feeds, and reads them until stopped: one worker for each, so each has one reader at a time. */
export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  clearSpools(join(options.dataDir, 'spool'))
  const controller = new AbortController()
  const feeds = new Map<string, Source>()
  const workers: Worker[] = []
  for (const app of options.apps) workers.push(await appWorker(app, options, controller.signal))
  for (const [name, feed] of Object.entries(options.feeds)) {
    const source = await openSource(`feed/${name}`, name, options)
    feeds.set(name, source)
    workers.push(feedWorker(name, feed, source, options, controller.signal))
  }
  const running = workers.map((worker) => worker.run(controller.signal))
  return {
    idle: async () => {
      await Promise.all(workers.map((worker) => worker.idle()))
    },
    postIntent: async (name, rows) => {
      const source = feeds.get(name)
      const feed = options.feeds[name]
      if (source === undefined || feed === undefined) throw new ConnectError('not-found', `there is no feed named ${name}`, 'feeds')
      return await postIntent(source, feed, canonicalBy(options), rows)
    },
    stop: async () => {
      controller.abort()
      await Promise.all(running)
    },
  }
}

async function openSource(id: string, name: string, { log, codec, clock }: SchedulerOptions): Promise<Source> {
  return new Source(name, await openPublisher({ log, codec, clock, id }), clock)
}

async function appWorker(app: AppSource, options: SchedulerOptions, signal: AbortSignal): Promise<Worker> {
  const { log, codec, clock, dataDir, baseDir, env, onEvent } = options
  const random = options.random ?? Math.random
  const source = await openSource(`app/${app.name}`, app.name, options)
  const limiter = new Limiter({ clock, ...app.limits })
  const platform = createPlatform({
    app: app.name, config: app.config, clock, signal, env, baseDir, limiter,
    onWait: (wait) => onEvent({ event: 'wait', source: app.name, wait }),
    onRequest: (report) => onEvent({ event: 'request', source: app.name, report }),
  })
  const reader = new AppReader({ app, source, platform, partitions: log.partitions.raw, dataDir, signal, onEvent })
  const commands = new CommandQueue(log, codec, source)
  const writes = new WriteExecutor({
    source, open: () => app.open(platform), canonical: (native) => canonicalId(app.ids, native),
    visibilityMs: app.visibilityMs, leaseMs, takeoverMs: options.takeoverMs ?? 0, signal, onEvent,
  })
  return new Worker(new AppWork({ app, reader, commands, writes, clock, random, onEvent }), clock, onEvent)
}

function feedWorker(name: string, feed: FeedConfig, source: Source, options: SchedulerOptions, signal: AbortSignal): Worker {
  const { clock, baseDir, dataDir, log, onEvent } = options
  const { path } = feed
  const run = async (): ReturnType<typeof runFeed> => {
    if (path === null) throw new ConnectError('configuration', `feed ${name} has no file`, name)
    const partitions = log.partitions.intent
    return await runFeed({ source, feed: { ...feed, path }, baseDir, canonical: canonicalBy(options), partitions, dataDir, signal })
  }
  return new Worker(new FeedWork({ name, feed, run, clock, random: options.random ?? Math.random, onEvent }), clock, onEvent)
}

/** Of an application that is not configured nothing is known: its ids stay as they are. */
const canonicalBy =
  ({ idRules }: SchedulerOptions) =>
  (app: string, native: string): string => canonicalId(idRules[app] ?? 'exact', native)
