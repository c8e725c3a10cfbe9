import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Attribute, Change, type Client } from 'ldapts'
import type pg from 'pg'
import { stringify } from 'yaml'
import type { Grantline } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ConnectEvent } from '../../src/connect/events.ts'
import type { FaultPoint } from '../../src/core/fault.ts'
import type { ActionRow } from '../../src/reports/actions.ts'
import { addGroup, addPerson, group, person, prepare } from '../connectors/ldap/directory.ts'
import type { Orders } from '../crash/child.ts'
import { makeRealm, readerSecret, someone } from '../connectors/keycloak/realm.ts'
import { loginCreation, loginStreams, roleWrites } from '../connectors/sql/postgres-logins.ts'
import { startKeycloak, type Keycloak } from '../services/keycloak.ts'
import { startPostgres, type PostgresServer } from '../services/postgres.ts'
import { startSlapd, type Slapd } from '../services/slapd.ts'
import { onePass, wallClock } from '../support/one-pass.ts'

const size = 20
const childFile = fileURLToPath(new URL('../crash/child.ts', import.meta.url))
const nobody = 'cn=nobody,dc=example,dc=org'
const minuteMs = 60_000
export const dayMs = 1_440 * minuteMs

/** What a person holds in the three systems, asked of each in its own way. */
export interface Held {
  postgres: { login: boolean; roles: string[] }
  keycloak: { enabled: boolean; roles: string[] }
  openldap: { locked: boolean; groups: string[] }
}

interface Request {
  id: string
  identity: string
  app: string
  entitlement: string
  from: number
  until: number | null
}

/** Twenty people with an account in PostgreSQL, Keycloak and OpenLDAP each, an HR feed, and approved requests. */
export class SystemsCompany {
  readonly directory = mkdtempSync(join(tmpdir(), 'grantline-systems-'))
  readonly file = join(this.directory, 'grantline.yaml')
  readonly events: ConnectEvent[] = []
  readonly troubles: string[] = []
  readonly postgres: PostgresServer
  readonly keycloak: Keycloak
  readonly slapd: Slapd
  readonly admin: pg.Client
  readonly root: Client
  readonly realm: string
  readonly #ends = new Map<string, string>()
  readonly #gone = new Set<string>()
  readonly #joined: string[] = []
  /** never empty: a file without any would prove nothing */
  readonly #requests: Request[] = [{ id: 'RQ-0', identity: 'p0x', app: 'postgres', entitlement: 'read', from: Date.UTC(2024, 0, 1), until: null }]
  offsetMs = 0

  private constructor(postgres: PostgresServer, keycloak: Keycloak, slapd: Slapd, admin: pg.Client, root: Client, realm: string) {
    this.postgres = postgres
    this.keycloak = keycloak
    this.slapd = slapd
    this.admin = admin
    this.root = root
    this.realm = realm
  }

  static async open(): Promise<SystemsCompany> {
    const [postgres, keycloak, slapd] = await Promise.all([startPostgres(), startKeycloak(), startSlapd()])
    const admin = await postgres.connect()
    const root = await slapd.connect()
    await admin.query('CREATE ROLE readers; CREATE ROLE writers')
    for (const who of everybody) await admin.query(`CREATE ROLE ${who} LOGIN; GRANT readers TO ${who}`)
    const users = everybody.map((who) => someone(who, { realmRoles: ['clerk'] }))
    const realm = await makeRealm(keycloak, users, { roles: { realm: [{ name: 'clerk' }, { name: 'writer' }] }, groups: [] })
    // Who is made by the admin API has the realm's default role, which gives nothing here.
    const byDefault = (await keycloak.call('GET', `/${realm}/roles/default-roles-${realm}`)) as { id: string }
    const given = await keycloak.call('GET', `/${realm}/roles-by-id/${byDefault.id}/composites`)
    await keycloak.call('DELETE', `/${realm}/roles-by-id/${byDefault.id}/composites`, given)
    await prepare(root)
    for (const who of everybody) await addPerson(root, who)
    await addGroup(root, 'readers', [nobody, ...everybody.map(person)])
    await addGroup(root, 'writers', [nobody])
    const company = new SystemsCompany(postgres, keycloak, slapd, admin, root, realm)
    process.env['E2E_POSTGRES'] = postgres.password
    process.env['E2E_KEYCLOAK'] = readerSecret
    process.env['E2E_LDAP'] = slapd.root.password
    company.writeFeeds()
    writeFileSync(company.file, stringify(company.#config()))
    return company
  }

  /** The last day of a person's employment was yesterday. */
  ends(who: string): void {
    this.#ends.set(who, new Date(this.nowMs - dayMs).toISOString().slice(0, 10))
    this.writeFeeds()
  }

  /** Somebody new in the HR feed, who has no account anywhere. */
  joins(who: string): void {
    this.#joined.push(who)
    this.writeFeeds()
  }

  /** The HR feed no longer says anything of them. */
  vanish(people: readonly string[]): void {
    for (const who of people) this.#gone.add(who)
    this.writeFeeds()
  }

  comeBack(): void {
    this.#gone.clear()
    this.writeFeeds()
  }

  /** An approved request for writing in each of the systems. */
  request(who: string, untilMs: number | null): void {
    for (const app of apps) this.#requests.push({ id: `RQ-${who}-${app}`, identity: who, app, entitlement: 'write', from: this.nowMs - 1000, until: untilMs })
    this.writeFeeds()
  }

  /** By hand, past everybody: in each system. */
  async grantByHand(who: string): Promise<void> {
    await this.admin.query(`GRANT writers TO ${who}`)
    const writer = await this.keycloak.call('GET', `/${this.realm}/roles/writer`)
    await this.keycloak.call('POST', `/${this.realm}/users/${await this.#userId(who)}/role-mappings/realm`, [writer])
    await this.root.modify(group('writers'), new Change({ operation: 'add', modification: new Attribute({ type: 'member', values: [person(who)] }) }))
  }

  async held(who: string): Promise<Held> {
    const login = await this.admin.query<{ rolcanlogin: boolean }>('SELECT rolcanlogin FROM pg_roles WHERE rolname = $1', [who])
    const roles = await this.admin.query<{ rolname: string }>(
      'SELECT r.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid WHERE m.rolname = $1 ORDER BY 1', [who])
    const id = await this.#userId(who)
    const user = (await this.keycloak.call('GET', `/${this.realm}/users/${id}`)) as { enabled: boolean }
    const mapped = (await this.keycloak.call('GET', `/${this.realm}/users/${id}/role-mappings/realm`)) as { name: string }[]
    const { searchEntries: groups } = await this.root.search(`ou=groups,${this.slapd.suffix}`, { filter: `(member=${person(who)})`, attributes: ['cn'] })
    const { searchEntries: entries } = await this.root.search(person(who), { scope: 'base', attributes: ['pwdAccountLockedTime'] })
    return {
      postgres: { login: login.rows[0]?.rolcanlogin === true, roles: roles.rows.map(({ rolname }) => rolname) },
      keycloak: { enabled: user.enabled, roles: mapped.map(({ name }) => name).sort() },
      openldap: { locked: entries[0]?.['pwdAccountLockedTime'] === '000001010000Z', groups: groups.map(({ cn }) => String(cn)).sort() },
    }
  }

  /** Wall clock of the company, ms. */
  get nowMs(): number {
    return Date.now() + this.offsetMs
  }

  readonly clock = wallClock(() => this.nowMs)

  /** A minute later, what `grantline run --once` does, then `ask`, then it ends. */
  async once<T>(ask: (grantline: Grantline) => Promise<T>): Promise<T> {
    this.offsetMs += minuteMs
    return await onePass({ config: await loadConfig(this.file), clock: this.clock, env: process.env, events: this.events, troubles: this.troubles }, ask)
  }

  /** A minute later the same in a process of its own, which kills itself at the nth time that it reaches the point. Throws where it does not. */
  async killAt(point: FaultPoint, nth: number): Promise<void> {
    this.offsetMs += minuteMs
    const marker = join(this.directory, 'marker')
    rmSync(marker, { force: true })
    const orders = JSON.stringify({ file: this.file, offsetMs: this.offsetMs, marker, fault: { point, nth }, variant: null } satisfies Orders)
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', childFile, orders], { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors = `${errors}${chunk.toString()}`.slice(-4_000)))
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    const fired = existsSync(marker) ? readFileSync(marker, 'utf8') : 'nothing'
    if (signal !== 'SIGKILL' || fired !== `${point} ${nth}`) {
      throw new Error(`${point} was not reached ${nth} times: the process ended with ${signal ?? code}, and its marker says ${fired}\n${errors}`)
    }
  }

  async close(): Promise<void> {
    await this.root.unbind()
    await this.admin.end()
    await this.keycloak.call('DELETE', `/${this.realm}`)
    await Promise.all([this.postgres.stop(), this.keycloak.stop(), this.slapd.stop()])
    for (const name of ['E2E_POSTGRES', 'E2E_KEYCLOAK', 'E2E_LDAP']) Reflect.deleteProperty(process.env, name)
    rmSync(this.directory, { recursive: true, force: true })
  }

  writeFeeds(): void {
    const people = [...everybody, ...this.#joined].filter((who) => !this.#gone.has(who)).map((who) => `${who},${who}@example.org,employee,2024-01-01,${this.#ends.get(who) ?? ''}`)
    this.#write('people.csv', ['id,mail,worker,start,end', ...people])
    this.#write('roles.csv', ['id,name,app,entitlement,when', ...apps.map((app) => `employee,Every employee,${app},read,worker=employee`)])
    this.#write('requests.ndjson', this.#requests.map((one) => JSON.stringify({ ...one, approvedBy: 'p0x' })))
  }

  #write(name: string, lines: readonly string[]): void {
    writeFileSync(join(this.directory, name), lines.map((line) => `${line}\n`).join(''))
  }

  async #userId(who: string): Promise<string> {
    const [user] = (await this.keycloak.call('GET', `/${this.realm}/users?exact=true&username=${who}`)) as { id: string }[]
    return user?.id ?? ''
  }

  #config(): object {
    const remedy = (assign: object, newAccount: object): object => ({
      policy: { otherwise: 'observe', kinds: { 'leaver-access': 'auto', 'missing-grant': 'auto', 'expired-grant': 'auto', 'unauthorised-grant': 'approve' } },
      settleSeconds: 0, retrySeconds: 1, visibilitySeconds: 5, brake: { maxRemovals: 50, maxRemovalShare: 0.5 }, assign, newAccount,
    })
    const app = (connector: string, native: { read: string; write: string }, assign: object, newAccount: object, settings: object): object => ({
      connector, everySeconds: 30, changesEverySeconds: 5, reread: true, match: [{ space: 'email', attribute: 'email' }],
      catalogue: { [native.read]: 'read', [native.write]: 'write', ...(connector === 'keycloak' && { [`role:default-roles-${this.realm}`]: 'read' }) }, remedy: remedy(assign, newAccount), with: settings,
    })
    const { postgres, slapd, keycloak } = this
    const every = { everySeconds: 30 }
    return {
      dataDir: './data', partitions: 1, tickSeconds: 0.2, http: { port: 0 },
      apps: {
        postgres: app('sql', { read: 'readers', write: 'writers' }, { read: 'role:readers', write: 'role:writers' }, { id: '{email.local}' }, {
          driver: 'postgres', host: postgres.host, port: postgres.port, database: 'postgres', user: postgres.user, password: 'env:E2E_POSTGRES',
          streams: loginStreams.map((stream) => (stream.piece === 'account' ? withMail(stream) : stream)), write: [...roleWrites, loginCreation],
        }),
        keycloak: app('keycloak', { read: 'role:clerk', write: 'role:writer' }, { read: 'role:role:clerk', write: 'role:role:writer' }, { id: '{email.local}', attributes: { email: '{email}', lastName: '{display}' } }, {
          baseUrl: keycloak.baseUrl, realm: this.realm, reader: { grant: 'client-credentials', clientId: 'grantline', clientSecret: 'env:E2E_KEYCLOAK' },
        }),
        openldap: app('ldap', { read: `group:${group('readers')}`, write: `group:${group('writers')}` }, { read: `group:${group('readers')}`, write: `group:${group('writers')}` }, {
          id: `uid={email.local},ou=people,${slapd.suffix}`, attributes: { uid: '{email.local}', cn: '{display}', sn: '{display}', mail: '{email}' },
        }, {
          url: slapd.url, bindDn: slapd.root.dn, password: 'env:E2E_LDAP', disabled: {},
          accounts: [{ name: 'people', base: `ou=people,${slapd.suffix}`, create: {} }], groups: { base: `ou=groups,${slapd.suffix}`, placeholder: nobody },
        }),
      },
      feeds: {
        people: {
          class: 'identities', format: 'csv', path: './people.csv', ...every,
          fields: { display: 'id' }, keys: { email: 'mail' }, attributes: ['worker'],
        },
        roles: { class: 'business-roles', format: 'csv', path: './roles.csv', ...every },
        requests: { class: 'requests', format: 'ndjson', path: './requests.ndjson', ...every },
      },
      policy: { dormantAfterDays: null, credentialMaxAgeDays: null },
    }
  }
}

export const apps = ['postgres', 'keycloak', 'openldap'] as const
export const everybody = Array.from({ length: size }, (_, n) => `p${n}x`)

/** A login's address follows from its name. */
function withMail(stream: (typeof loginStreams)[number]): object {
  const mail = (query: string): string => `SELECT *, rolname || '@example.org' AS mail FROM (${query}) AS logins`
  return { ...stream, query: mail(stream.query), ...(stream.one !== undefined && { one: mail(stream.one) }), columns: { ...stream.columns, values: { email: 'mail' } } }
}

export async function actionsOf({ api }: Grantline, filters: Record<string, string>): Promise<ActionRow[]> {
  return JSON.parse(await api.report('actions', { limit: '10000', ...filters }, 'json', 0)) as ActionRow[]
}

export const statesOf = async ({ api }: Grantline, id: string): Promise<string[]> => (await api.action(id)).map(({ action }) => action.state)
