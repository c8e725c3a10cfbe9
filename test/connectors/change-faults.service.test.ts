import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Attribute, Change } from 'ldapts'
import { connector as keycloak } from '../../connectors/keycloak/connector.ts'
import { connector as ldap } from '../../connectors/ldap/connector.ts'
import { connector as scim } from '../../connectors/scim/connector.ts'
import { connector as sql } from '../../connectors/sql/connector.ts'
import { createPlatform } from '../../src/connect/platform.ts'
import { ConnectError, type ConnectorType } from '../../src/ports/connector.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { Lab } from '../connect/lab.ts'
import { startKeycloak } from '../services/keycloak.ts'
import { startPostgres } from '../services/postgres.ts'
import { startScim2Server } from '../services/scim2-server.ts'
import { startFaultProxy, type FaultProxy } from '../../src/hostile/fault-proxy.ts'
import { idsOf, makeRealm, settings as keycloakSettings, someone } from './keycloak/realm.ts'
import { addGroup, addPerson, behindProxy, person } from './ldap/directory.ts'
import { callerOf, userSchema } from './scim/caller.ts'

/** What changed in real systems, asked for through a proxy that breaks the answer: all of it is told, or an error, after which the same question is answered. */

interface System {
  proxy: FaultProxy
  with: object
  /** changes some accounts; their native ids */
  change: (round: number) => Promise<string[]>
  accounts: number
  /** how many connections are broken of a whole read: a server that closes each after its answer makes many */
  connections?: number
  dispose: () => Promise<void>
}

function suite<C>(name: string, type: ConnectorType<C>, make: () => Promise<System>): void {
  describe(name, { timeout: 120_000 }, () => {
    let system: System
    beforeAll(async () => {
      system = await make()
    }, 600_000)
    afterAll(() => system.dispose())

    /** A session of its own each time, as after a break. */
    async function using<T>(work: (session: Awaited<ReturnType<ConnectorType<C>['open']>>) => Promise<T>): Promise<T> {
      const config = type.config.parse(system.with)
      const controller = new AbortController()
      const session = await type.open(config, createPlatform({ app: 'app', config, clock: systemClock, signal: controller.signal, env: process.env, baseDir: tmpdir() }))
      try {
        return await work(session)
      } finally {
        await session.close().catch(() => undefined)
        controller.abort()
      }
    }
    const asked = (cursor: string | null) => using((session) => session.changes!(cursor))

    test('cut in the middle, wherever: nothing that changed is passed over', async () => {
      const outcomes: string[] = []
      for (const [round, afterBytes] of [20, 300, 900, 2_000].entries()) {
        system.proxy.plan({ kind: 'none' })
        const { cursor } = await asked(null)
        const changed = await system.change(round)
        const struck = system.proxy.struck
        system.proxy.plan({ kind: 'reset', afterBytes }, { kind: 'truncate', afterBytes }, { kind: 'none' })
        const broken = await asked(cursor).catch((error: unknown) => error)
        system.proxy.plan({ kind: 'none' })
        if (system.proxy.struck > struck) outcomes.push(broken instanceof ConnectError ? broken.class : 'told')
        if (broken instanceof Error) expect(broken).toBeInstanceOf(ConnectError)
        else expect((broken as { accounts: string[] }).accounts).toEqual(expect.arrayContaining(changed))
        expect((await asked(cursor)).accounts).toEqual(expect.arrayContaining(changed))
      }
      expect(outcomes.length).toBeGreaterThan(1)
      expect(new Set(outcomes)).toEqual(new Set(outcomes.filter((outcome) => ['told', 'transient', 'partial'].includes(outcome))))
    })

    test('a whole read that is cut is partial and says where, or was asked again and is exact', async () => {
      for (const afterBytes of [500, 3_000, 8_000]) {
        const lab = new Lab(1)
        const struck = system.proxy.struck
        const broken = Array.from({ length: system.connections ?? 2 }, (_, at) => ({ kind: at % 2 === 0 ? 'reset' : 'truncate', afterBytes } as const))
        system.proxy.plan(...broken, { kind: 'none' })
        const result = await using((session) => lab.snapshot(() => Promise.resolve({ ...session, close: () => Promise.resolve() }))).catch((error: unknown) => error)
        system.proxy.plan({ kind: 'none' })
        expect(system.proxy.struck).toBeGreaterThan(struck)
        // cut before it could be opened
        if (result instanceof Error) expect(result).toMatchObject({ name: 'ConnectError', class: 'transient' })
        else {
          const { verdict, place } = result as { verdict: string; place: string | null }
          if (verdict === 'complete') expect(new Set((await lab.of('raw', 'Account')).map(({ id }) => id)).size).toBe(system.accounts)
          else expect([verdict, place]).not.toEqual([verdict, null])
        }
        lab.dispose()
      }
    })
  })
}

suite('OpenLDAP', ldap, async () => {
  const { proxy, root, settings, dispose } = await behindProxy()
  const people = Array.from({ length: 40 }, (_, n) => `p${n}`)
  for (const who of people) await addPerson(root, who)
  await addGroup(root, 'staff', people.map(person))
  return {
    proxy, accounts: people.length,
    with: settings({ timeoutMs: 5_000, pageSize: 10, visibilityLagMs: 0, accounts: [{ name: 'people', base: 'ou=people,dc=example,dc=org' }] }),
    change: async (round) => {
      const changed = people.slice(round * 8, round * 8 + 8)
      for (const who of changed) await root.modify(person(who), new Change({ operation: 'replace', modification: new Attribute({ type: 'sn', values: [`changed ${round}`] }) }))
      return changed.map(person)
    },
    dispose,
  }
})

suite('PostgreSQL', sql, async () => {
  const server = await startPostgres()
  const proxy = await startFaultProxy(server.port)
  const admin = await server.connect()
  const people = Array.from({ length: 120 }, (_, n) => `login${n}`)
  process.env['GRANTLINE_TEST_PG_CHANGES'] = server.password
  await admin.query(`CREATE TABLE users AS SELECT 'login' || n AS login, repeat('x', 100) AS name, now() AS changed FROM generate_series(0, ${people.length - 1}) n`)
  return {
    proxy, accounts: people.length,
    with: {
      driver: 'postgres', host: '127.0.0.1', port: proxy.port, database: 'postgres', user: server.user, password: 'env:GRANTLINE_TEST_PG_CHANGES', statementTimeoutMs: 5_000,
      streams: [{ name: 'users', piece: 'account', query: 'SELECT login, name FROM users', one: 'SELECT login, name FROM users WHERE login = $1', columns: { id: 'login', display: 'name' } }],
      changes: { position: 'SELECT CAST(max(changed) AS text) FROM users', query: 'SELECT login FROM users WHERE changed > CAST(:cursor AS timestamptz)', account: 'login' },
    },
    change: async (round) => {
      const changed = people.slice(round * 8, round * 8 + 8)
      for (const who of changed) await admin.query('UPDATE users SET name = $2, changed = clock_timestamp() WHERE login = $1', [who, `Changed ${round}`.padEnd(100, 'x')])
      return changed
    },
    dispose: async () => {
      delete process.env['GRANTLINE_TEST_PG_CHANGES']
      await admin.end()
      await proxy.stop()
      await server.stop()
    },
  }
})

suite('Keycloak', keycloak, async () => {
  const server = await startKeycloak()
  const proxy = await startFaultProxy(Number(new URL(server.baseUrl).port))
  const users = Array.from({ length: 12 }, (_, n) => `user${n}`)
  const realm = await makeRealm(server, users.map((who) => someone(who, { groups: ['/sales'] })))
  const ids = await idsOf(server, realm)
  return {
    // and the service accounts of Robot and grantline
    proxy, accounts: users.length + 2,
    with: keycloakSettings({ baseUrl: `http://127.0.0.1:${proxy.port}` }, realm, { pageSize: 5 }),
    change: async (round) => {
      const changed = users.slice(round * 3, round * 3 + 3)
      for (const who of changed) await server.call('PUT', `/${realm}/users/${ids.get(who)}`, someone(who, { lastName: `Changed ${round}` }))
      return changed.map((who) => ids.get(who) ?? '')
    },
    dispose: async () => {
      delete process.env['GRANTLINE_TEST_KEYCLOAK']
      await proxy.stop()
      await server.call('DELETE', `/${realm}`)
      await server.stop()
    },
  }
})

suite('scim2-server', scim, async () => {
  const server = await startScim2Server()
  const tenant = new URL(server.tenant('changes'))
  const proxy = await startFaultProxy(Number(tenant.port))
  const call = callerOf(tenant.href, server.token)
  process.env['GRANTLINE_TEST_SCIM_CHANGES'] = server.token
  const users: string[] = []
  for (let n = 0; n < 40; n++) users.push(String((await call('POST', '/Users', { schemas: [userSchema], userName: `u${n}` }))['id']))
  return {
    proxy, accounts: users.length, connections: 30,
    with: { baseUrl: `http://127.0.0.1:${proxy.port}${tenant.pathname}`, token: 'env:GRANTLINE_TEST_SCIM_CHANGES', pageSize: 40 },
    change: async (round) => {
      const changed = users.slice(round * 8, round * 8 + 8)
      const replaced = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', path: 'displayName', value: `Changed ${round}` }] }
      for (const id of changed) await call('PATCH', `/Users/${id}`, replaced)
      return changed
    },
    dispose: async () => {
      delete process.env['GRANTLINE_TEST_SCIM_CHANGES']
      await proxy.stop()
      await server.stop()
    },
  }
})
