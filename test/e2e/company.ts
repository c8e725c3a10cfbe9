import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Grantline } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ConnectEvent } from '../../src/connect/events.ts'
import type { ActionRow } from '../../src/reports/actions.ts'
import { wholeText } from '../../src/reports/held-text.ts'
import { group } from '../connectors/ldap/directory.ts'
import { loginStreams } from '../connectors/sql/postgres-logins.ts'
import { killAt, runToEnd } from '../crash/processes.ts'
import { onePass, wallClock } from '../support/one-pass.ts'
import { Systems, apps, nobody, notedWrites } from './systems.ts'

const minuteMs = 60_000
export const dayMs = 1_440 * minuteMs

interface Request {
  id: string
  identity: string
  app: string
  entitlement: string
  from: number
  until: number | null
}

/** People with an account in PostgreSQL, Keycloak and OpenLDAP each, an HR feed, and approved requests. */
export class SystemsCompany {
  readonly directory = mkdtempSync(join(tmpdir(), 'grantline-systems-'))
  readonly file = join(this.directory, 'grantline.yaml')
  readonly events: ConnectEvent[] = []
  readonly troubles: string[] = []
  readonly systems: Systems
  readonly #people: string[]
  readonly #ends = new Map<string, string>()
  readonly #gone = new Set<string>()
  /** never empty: a file without any would prove nothing */
  readonly #requests: Request[] = [{ id: 'RQ-0', identity: 'p0x', app: 'postgres', entitlement: 'read', from: Date.UTC(2024, 0, 1), until: null }]
  offsetMs = 0

  private constructor(systems: Systems, people: readonly string[]) {
    this.systems = systems
    this.#people = [...people]
  }

  /** Everybody may read everywhere; `p0x` has to be one of them. */
  static async open(people: readonly string[]): Promise<SystemsCompany> {
    const company = new SystemsCompany(await Systems.open(people), people)
    company.#writeFeeds()
    writeFileSync(company.file, stringify(company.#config()))
    return company
  }

  /** The last day of a person's employment was yesterday. */
  ends(who: string): void {
    this.#ends.set(who, new Date(this.nowMs - dayMs).toISOString().slice(0, 10))
    this.#writeFeeds()
  }

  /** Somebody new in the HR feed, who has no account anywhere. */
  joins(who: string): void {
    this.#people.push(who)
    this.#writeFeeds()
  }

  /** The HR feed no longer says anything of them. */
  vanish(people: readonly string[]): void {
    for (const who of people) this.#gone.add(who)
    this.#writeFeeds()
  }

  comeBack(): void {
    this.#gone.clear()
    this.#writeFeeds()
  }

  /** An approved request for writing in each of the systems. */
  request(who: string, untilMs: number | null): void {
    for (const app of apps) this.#requests.push({ id: `RQ-${who}-${app}`, identity: who, app, entitlement: 'write', from: this.nowMs - 1000, until: untilMs })
    this.#writeFeeds()
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

  /** A minute later the same in a process of its own. Answers which fault points it reached, in their order. */
  async pass(): ReturnType<typeof runToEnd> {
    this.offsetMs += minuteMs
    return await runToEnd(this)
  }

  /** A minute later the same in a process that kills itself at the fault. Throws where it does not. Answers what it had reached by then. */
  async killAt(fault: Parameters<typeof killAt>[1]): ReturnType<typeof killAt> {
    this.offsetMs += minuteMs
    return await killAt(this, fault)
  }

  async close(): Promise<void> {
    await this.systems.close()
    rmSync(this.directory, { recursive: true, force: true })
  }

  #writeFeeds(): void {
    const people = this.#people.filter((who) => !this.#gone.has(who)).map((who) => `${who},${who}@example.org,employee,2024-01-01,${this.#ends.get(who) ?? ''}`)
    this.#write('people.csv', ['id,mail,worker,start,end', ...people])
    this.#write('roles.csv', ['id,name,app,entitlement,when', ...apps.map((app) => `employee,Every employee,${app},read,worker=employee`)])
    this.#write('requests.ndjson', this.#requests.map((one) => JSON.stringify({ ...one, approvedBy: 'p0x' })))
  }

  #write(name: string, lines: readonly string[]): void {
    writeFileSync(join(this.directory, name), lines.map((line) => `${line}\n`).join(''))
  }

  #config(): object {
    const remedy = (assign: object, newAccount: object): object => ({
      policy: { otherwise: 'observe', kinds: { 'leaver-access': 'auto', 'missing-grant': 'auto', 'expired-grant': 'auto', 'unauthorised-grant': 'approve' } },
      settleSeconds: 0, retrySeconds: 1, visibilitySeconds: 5, brake: { maxRemovals: 50, maxRemovalShare: 0.5 }, assign, newAccount,
    })
    const app = (connector: string, native: { read: string; write: string }, assign: object, newAccount: object, settings: object): object => ({
      connector, everySeconds: 30, changesEverySeconds: 5, reread: true, match: [{ space: 'email', attribute: 'email' }],
      catalogue: { [native.read]: 'read', [native.write]: 'write', ...(connector === 'keycloak' && { [`role:default-roles-${this.systems.realm}`]: 'read' }) }, remedy: remedy(assign, newAccount), with: settings,
    })
    const { postgres, slapd, keycloak, realm } = this.systems
    const every = { everySeconds: 30 }
    return {
      dataDir: './data', partitions: 1, tickSeconds: 0.2, http: { port: 0 },
      apps: {
        postgres: app('sql', { read: 'readers', write: 'writers' }, { read: 'role:readers', write: 'role:writers' }, { id: '{email.local}' }, {
          driver: 'postgres', host: postgres.host, port: postgres.port, database: 'postgres', user: postgres.user, password: 'env:E2E_POSTGRES',
          streams: loginStreams.map((stream) => (stream.piece === 'account' ? withMail(stream) : stream)), write: notedWrites,
        }),
        keycloak: app('keycloak', { read: 'role:clerk', write: 'role:writer' }, { read: 'role:role:clerk', write: 'role:role:writer' }, { id: '{email.local}', attributes: { email: '{email}', lastName: '{display}' } }, {
          baseUrl: keycloak.baseUrl, realm, reader: { grant: 'client-credentials', clientId: 'grantline', clientSecret: 'env:E2E_KEYCLOAK' },
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

/** A login's address follows from its name. */
function withMail(stream: (typeof loginStreams)[number]): object {
  const mail = (query: string): string => `SELECT *, rolname || '@example.org' AS mail FROM (${query}) AS logins`
  return { ...stream, query: mail(stream.query), ...(stream.one !== undefined && { one: mail(stream.one) }), columns: { ...stream.columns, values: { email: 'mail' } } }
}

export async function actionsOf({ api }: Grantline, filters: Record<string, string>): Promise<ActionRow[]> {
  return JSON.parse(await wholeText((await api.report('actions', { limit: '10000', ...filters }, 'json', 0)).text)) as ActionRow[]
}

/** What an action came through: a write that was told as anything but carried out says so. `doubts`: whether one was told with a reason. */
export async function historyOf({ api }: Grantline, id: string): Promise<{ states: string[]; doubts: boolean }> {
  const steps = (await api.action(id)).map(({ action }) => action)
  return {
    states: steps.map(({ state, verdict }) => (state === 'applied' && verdict !== 'applied' ? `applied as ${verdict}` : state)),
    doubts: steps.some(({ state, reason }) => state === 'applied' && reason !== null),
  }
}
