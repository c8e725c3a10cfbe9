import type { LdapConfig } from '../../connectors/ldap/config.ts'
import { configureApp } from '../../connectors/registry.ts'
import type { PostgresConfig } from '../../connectors/sql/config.ts'
import { AppConfig } from '../../schemas/config.ts'
import { anotherCookie, breaks, openReal, type RealCase } from '../conformance/real-system.ts'
import { type FaultProxy, startFaultProxy } from '../hostile/fault-proxy.ts'
import { runAll, withBench } from './test-outcomes.ts'

/** An answer that does not come is waited for so long, ms: where it is cut off, nobody waits for as long as in production. */
const patienceMs = 15_000

/** Reads a database through a proxy that breaks the connection. Answers how many scenarios failed. */
export async function testPostgres(name: string, settings: AppConfig, config: PostgresConfig, baseDir: string): Promise<number> {
  const { host, port, ssl, statementTimeoutMs, connectTimeoutMs } = config
  return await behindProxy({ name, settings, baseDir, host, port, own: [] }, (proxy) => ({
    ...config, host: '127.0.0.1', port: proxy.port, ssl: ssl && { ...ssl, serverName: ssl.serverName ?? host }, write: [],
    statementTimeoutMs: Math.min(statementTimeoutMs, patienceMs), connectTimeoutMs: Math.min(connectTimeoutMs, patienceMs),
  }))
}

/** Reads a directory through a proxy that breaks the connection. Answers how many scenarios failed. */
export async function testLdap(name: string, settings: AppConfig, config: LdapConfig, baseDir: string): Promise<number> {
  const url = new URL(config.url)
  const port = url.port === '' ? (url.protocol === 'ldaps:' ? 636 : 389) : Number(url.port)
  return await behindProxy({ name, settings, baseDir, host: url.hostname.replace(/^\[|\]$/g, ''), port, own: [anotherCookie] }, (proxy) => ({
    ...config, url: `${url.protocol}//127.0.0.1:${proxy.port}`, serverName: config.serverName ?? url.hostname, timeoutMs: Math.min(config.timeoutMs, patienceMs),
  }))
}

interface Server {
  name: string
  settings: AppConfig
  baseDir: string
  host: string
  port: number
  /** what goes wrong with its kind besides */
  own: readonly RealCase[]
}

async function behindProxy({ name, settings, baseDir, host, port, own }: Server, through: (proxy: FaultProxy) => object): Promise<number> {
  const proxy = await startFaultProxy(port, host)
  try {
    const app = await configureApp(name, AppConfig.parse({ ...settings, webhook: null, with: through(proxy) }), baseDir)
    return await withBench(process.env, baseDir, async (options) => {
      console.error(`reading ${name} at ${host}:${port} through 127.0.0.1:${proxy.port}; nothing is written`)
      const began = performance.now()
      const { kit, run } = await openReal({ name, app, proxy }, options)
      const bytes = proxy.longestBytes
      const cases = [...casesFor(bytes), ...own]
      console.error(`whole: ${kit.honest.accounts.size} accounts in ${bytes} bytes, ${((performance.now() - began) / 1_000).toFixed(1)} s; ${cases.length} scenarios follow, each reads it twice`)
      // Others change it meanwhile: what differs from one read to the next is then no fault of the connector.
      const isStill = (await run({ ...untouched, differs: false })).wrong.length === 0
      if (!isStill) console.error('it changes while it is read: each run is judged by what was there before and after it')
      try {
        return await runAll(cases.map((one) => ({ name: one.name, run: () => run({ ...one, differs: !isStill }) })))
      } finally {
        kit.stop()
      }
    })
  } finally {
    await proxy.stop()
  }
}

const untouched: RealCase = { name: 'nothing', expected: 'exact', harm: () => Promise.resolve() }

function casesFor(bytes: number): RealCase[] {
  const at = (share: number): number => Math.floor(bytes * share)
  return [
    ...breaks([at(0.05), at(0.3), at(0.6)], Math.max(1, Math.ceil(bytes / 200))),
    // What is cut off there may be no row any more.
    { name: `reset after ${at(0.9)} bytes`, expected: 'safe', plan: [{ kind: 'reset', afterBytes: at(0.9) }] },
    { name: 'no more comes in the middle, and no end', expected: 'partial', plan: [{ kind: 'hang', afterBytes: at(0.5) }] },
    { name: 'no answer at all, and no end', expected: 'partial', plan: [{ kind: 'hang', afterBytes: 0 }] },
  ]
}
