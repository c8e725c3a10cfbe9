import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { cacheDir, finish, installOnce } from './install-once.ts'
import { requireJava } from './java.ts'

export interface Keycloak {
  readonly baseUrl: string
  readonly admin: { username: string; password: string }
  /** The admin API below /admin/realms, as the administrator: the parsed answer, or the id of what was created. Throws on a refusal. */
  call: (method: string, path: string, body?: unknown) => Promise<unknown>
  stop(): Promise<void>
}

const version = '26.7.3'
const startTimeoutMs = 240_000
const home = join(cacheDir, `keycloak-${version}`)
const program = join(home, `keycloak-${version}`)
const primed = join(home, 'primed')
const heap = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const username = 'admin'

/** What it needs, fetched from Maven Central, built with its SCIM server, and its database made, once. Throws, saying why, if that can't be done. */
export async function fetchKeycloak(): Promise<void> {
  await requireJava()
  await installOnce(home, async () => {
    rmSync(home, { recursive: true, force: true })
    mkdirSync(primed, { recursive: true })
    const artifact = `org.keycloak:keycloak-quarkus-dist:${version}:zip`
    // the plugin leaves a marker where it is called
    await finish('mvn', ['-q', '-B', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack', `-Dartifact=${artifact}`, `-DoutputDirectory=${home}`], { cwd: home })
    await finish('java', [...javaArguments(primed), 'build', '--db=dev-file', '--features=scim-api', '--cache=local'])
    const password = randomBytes(12).toString('hex')
    writeFileSync(join(home, 'password'), password, { mode: 0o600 })
    // The first start makes the tables and the administrator, which takes most of a minute: later ones begin with a copy of that.
    const first = await launch(primed, { KC_BOOTSTRAP_ADMIN_USERNAME: username, KC_BOOTSTRAP_ADMIN_PASSWORD: password })
    await ended(first.server, 'SIGTERM')
  })
}

/**
 * Keycloak on loopback, any free port, with a database of its own in a temporary directory. `KEYCLOAK_URL` with
 * `KEYCLOAK_ADMIN_PASSWORD` uses one that runs already. Throws, saying why, if there is neither.
 */
export async function startKeycloak(): Promise<Keycloak> {
  const running = { url: process.env['KEYCLOAK_URL'] ?? '', password: process.env['KEYCLOAK_ADMIN_PASSWORD'] ?? '' }
  if (running.url !== '') {
    const admin = { username, password: running.password }
    return { baseUrl: running.url, admin, call: adminCalls(running.url, admin), stop: () => Promise.resolve() }
  }
  try {
    await fetchKeycloak()
    const dir = mkdtempSync(join(tmpdir(), 'grantline-keycloak-'))
    cpSync(primed, dir, { recursive: true })
    const { server, baseUrl } = await launch(dir, {})
    const killOnExit = (): boolean => server.kill('SIGKILL')
    process.once('exit', killOnExit)
    const admin = { username, password: readFileSync(join(home, 'password'), 'utf8') }
    return {
      baseUrl,
      admin,
      call: adminCalls(baseUrl, admin),
      async stop() {
        process.off('exit', killOnExit)
        await ended(server, 'SIGKILL')
        rmSync(dir, { recursive: true, force: true })
      },
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    console.error(`Keycloak can't be started for the tests: ${why.split('\n')[0]}`)
    throw error
  }
}

function javaArguments(data: string): string[] {
  return [
    ...heap, `-Dkc.home.dir=${program}`, `-Dkc.db-url-path=${data}`, `-Djboss.server.config.dir=${join(program, 'conf')}`,
    '-Djava.util.logging.manager=org.jboss.logmanager.LogManager', '-Dpicocli.disable.closures=true',
    '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
    '-cp', join(program, 'lib', 'quarkus-run.jar'), 'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
  ]
}

async function launch(data: string, env: Readonly<Record<string, string>>): Promise<{ server: ChildProcess; baseUrl: string }> {
  const port = await freePort()
  const baseUrl = `http://127.0.0.1:${port}`
  const options = ['--optimized', '--http-enabled=true', '--http-host=127.0.0.1', `--http-port=${port}`, '--hostname-strict=false', '--log-level=WARN']
  const server = spawn('java', [...javaArguments(data), 'start', ...options], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let said = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4000)))
  const deadline = performance.now() + startTimeoutMs
  for (;;) {
    if (server.exitCode !== null) throw new Error(`it ended with ${server.exitCode}: ${said.trim()}`)
    const answer = await fetch(`${baseUrl}/realms/master`).catch(() => null)
    if (answer?.status === 200) return { server, baseUrl }
    if (performance.now() > deadline) {
      server.kill('SIGKILL')
      throw new Error(`it is not ready after ${startTimeoutMs} ms: ${said.trim()}`)
    }
    await sleep(250)
  }
}

async function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exit = new Promise((resolve) => server.once('exit', resolve))
  server.kill(signal)
  await exit
}

/** Checking a password costs the server a tenth of a second, so a token serves until half of its time is over, or a realm is made, of which it does not know. */
function adminCalls(baseUrl: string, { username: user, password }: Keycloak['admin']): Keycloak['call'] {
  let token = ''
  let until = 0
  const login = async (): Promise<void> => {
    const began = performance.now()
    const form = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: user, password })
    const response = await fetch(`${baseUrl}/realms/master/protocol/openid-connect/token`, { method: 'POST', body: form })
    const given = (await response.json()) as { access_token: string; expires_in: number }
    token = given.access_token
    until = began + given.expires_in * 500
  }
  return async (method, path, body) => {
    if (performance.now() > until) await login()
    const response = await fetch(`${baseUrl}/admin/realms${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    if (path === '') until = 0
    const location = response.headers.get('location')
    if (response.status === 201 && location !== null) return location.split('/').at(-1)
    return text === '' ? null : (JSON.parse(text) as unknown)
  }
}
