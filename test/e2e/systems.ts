import { Attribute, Change, type Client } from 'ldapts'
import type pg from 'pg'
import { makeRealm, readerSecret, someone } from '../connectors/keycloak/realm.ts'
import { addGroup, addPerson, group, person, prepare } from '../connectors/ldap/directory.ts'
import { loginCreation, roleWrites } from '../connectors/sql/postgres-logins.ts'
import { startKeycloak, type Keycloak } from '../services/keycloak.ts'
import { startPostgres, type PostgresServer } from '../services/postgres.ts'
import { startSlapd, type Slapd } from '../services/slapd.ts'
import { changesOfPeople } from './ldif.ts'

export const apps = ['postgres', 'keycloak', 'openldap'] as const
export type App = (typeof apps)[number]

/** What a person holds in the three systems, as their own tables say. */
export interface Held {
  postgres: { login: boolean; roles: string[] }
  keycloak: { enabled: boolean; roles: string[] }
  openldap: { locked: boolean; groups: string[] }
}

/** A change that a system really made to a person. */
export interface Made {
  app: App
  who: string
  what: string
}

export const nobody = 'cn=nobody,dc=example,dc=org'

/** PostgreSQL, Keycloak and OpenLDAP, in which each of the people has an account and may read. */
export class Systems {
  readonly postgres: PostgresServer
  readonly keycloak: Keycloak
  readonly slapd: Slapd
  readonly realm: string
  readonly #admin: pg.Client
  readonly #root: Client
  readonly #ldifBefore: number

  private constructor(postgres: PostgresServer, keycloak: Keycloak, slapd: Slapd, realm: string, admin: pg.Client, root: Client) {
    this.postgres = postgres
    this.keycloak = keycloak
    this.slapd = slapd
    this.realm = realm
    this.#admin = admin
    this.#root = root
    this.#ldifBefore = slapd.changes().length
  }

  static async open(people: readonly string[]): Promise<Systems> {
    const [postgres, keycloak, slapd] = await Promise.all([startPostgres(), startKeycloak(), startSlapd()])
    const admin = await postgres.connect()
    const root = await slapd.connect()
    await admin.query('CREATE ROLE readers; CREATE ROLE writers; CREATE TABLE changes (at serial, who text, what text)')
    for (const who of people) await admin.query(`CREATE ROLE ${who} LOGIN; GRANT readers TO ${who}`)
    const users = people.map((who) => someone(who, { realmRoles: ['clerk'] }))
    const realm = await makeRealm(keycloak, users, { roles: { realm: [{ name: 'clerk' }, { name: 'writer' }] }, groups: [] })
    // Who is made by the admin API has the realm's default role, which gives nothing here.
    const byDefault = (await keycloak.call('GET', `/${realm}/roles/default-roles-${realm}`)) as { id: string }
    const given = await keycloak.call('GET', `/${realm}/roles-by-id/${byDefault.id}/composites`)
    await keycloak.call('DELETE', `/${realm}/roles-by-id/${byDefault.id}/composites`, given)
    await prepare(root)
    for (const who of people) await addPerson(root, who)
    await addGroup(root, 'readers', [nobody, ...people.map(person)])
    await addGroup(root, 'writers', [nobody])
    process.env['E2E_POSTGRES'] = postgres.password
    process.env['E2E_KEYCLOAK'] = readerSecret
    process.env['E2E_LDAP'] = slapd.root.password
    return new Systems(postgres, keycloak, slapd, realm, admin, root)
  }

  /** By hand, past everybody: in each system. */
  async grantByHand(who: string): Promise<void> {
    await this.#admin.query(`GRANT writers TO ${who}; ${noted('grant', `'${who}'`)}`)
    const writer = await this.#ask('/roles/writer')
    const [user] = (await this.#ask(`/users?exact=true&username=${who}`)) as { id: string }[]
    await this.keycloak.call('POST', `/${this.realm}/users/${user!.id}/role-mappings/realm`, [writer])
    await this.#root.modify(group('writers'), new Change({ operation: 'add', modification: new Attribute({ type: 'member', values: [person(who)] }) }))
  }

  /** By person, of everybody who has an account in PostgreSQL. */
  async held(): Promise<Map<string, Held>> {
    const { rows } = await this.#admin.query<{ who: string; login: boolean; roles: string[] }>(
      `SELECT m.rolname AS who, m.rolcanlogin AS login, array_remove(array_agg(r.rolname ORDER BY r.rolname), NULL)::text[] AS roles
       FROM pg_roles m LEFT JOIN pg_auth_members a ON a.member = m.oid LEFT JOIN pg_roles r ON r.oid = a.roleid
       WHERE m.rolname ~ '^[a-z]+[0-9]+x$' GROUP BY 1, 2 ORDER BY 1`)
    const [users, entries] = [await this.#users(), await this.#entries()]
    return new Map(rows.map(({ who, login, roles }) => [who, { postgres: { login, roles }, keycloak: users(who), openldap: entries(who) }]))
  }

  /** What the systems' own books say that was changed since everybody had what they should, each system's in its order. */
  async changes(): Promise<Made[]> {
    const { rows } = await this.#admin.query<{ who: string; what: string }>('SELECT who, what FROM changes ORDER BY at')
    const names = new Map(((await this.#ask('/users?max=10000')) as { id: string; username: string }[]).map(({ id, username }) => [id, username]))
    const events = (await this.#ask('/admin-events?max=100000')) as { time: number; operationType: string; resourceType: string; resourcePath: string }[]
    return [
      ...rows.map(({ who, what }): Made => ({ app: 'postgres', who, what })),
      ...events.reverse().map(({ operationType, resourceType, resourcePath }): Made => {
        const of = `${operationType} ${resourceType}`
        return { app: 'keycloak', who: names.get(resourcePath.split('/')[1] ?? '') ?? resourcePath, what: eventNames[of] ?? of }
      }),
      ...changesOfPeople(this.slapd.changes().slice(this.#ldifBefore)).map((one): Made => ({ app: 'openldap', ...one })),
    ]
  }

  async close(): Promise<void> {
    await this.#root.unbind()
    await this.#admin.end()
    await this.keycloak.call('DELETE', `/${this.realm}`)
    await Promise.all([this.postgres.stop(), this.keycloak.stop(), this.slapd.stop()])
    for (const name of ['E2E_POSTGRES', 'E2E_KEYCLOAK', 'E2E_LDAP']) Reflect.deleteProperty(process.env, name)
  }

  async #users(): Promise<(who: string) => Held['keycloak']> {
    const users = (await this.#ask('/users?max=10000')) as { username: string; enabled: boolean }[]
    const enabled = new Map(users.map((user) => [user.username, user.enabled]))
    const holders = new Map<string, string[]>()
    for (const role of ['clerk', `default-roles-${this.realm}`, 'writer']) {
      for (const { username } of (await this.#ask(`/roles/${role}/users?max=10000`)) as { username: string }[]) holders.set(username, [...(holders.get(username) ?? []), role])
    }
    return (who) => ({ enabled: enabled.get(who) === true, roles: holders.get(who) ?? [] })
  }

  async #entries(): Promise<(who: string) => Held['openldap']> {
    const { searchEntries: people } = await this.#root.search(`ou=people,${this.slapd.suffix}`, { filter: '(pwdAccountLockedTime=000001010000Z)', attributes: ['uid'] })
    const { searchEntries: groups } = await this.#root.search(`ou=groups,${this.slapd.suffix}`, { filter: '(objectClass=groupOfNames)', attributes: ['cn', 'member'] })
    const locked = new Set(people.map(({ uid }) => uid))
    return (who) => ({
      locked: locked.has(who),
      groups: groups.filter(({ member }) => [member].flat().includes(person(who))).map(({ cn }) => String(cn)).sort(),
    })
  }

  #ask(path: string): Promise<unknown> {
    return this.keycloak.call('GET', `/${this.realm}${path}`)
  }
}

const noted = (what: string, who: string): string => `INSERT INTO changes (who, what) VALUES (${who}, '${what}')`

/** What changes a login notes it in the transaction that does: PostgreSQL has no books of its own about roles. */
export const notedWrites = [...roleWrites, loginCreation].map((write) => ({ ...write, run: [...write.run, noted(write.operation, ':account')] }))

const eventNames: Readonly<Record<string, string>> = { 'CREATE USER': 'create-account', 'CREATE REALM_ROLE_MAPPING': 'grant', 'DELETE REALM_ROLE_MAPPING': 'revoke' }
