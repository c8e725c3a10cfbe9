import { join } from 'node:path'
import type { FeedConfig } from '../../schemas/config.ts'
import type { IdRule } from '../../schemas/settings.ts'
import { canonicalId } from '../core/canonical-id.ts'
import { partitionOf } from '../core/partition.ts'
import type { Owned, Share } from '../ports/assignment.ts'
import { ConnectError } from '../ports/connector.ts'
import type { Codec } from '../ports/codec.ts'
import { FencedError, type Log } from '../ports/log.ts'
import type { Clock } from '../runtime/clock.ts'
import { Holdings, type Planned } from '../runtime/holdings.ts'
import { shareOfAll } from '../runtime/own-everything.ts'
import { openPublisher, type Publisher } from '../runtime/publisher.ts'
import { AppReader, type AppSource } from './app-reader.ts'
import { AppWork } from './app-work.ts'
import { CommandQueue } from './command-queue.ts'
import type { OnEvent } from './events.ts'
import { FeedWork } from './feed-work.ts'
import { runFeed } from './feeds/feed-run.ts'
import { type PostResult, postIntent } from './feeds/post.ts'
import { createPlatform, withPriority } from './platform.ts'
import { Source } from './source.ts'
import { SourceHolding } from './source-holding.ts'
import { classesOfMap } from './declared/mapping.ts'
import { WebhookIntake } from './webhooks/intake.ts'
import { WriteExecutor } from './writes/executor.ts'
import { clearSpools } from './spool.ts'
import { Limiter, type LimiterState } from './throttle/limiter.ts'
import { Worker } from './worker.ts'

interface SchedulerOptions {
  log: Log
  codec: Codec
  clock: Clock
  apps: readonly AppSource[]
  feeds: Readonly<Record<string, FeedConfig>>
  /** id rules of all applications that the config file has or had, paused ones included */
  idRules: Readonly<Record<string, IdRule>>
  dataDir: string
  baseDir: string
  env: Readonly<Record<string, string | undefined>>
  onEvent: OnEvent
  /** the partitions of `commands` that are this process's: it runs the sources that hash to them; default: all */
  share?: Share
  /** a source was taken over by a process that has no right to it, or no source will be given to this one any more */
  onFailed?: (error: unknown) => void
  /** in [0, 1) */
  random?: () => number
}

/** After a commit an application is ours to write for this long, ms. */
const leaseMs = 30_000

export interface Scheduler {
  /**
   * Resolves when every source was read once and all commands so far are done; rejects if one was taken over. `onBusy`: which sources
   * are not through, whenever that changes; none while a source was taken over and nobody has said by whom.
   */
  idle(onBusy?: (sources: readonly string[]) => void): Promise<void>
  /** Rows sent by a governance system; throws ConnectError `not-found` for an unknown feed. */
  postIntent(feed: string, rows: readonly unknown[]): Promise<PostResult>
  /** The limiter of an application that is read here. */
  paceOf(source: string): LimiterState | undefined
  /** Resolves when no worker runs any more. */
  stop(): Promise<void>
}

/**
 * Takes over the applications and feeds that are this process's, and reads them until stopped: one worker for each, so each has one
 * reader at a time.
 */
export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  clearSpools(join(options.dataDir, 'spool'))
  const { log, clock, onEvent, onFailed = () => undefined } = options
  const holding = (name: string, id: string, worker: (source: Source, signal: AbortSignal) => Worker): Planned<SourceHolding> => ({
    name: id,
    create: () => new SourceHolding(name, sourcesOf(id, name, options), worker, clock, onEvent),
  })
  const limiters = new Map(options.apps.map((app) => [app.name, new Limiter({ clock, ...app.limits })]))
  const all = [
    ...options.apps.map((app) => ({ name: app.name, planned: holding(app.name, `app/${app.name}`, (source, signal) => appWorker(app, limiters.get(app.name)!, source, options, signal)) })),
    ...Object.entries(options.feeds).map(([name, feed]) => ({ name, planned: holding(name, `feed/${name}`, (source, signal) => feedWorker(name, feed, source, options, signal)) })),
  ]
  const sources = new Holdings<SourceHolding>({
    share: options.share ?? shareOfAll(log.partitions, ['commands']),
    plan: ({ partitions }: Owned) => {
      const mine = new Set(partitions.get('commands'))
      return all.filter(({ name }) => mine.has(partitionOf(name, log.partitions.commands))).map(({ planned }) => planned)
    },
    isFence: (error) => error instanceof FencedError,
    onFailed: (_source, error) => onFailed(error),
    onLost: onFailed,
  })
  return {
    idle: async (onBusy = () => undefined) => {
      do {
        if (!sources.isExplained) onBusy([])
        await sources.explained()
        const busy = new Set(sources.current)
        const tell = (): void => onBusy([...busy].map(({ name }) => name))
        tell()
        await Promise.all([...busy].map(async (source) => {
          await source.idle()
          busy.delete(source)
          tell()
        }))
      } while (!sources.isExplained)
    },
    postIntent: async (name, rows) => {
      const feed = options.feeds[name]
      if (feed === undefined) throw new ConnectError('not-found', `there is no feed named ${name}`, 'feeds')
      const source = sources.find(`feed/${name}`)
      if (source === undefined) throw new ConnectError('transient', `feed ${name} is written by another process now: post it there, or try again`, 'feeds')
      return await postIntent(await source.opened(), { shape: feed, canonical: canonicalBy(options), apps: namesOf(options) }, rows)
    },
    paceOf: (source) => limiters.get(source)?.state,
    stop: () => sources.stop(),
  }
}

/** The place is taken over once: where it is not known what was published last, its publisher finds out without taking it from who has it since. */
function sourcesOf(id: string, name: string, { log, codec, clock }: SchedulerOptions): () => Promise<Source> {
  let publisher: Publisher | null = null
  return async () => {
    if (publisher === null) publisher = await openPublisher({ log, codec, clock, id })
    else await publisher.settled()
    return new Source(name, publisher, clock)
  }
}

function appWorker(app: AppSource, limiter: Limiter, source: Source, options: SchedulerOptions, signal: AbortSignal): Worker {
  const { log, codec, clock, dataDir, baseDir, env, onEvent } = options
  const random = options.random ?? Math.random
  const platform = createPlatform({
    app: app.name, config: app.config, clock, signal, env, baseDir, limiter,
    onWait: (wait) => onEvent({ event: 'wait', source: app.name, wait }),
    onRequest: (report) => onEvent({ event: 'request', source: app.name, report }),
  })
  const reader = new AppReader({ app, source, platform, partitions: log.partitions.raw, dataDir, signal, onEvent })
  const commands = new CommandQueue(log, codec, source)
  const writes = new WriteExecutor({
    source, open: () => app.open(withPriority(platform, 'urgent')), canonical: (native) => canonicalId(app.ids, native),
    visibilityMs: app.visibilityMs, leaseMs, takeoverMs: options.share?.graceMs ?? 0, signal, onEvent,
  })
  const webhooks = app.webhook === undefined ? null : new WebhookIntake({
    source, onEvent, canonical: (native) => canonicalId(app.ids, native),
    classes: classesOfMap(app.webhook.map ?? []),
    expectEveryMs: app.webhook.expectEverySeconds === null ? null : app.webhook.expectEverySeconds * 1_000,
  })
  return new Worker(new AppWork({ app, reader, commands, writes, webhooks, clock, random, onEvent }), clock, onEvent)
}

function feedWorker(name: string, feed: FeedConfig, source: Source, options: SchedulerOptions, signal: AbortSignal): Worker {
  const { clock, baseDir, dataDir, log, onEvent } = options
  const { path } = feed
  const run = async (): ReturnType<typeof runFeed> => {
    if (path === null) throw new ConnectError('configuration', `feed ${name} has no file`, name)
    const partitions = log.partitions.intent
    return await runFeed({ source, feed: { ...feed, path }, baseDir, canonical: canonicalBy(options), apps: namesOf(options), partitions, dataDir, signal })
  }
  return new Worker(new FeedWork({ name, feed, run, clock, random: options.random ?? Math.random, onEvent }), clock, onEvent)
}

/** What is said of an application that left the file holds on: it is no unknown one. */
const namesOf = ({ idRules }: SchedulerOptions): Set<string> => new Set(Object.keys(idRules))

/** Of an application that is not configured nothing is known: its ids stay as they are. */
const canonicalBy =
  ({ idRules }: SchedulerOptions) =>
  (app: string, native: string): string => canonicalId(Object.hasOwn(idRules, app) ? idRules[app]! : 'exact', native)
