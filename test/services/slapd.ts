import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'ldapts'
import { endsWithUs, lastWords } from './child.ts'
import { freePort } from './free-port.ts'
import { cacheDir, finish, installOnce } from './install-once.ts'
import { unprivileged } from './unprivileged.ts'

export interface Slapd {
  readonly port: number
  readonly url: string
  readonly suffix: 'dc=example,dc=org'
  /** the root user of the database: no limit of the server holds for it */
  readonly root: { dn: string; password: string }
  /** A bound client; unbind it. */
  connect(dn?: string, password?: string): Promise<Client>
  /** Every change that it made since its start, in order, as LDIF. */
  changes(): string
  stop(): Promise<void>
}

const home = join(cacheDir, 'slapd')
const startTimeoutMs = 20_000
const suffix = 'dc=example,dc=org'

interface Programs {
  /** where the package's files lie: its own root, or `/` */
  root: string
  /** where its libraries are looked for first */
  libraries: string
}

/**
 * OpenLDAP's slapd on loopback, any free port, in a temporary directory, as a user without rights where we are root. Debian's package
 * is unpacked into .cache and not installed, so no service starts. `limits` are lines of slapd.conf: without any the server's own
 * default holds, 500 entries. Throws, saying why, if it can't be had or started.
 */
export async function startSlapd(limits: readonly string[] = []): Promise<Slapd> {
  try {
    return await launch(await programs(), limits)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    console.error(`OpenLDAP (slapd) can't be started for the tests: ${why.split('\n')[0]}`)
    throw error
  }
}

async function programs(): Promise<Programs> {
  if (existsSync('/usr/sbin/slapd')) return { root: '/', libraries: '' }
  await installOnce(home, unpack)
  const folders = ['usr/lib', 'lib'].map((name) => join(home, name)).filter((folder) => existsSync(folder))
  const libraries = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.includes('-linux-')).map((name) => join(folder, name)))
  return { root: home, libraries: libraries.join(':') }
}

/** The package, and what it needs that this machine has not. */
async function unpack(): Promise<void> {
  const debs = mkdtempSync(join(tmpdir(), 'grantline-slapd-debs-'))
  try {
    let names = missingPackages()
    if (names.length === 0) {
      await finish('apt-get', ['update', '-qq'])
      names = missingPackages()
    }
    if (names.length === 0) throw new Error('apt-get knows no package slapd')
    rmSync(home, { recursive: true, force: true })
    mkdirSync(home, { recursive: true })
    await finish('sh', ['-c', 'cd "$0" && apt-get download -qq "$@"', debs, ...names])
    await finish('sh', ['-c', 'for deb in "$0"/*.deb; do dpkg-deb -x "$deb" "$1" || exit 1; done', debs, home])
  } finally {
    rmSync(debs, { recursive: true, force: true })
  }
}

function missingPackages(): string[] {
  const plan = spawnSync('apt-get', ['install', '--simulate', '-qq', '--no-install-recommends', 'slapd'], { encoding: 'utf8' }).stdout
  return [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '')
}

async function launch({ root, libraries }: Programs, limits: readonly string[]): Promise<Slapd> {
  const dir = mkdtempSync(join(tmpdir(), 'grantline-slapd-'))
  const password = randomBytes(12).toString('hex')
  const admin = { dn: `cn=admin,${suffix}`, password }
  const configuration = join(dir, 'slapd.conf')
  writeFileSync(configuration, slapdConf(root, dir, admin, limits), { mode: 0o600 })
  const as = unprivileged('slapd')
  if (as !== null) for (const path of [dir, configuration]) chownSync(path, as.uid, as.gid)
  const port = await freePort()
  const url = `ldap://127.0.0.1:${port}`
  const server = spawn(join(root, 'usr/sbin/slapd'), ['-f', configuration, '-h', url, '-d', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'], cwd: '/', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', LD_LIBRARY_PATH: libraries }, ...as,
  })
  const stop = endsWithUs(server, dir)
  const connect = async (dn = admin.dn, secret = password): Promise<Client> => {
    const client = new Client({ url, timeout: 20_000, connectTimeout: 5_000 })
    await client.bind(dn, secret)
    return client
  }
  try {
    await ready(server, connect)
  } catch (error) {
    await stop()
    throw error
  }
  return { port, url, suffix, root: admin, connect, changes: () => readFileSync(changesFile(dir), 'utf8'), stop }
}

const changesFile = (dir: string): string => join(dir, 'changes.ldif')

function slapdConf(root: string, dir: string, admin: Slapd['root'], limits: readonly string[]): string {
  const schemas = ['core', 'cosine', 'inetorgperson'].map((name) => `include ${join(root, 'etc/ldap/schema', `${name}.schema`)}`)
  const modules = ['back_mdb', 'memberof', 'ppolicy', 'auditlog'].map((name) => `moduleload ${name}`)
  return [
    ...schemas, `modulepath ${join(root, 'usr/lib/ldap')}`, ...modules,
    'database mdb', `suffix ${suffix}`, `rootdn ${admin.dn}`, `rootpw ${admin.password}`, `directory ${dir}`, 'dbnosync',
    'index objectClass eq', 'index member eq', 'index modifyTimestamp eq', ...limits, 'overlay memberof', 'overlay ppolicy', `ppolicy_default cn=policy,${suffix}`,
    'overlay auditlog', `auditlog ${changesFile(dir)}`, '',
  ].join('\n')
}

async function ready(server: ChildProcess, connect: () => Promise<Client>): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  const said = lastWords(server)
  const failure: { error?: Error } = {}
  server.once('error', (error) => {
    failure.error = error
  })
  for (;;) {
    if (failure.error !== undefined) throw failure.error
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}: ${said()}`)
    try {
      await (await connect()).unbind()
      return
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`no connection after ${startTimeoutMs} ms: ${said()}`, { cause: error })
      await sleep(50)
    }
  }
}
