import { randomBytes } from 'node:crypto'
import { startGrantline, type DrainPhase, type Grantline } from '../compose.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig, type LoadedConfig } from '../config/load.ts'
import { resolveSecret } from '../connect/secrets.ts'
import { Callers } from '../http/callers.ts'
import { createApp, serve, type HttpServer, type Serving } from '../http/server.ts'
import { Liveness } from '../observe/liveness.ts'
import { createLogger } from '../observe/logger.ts'
import { Metrics } from '../observe/metrics.ts'
import { SinkTroubles } from '../observe/sink-troubles.ts'
import { seldom } from '../observe/seldom.ts'
import { roleNames, type Role } from '../roles.ts'
import { systemClock } from '../runtime/clock.ts'
import { threadEntry } from '../threads/task-thread.ts'
import { configSize } from './config-size.ts'
import { describeEvent } from './event-text.ts'
import { announce, withdraw } from './held-by.ts'
import { releaseOf } from './release.ts'
import { openFindings, showTables, watchedFindings } from './run-tables.ts'
import { say } from './terminal.ts'

/** How often the open findings are looked at for what came and went. */
const watchMs = 5_000
/** A task that neither commits nor retries for this long hangs, ms, or for this many ticks where they are rarer. */
const stalledMs = 60_000
const stalledTicks = 20

interface RunChoices {
  once: boolean
  logLevel: string
  /** what this process does of the whole */
  roles: ReadonlySet<Role>
  /** run the tasks; 1: the main one does, beside all else */
  threads: number
}

/** Throws where a name is none: the message lists those there are. */
export function rolesOf(text: string): Set<Role> {
  return new Set(
    text.split(',').map((name) => {
      const role = roleNames.find((known) => known === name.trim())
      if (role === undefined) throw new ConfigError(`--roles: there is no role ${JSON.stringify(name.trim())}; there are ${roleNames.join(', ')}`)
      return role
    }),
  )
}

/** The main job. Ends on Ctrl-C or SIGTERM, with `once` after one full pass; throws where it can't go on. */
export async function run(configFile: string, { once, logLevel, roles, threads }: RunChoices): Promise<void> {
  const config = await loadConfig(configFile)
  const logger = createLogger(logLevel)
  const metrics = new Metrics(releaseOf())
  const liveness = new Liveness(Math.max(stalledMs, stalledTicks * config.tickSeconds * 1_000))
  const sinkTroubles = new SinkTroubles()
  const stopped = new AbortController()
  const onSignal = (): void => stopped.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const told = new Map<string, string>()
  say(`grantline: ${configSize(config)}, data in ${config.dataDir}`)
  const grantline = await startGrantline(config, {
    clock: systemClock,
    env: process.env,
    release: releaseOf(),
    roles,
    ...(threads === 1 ? {} : { threads: { count: threads, entry: threadEntry } }),
    onSinkEvent: (event) => {
      metrics.onSink(event)
      sinkTroubles.hear(event, performance.now())
    },
    onCommit: (commit) => metrics.onCommit(commit),
    onConnectEvent: (event) => {
      metrics.onConnect(event)
      logger[event.event === 'request' ? 'debug' : 'info'](event, 'connect')
      const line = describeEvent(event, told)
      if (line !== null) say(line)
    },
    onTrouble: (what) => {
      logger.warn(what)
      say(`! ${what}`)
    },
    log: (level, message, fields) => logger[level](fields, message),
    onRestore: (progress) => {
      metrics.onRestore(progress)
      liveness.moved(progress.task, performance.now())
      logger.info(progress, 'restoring a state')
    },
    onStandby: (progress) => {
      metrics.onStandby(progress)
      logger.debug(progress, 'following a state')
    },
  })
  try {
    metrics.watch({ progress: () => grantline.progress(), summary: roles.has('api') ? () => grantline.api.summary() : null })
    const http = await serveHttp(config, grantline, roles, {
      metrics, liveness, sinkTroubles,
      onFailed: (request, error) => {
        logger.error({ err: error, request }, 'a request could not be answered')
        say(`! ${request}: ${error.message}`)
      },
    })
    try {
      say(roles.has('api') ? `HTTP API at ${http.url}; the other commands find it by themselves` : `health and metrics at ${http.url}; roles: ${[...roles].join(', ')}`)
      await Promise.race([work(grantline, once, roles, config, stopped.signal), grantline.failed])
    } finally {
      if (roles.has('api')) await withdraw(config.dataDir)
      await http.close()
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await grantline.stop()
  }
}

async function work(grantline: Grantline, once: boolean, roles: ReadonlySet<Role>, config: LoadedConfig, stop: AbortSignal): Promise<void> {
  const stopped = new Promise<'stopped'>((resolve) => stop.addEventListener('abort', () => resolve('stopped'), { once: true }))
  let phase: DrainPhase = 'processors'
  const watch = setInterval(() => void showProgress(grantline, phase), 2_000)
  const drained = grantline.drained((next) => (phase = next)).then(() => 'drained' as const)
  const first = await Promise.race([drained, stopped]).finally(() => clearInterval(watch))
  if (first === 'stopped') return
  if (!roles.has('api')) {
    if (!once) await stopped
    return
  }
  await showTables(grantline.api, Object.keys(config.apps), Object.keys(config.feeds))
  if (once) return
  say('running on: syncs on schedule, follows changes; Ctrl-C ends it')
  const look = seldom(() => openFindings(grantline.api))
  let shown = await look()
  if (shown === null) {
    say(`more than ${watchedFindings} findings are open: how they change is not shown here`)
    await stopped
    return
  }
  for (;;) {
    const next = await Promise.race([pause(watchMs), stopped])
    if (next === 'stopped') return
    const now = await look()
    if (now === null) continue
    for (const [id, line] of now) if (!shown.has(id)) say(`+ ${line}`)
    for (const [id, line] of shown) if (!now.has(id)) say(`- ${line}`)
    shown = now
  }
}

async function showProgress(grantline: Grantline, phase: DrainPhase): Promise<void> {
  const tasks = await grantline.progress()
  const waiting = tasks.reduce((sum, { offset, end }) => sum + Math.max(0, end - offset), 0)
  const records = tasks.reduce((sum, task) => sum + task.records, 0)
  const lagging = new Set(tasks.flatMap((task) => (task.lagging ? [task.processor] : [])))
  say(`  ${records} records processed, ${waiting} messages waiting${lagging.size === 0 ? '' : `, ${[...lagging].join(' and ')} still deriving what concerns many`}${awaited(phase)}`)
}

/** What the first pass waits for, where the numbers before do not tell. */
function awaited(phase: DrainPhase): string {
  if (phase === 'processors') return ''
  if (phase === 'tables') return '; the tables take in the last of it'
  return phase.sources.length === 0 ? '; waiting for word of which process a source went to' : `; not through: ${phase.sources.join(', ')}`
}

interface Watchers {
  metrics: Metrics
  liveness: Liveness
  sinkTroubles: SinkTroubles
  onFailed: Serving['onFailed']
}

async function serveHttp(config: LoadedConfig, grantline: Grantline, roles: ReadonlySet<Role>, { metrics, liveness, sinkTroubles, onFailed }: Watchers): Promise<HttpServer> {
  const { host, port, token: reference, tokens } = config.http
  const secretOf = async (named: string): Promise<string> => (await resolveSecret(named, { env: process.env, baseDir: config.baseDir })).reveal()
  const token = reference === null ? randomBytes(24).toString('base64url') : await secretOf(reference)
  const named = await Promise.all(Object.entries(tokens).map(async ([name, { token: of, may }]) => ({ name, token: await secretOf(of), may })))
  const app = createApp({
    api: roles.has('api') ? grantline.api : null,
    callers: new Callers(token, named),
    health: {
      stalled: async () => liveness.stalled(await grantline.progress(), performance.now()),
      troubles: async () => [
        ...(await grantline.progress()).flatMap(({ task, trouble }) => (trouble === null ? [] : [`${task}: ${trouble}`])),
        ...sinkTroubles.lines(performance.now()),
      ],
      metrics: async () => ({ text: await metrics.text(), contentType: metrics.contentType }),
    },
    onFailed,
  })
  const server = await serve(app, host, port)
  if (roles.has('api')) await announce(config.dataDir, { url: server.url, token })
  return server
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
