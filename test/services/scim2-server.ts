import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endsWithUs, lastWords } from './child.ts'
import { freePort } from './free-port.ts'
import { cacheDir, finish, installOnce } from './install-once.ts'

export interface Scim2Server {
  /** The service of one tenant, which its first request creates, empty. */
  tenant(name: string): string
  readonly token: string
  stop(): Promise<void>
}

const home = join(cacheDir, 'scim2-server')
const startTimeoutMs = 30_000
const token = 'scim-test-token'

/** Both kinds of paging, and cursors that expire: what the server's own default does not announce. */
function providerConfig(cursorTimeoutSeconds: number): object {
  const on = { supported: true }
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: on, changePassword: on, sort: on, etag: on,
    bulk: { supported: true, maxOperations: 1000, maxPayloadSize: 10_485_760 },
    filter: { supported: true, maxResults: 1000 },
    pagination: {
      cursor: true, index: true, defaultPaginationMethod: 'index', defaultPageSize: 100, maxPageSize: 500, cursorTimeout: cursorTimeoutSeconds,
    },
  }
}

/**
 * scim2-server (PyPI) on loopback, any free port. Its Python environment is made once, in .cache, and kept between runs.
 * Throws, saying why, if it can't be installed or started.
 */
export async function startScim2Server(options: { cursorTimeoutSeconds?: number } = {}): Promise<Scim2Server> {
  try {
    await installOnce(home, async () => {
      await finish('python3', ['-m', 'venv', '--clear', home])
      await finish(join(home, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', 'scim2-server[cursor]'])
    })
    return await launch(options.cursorTimeoutSeconds ?? 600)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    console.error(`scim2-server can't be started for the tests: ${why.split('\n')[0]}`)
    throw error
  }
}

async function launch(cursorTimeoutSeconds: number): Promise<Scim2Server> {
  const dir = mkdtempSync(join(tmpdir(), 'grantline-scim-'))
  const provider = join(dir, 'provider.json')
  writeFileSync(provider, JSON.stringify(providerConfig(cursorTimeoutSeconds)))
  const port = await freePort()
  const server = spawn(
    join(home, 'bin', 'scim2-server'),
    ['--hostname', '127.0.0.1', '--port', String(port), '--dynamic-tenants', '--bearer-token', token, '--service-provider-config', provider],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const stop = endsWithUs(server, dir)
  try {
    await ready(server)
  } catch (error) {
    await stop()
    throw error
  }
  return { tenant: (name) => `http://127.0.0.1:${port}/${name}/v2`, token, stop }
}

async function ready(server: ChildProcess): Promise<void> {
  const said = lastWords(server)
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it is not ready after ${startTimeoutMs} ms: ${said()}`)), startTimeoutMs)
    const done = (error?: Error): void => {
      clearTimeout(timer)
      if (error === undefined) resolve()
      else reject(error)
    }
    server.once('error', done)
    server.once('exit', (code) => done(new Error(`it ended with ${code}: ${said()}`)))
    server.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Serving SCIM')) done()
    })
  })
}
