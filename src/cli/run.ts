import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { startGrantline, type Grantline } from '../compose.ts'
import { loadConfig, type LoadedConfig } from '../config/load.ts'
import type { ConnectEvent } from '../connect/events.ts'
import { resolveSecret } from '../connect/secrets.ts'
import type { Api } from '../http/api.ts'
import { createApp, serve } from '../http/server.ts'
import { createLogger } from '../observe/logger.ts'
import { systemClock } from '../runtime/clock.ts'
import { announce, withdraw } from './held-by.ts'
import { terminalWidth } from './terminal.ts'

/** How many rows of each table the run prints; the report commands show all. */
const shownRows = 40
/** How often the open findings are looked at for what came and went. */
const watchMs = 5_000

/** The main job. Ends on Ctrl-C or SIGTERM, with `once` after one full pass; throws where it can't go on. */
export async function run(configFile: string, { once, logLevel }: { once: boolean; logLevel: string }): Promise<void> {
  const config = await loadConfig(configFile)
  const logger = createLogger(logLevel)
  const stopped = new AbortController()
  const onSignal = (): void => stopped.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  say(`grantline: ${Object.keys(config.apps).length} applications, ${Object.keys(config.feeds).length} feeds, data in ${config.dataDir}`)
  const grantline = await startGrantline(config, {
    clock: systemClock,
    env: process.env,
    release: releaseOf(),
    onConnectEvent: (event) => {
      logger.info(event, 'connect')
      const line = describeEvent(event)
      if (line !== null) say(line)
    },
    onTrouble: (what) => {
      logger.warn(what)
      say(`! ${what}`)
    },
  })
  try {
    const http = await serveApi(config, grantline)
    try {
      say(`HTTP API at ${http.url}; the other commands find it by themselves`)
      await Promise.race([work(grantline, once, stopped.signal), grantline.failed])
    } finally {
      await withdraw(config.dataDir)
      await http.close()
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await grantline.stop()
  }
}

async function work(grantline: Grantline, once: boolean, stop: AbortSignal): Promise<void> {
  const stopped = new Promise<'stopped'>((resolve) => stop.addEventListener('abort', () => resolve('stopped'), { once: true }))
  const watch = setInterval(() => void showProgress(grantline), 2_000)
  const first = await Promise.race([grantline.drained().then(() => 'drained' as const), stopped]).finally(() => clearInterval(watch))
  if (first === 'stopped') return
  await showTables(grantline.api)
  if (once) return
  say('running on: syncs on schedule, follows changes; Ctrl-C ends it')
  let shown = await openFindings(grantline.api)
  for (;;) {
    const next = await Promise.race([pause(watchMs), stopped])
    if (next === 'stopped') return
    const now = await openFindings(grantline.api)
    for (const [id, line] of now) if (!shown.has(id)) say(`+ ${line}`)
    for (const [id, line] of shown) if (!now.has(id)) say(`- ${line}`)
    shown = now
  }
}

async function showProgress(grantline: Grantline): Promise<void> {
  const tasks = await grantline.progress()
  const waiting = tasks.reduce((sum, { offset, end }) => sum + Math.max(0, end - offset), 0)
  const records = tasks.reduce((sum, task) => sum + task.records, 0)
  say(`  ${records} records processed, ${waiting} messages waiting`)
}

async function showTables(api: Api): Promise<void> {
  const width = terminalWidth()
  for (const [title, name, filters] of [
    ['Findings', 'findings', { limit: String(shownRows) }],
    ['Sync runs', 'sync-runs', { limit: String(shownRows) }],
    ['Lag', 'lag', {}],
  ] as const) {
    process.stdout.write(`\n${title}\n${await api.report(name, filters, 'table', width)}`)
  }
  const { findings, grants, deadLetters } = await api.summary()
  const total = (rows: readonly { open?: number; grants?: number; letters?: number }[]): number => rows.reduce((sum, row) => sum + (row.open ?? row.grants ?? row.letters ?? 0), 0)
  const undecided = total(grants.filter(({ verdict }) => verdict === 'undecided'))
  process.stdout.write(`\n${total(findings)} findings open, ${total(grants)} grants held (${undecided} undecided), ${total(deadLetters)} dead letters\n`)
}

async function openFindings(api: Api): Promise<Map<string, string>> {
  const rows = JSON.parse(await api.report('findings', { limit: '100000' }, 'json', 0)) as { id: string; kind: string; detail: string }[]
  return new Map(rows.map(({ id, kind, detail }) => [id, `${kind}: ${detail}`]))
}

async function serveApi(config: LoadedConfig, grantline: Grantline): Promise<{ url: string; close(): Promise<void> }> {
  const { host, port, token: reference } = config.http
  const token = reference === null ? randomBytes(24).toString('base64url') : (await resolveSecret(reference, { env: process.env, baseDir: config.baseDir })).reveal()
  const readiness = async (): Promise<{ ready: boolean; troubles: string[] }> => {
    const troubles = (await grantline.progress()).flatMap(({ task, trouble }) => (trouble === null ? [] : [`${task}: ${trouble}`]))
    return { ready: troubles.length === 0, troubles }
  }
  const server = await serve(createApp(grantline.api, token, readiness), host, port)
  await announce(config.dataDir, { url: server.url, token, pid: process.pid })
  return server
}

function describeEvent(event: ConnectEvent): string | null {
  switch (event.event) {
    case 'run': {
      const { source, result } = event
      const read = result.classes.map((item) => `${item.read} ${item.class}${item.rejected === 0 ? '' : `, ${item.rejected} of them rejected`}`).join(', ')
      const why = result.reason === null ? '' : `: ${result.reason}${result.place === null ? '' : ` at ${result.place}`}`
      return `${source}: run ${result.run} ${result.verdict}${why}${read === '' ? '' : ` (${read})`}`
    }
    case 'reread':
      return `${event.source}: ${event.accounts} accounts read again singly`
    case 'problem':
      return `! ${event.source}: ${event.doing}: ${event.reason}${event.nextInMs === null ? '' : `; again in ${Math.round(event.nextInMs / 1_000)} s`}`
    case 'wait':
      return null
  }
}

function releaseOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const say = (line: string): void => console.error(line)
