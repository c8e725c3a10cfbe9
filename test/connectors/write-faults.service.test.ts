import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connector as keycloak } from '../../connectors/keycloak/connector.ts'
import { connector as ldap } from '../../connectors/ldap/connector.ts'
import { connector as scim } from '../../connectors/scim/connector.ts'
import { connector as sql } from '../../connectors/sql/connector.ts'
import type { WriteResult } from '../../schemas/wire/actions.ts'
import type { Operation } from '../../schemas/wire/operations.ts'
import { createPlatform, withPriority } from '../../src/connect/platform.ts'
import { Source } from '../../src/connect/source.ts'
import { WriteExecutor } from '../../src/connect/writes/executor.ts'
import type { ConnectorSession, ConnectorType } from '../../src/ports/connector.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { openPublisher } from '../../src/runtime/publisher.ts'
import { command } from '../connect/writes/bench.ts'
import { Lab } from '../connect/lab.ts'
import { operation } from '../contract/write-side.ts'
import { startKeycloak } from '../services/keycloak.ts'
import { startPostgres } from '../services/postgres.ts'
import { startScim2Server } from '../services/scim2-server.ts'
import { startFaultProxy, type FaultProxy, type Strike } from '../../src/hostile/fault-proxy.ts'
import { idsOf, logsIn, makeRealm, settings as keycloakSettings, someone } from './keycloak/realm.ts'
import { addGroup, addPerson, behindProxy, group, person } from './ldap/directory.ts'
import { callerOf, userSchema } from './scim/caller.ts'
import { loginStreams, passwordWrites, roleWrites } from './sql/postgres-logins.ts'

/** Real systems, written through a proxy that breaks the connection at the write itself: the verdict is true, and the effect is there once. */

interface Case {
  what: string
  operations: Operation[]
  /** what the client sends when it writes */
  writes: RegExp
  /** how often the effect is there, asked of the system by another way: once is right */
  effects: () => Promise<number>
}

interface System {
  proxy: FaultProxy
  open: Parameters<typeof executing>[0]
  /** made anew for each way to break: `n` names its subject */
  cases: (n: number) => Promise<Case[]>
  dispose: () => Promise<void>
}

const ways: Strike['then'][] = ['unsent', 'unheard', 'half-open', 'late']
const leaseMs = 4_000

/** An owner of the application that carries out one command, on the real client, and waits until it shows or can't. */
async function executing(open: (platform: ReturnType<typeof createPlatform>) => Promise<ConnectorSession>, config: unknown, operations: Operation[]): Promise<WriteResult> {
  const lab = new Lab(1)
  const controller = new AbortController()
  try {
    const platform = createPlatform({ app: 'app', config, clock: systemClock, signal: controller.signal, env: process.env, baseDir: tmpdir() })
    const source = new Source('app', await openPublisher({ log: lab.log, codec: lab.codec, clock: systemClock, id: 'test/app' }), systemClock)
    const executor = new WriteExecutor({
      source, open: () => open(withPriority(platform, 'urgent')), canonical: (native) => native, visibilityMs: 10_000, leaseMs, takeoverMs: 0,
      signal: controller.signal, onEvent: () => undefined,
    })
    await executor.obey([command(...operations)])
    while (executor.waitMs() !== Infinity) {
      await systemClock.sleep(executor.waitMs(), controller.signal)
      await executor.lookAgain()
    }
    return (await lab.of('actions', 'WriteResult')).at(-1)!
  } finally {
    controller.abort()
    lab.dispose()
  }
}

function suite<C>(name: string, type: ConnectorType<C>, make: () => Promise<Omit<System, 'open'> & { with: object }>): void {
  describe(name, { timeout: 240_000 }, () => {
    let system: Omit<System, 'open'> & { with: object }
    beforeAll(async () => {
      system = await make()
    }, 600_000)
    afterAll(() => system.dispose())

    test.each(ways)('%s', async (then) => {
      const config = type.config.parse(system.with)
      for (const { what, operations, writes, effects } of await system.cases(ways.indexOf(then))) {
        const before = system.proxy.struck
        expect([what, await effects()]).toEqual([what, 0])
        system.proxy.strike({ of: writes, then, lateMs: 1_500 })
        const { verdict, reason } = await executing((platform) => type.open(config, platform), config, operations)
        expect([what, system.proxy.struck - before]).toEqual([what, 1])
        expect([what, verdict, reason, await effects()]).toEqual([what, 'applied', expect.toBeOneOf([null, expect.stringContaining('it was so when asked again')]), 1])
      }
    })
  })
}

suite('PostgreSQL', sql, async () => {
  const server = await startPostgres()
  const proxy = await startFaultProxy(server.port)
  const admin = await server.connect()
  const handOver = mkdtempSync(join(tmpdir(), 'grantline-write-faults-'))
  process.env['GRANTLINE_TEST_PG_FAULTS'] = server.password
  await admin.query('CREATE ROLE readers')
  return {
    proxy,
    with: {
      driver: 'postgres', host: '127.0.0.1', port: proxy.port, database: 'postgres', user: server.user, password: 'env:GRANTLINE_TEST_PG_FAULTS', statementTimeoutMs: 3_000,
      streams: loginStreams, write: [...roleWrites, ...passwordWrites], handOver,
    },
    cases: async (n) => {
      const who = `login${n}`
      await admin.query(`CREATE ROLE ${who} LOGIN PASSWORD 'old' VALID UNTIL '2025-01-01T00:00:00Z'`)
      const rows = async (query: string): Promise<number> => (await admin.query(query)).rows.length
      const expires = String(Date.UTC(2025, 0, 1))
      return [
        { what: 'grant', operations: [operation('grant', who, { ref: { kind: 'role', id: 'readers' } })], writes: /COMMIT/,
          effects: () => rows(`SELECT 1 FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = '${who}'`) },
        { what: 'rotate', operations: [operation('rotate-credential', who, { credential: 'password', attributes: { expires } })], writes: /COMMIT/,
          effects: async () => {
            const files = readdirSync(handOver).filter((file) => file.startsWith(who))
            const rotated = await rows(`SELECT 1 FROM pg_roles WHERE rolname = '${who}' AND rolvaliduntil > now()`)
            return rotated === files.length && files.every((file) => file === `${who}@password`) ? rotated : -1
          } },
      ]
    },
    dispose: async () => {
      delete process.env['GRANTLINE_TEST_PG_FAULTS']
      rmSync(handOver, { recursive: true })
      await admin.end()
      await proxy.stop()
      await server.stop()
    },
  }
})

suite('OpenLDAP', ldap, async () => {
  const { proxy, root, settings, dispose } = await behindProxy()
  await addGroup(root, 'staff', ['cn=nobody,dc=example,dc=org'])
  // an LDAP message (RFC 4511, 4.1.1) that holds a ModifyRequest or an AddRequest
  const [modify, add] = [/^0[\s\S]{1,5}?\x02[\x01-\x04][\s\S]{1,4}?f/, /^0[\s\S]{1,5}?\x02[\x01-\x04][\s\S]{1,4}?h/]
  return {
    proxy,
    with: settings({ timeoutMs: 3_000, accounts: [{ name: 'people', base: 'ou=people,dc=example,dc=org', create: {} }] }),
    cases: async (n) => {
      await addPerson(root, `p${n}`)
      const found = async (filter: string): Promise<number> => (await root.search('dc=example,dc=org', { filter })).searchEntries.length
      return [
        { what: 'grant', operations: [operation('grant', person(`p${n}`), { ref: { kind: 'group', id: group('staff') } })], writes: modify,
          effects: () => found(`(&(cn=staff)(member=${person(`p${n}`)}))`) },
        { what: 'create', operations: [operation('create-account', person(`new${n}`), { attributes: { uid: `new${n}`, cn: 'New', sn: 'One' } })], writes: add, effects: () => found(`(uid=new${n})`) },
      ]
    },
    dispose,
  }
})

suite('scim2-server', scim, async () => {
  const server = await startScim2Server()
  const tenant = new URL(server.tenant('faults'))
  const proxy = await startFaultProxy(Number(tenant.port))
  process.env['GRANTLINE_TEST_SCIM_FAULTS'] = server.token
  const call = callerOf(tenant.href, server.token)
  const named = async (userName: string): Promise<Record<string, unknown>[]> =>
    ((await call('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`))['Resources'] ?? []) as Record<string, unknown>[]
  await call('POST', '/Users', { schemas: [userSchema], userName: 'control' })
  return {
    proxy,
    with: { baseUrl: `http://127.0.0.1:${proxy.port}${tenant.pathname}`, token: 'env:GRANTLINE_TEST_SCIM_FAULTS', changes: 'off' },
    cases: async (n) => {
      const { id } = await call('POST', '/Users', { schemas: [userSchema], userName: `u${n}`, active: true })
      const withRole = async (userName: string): Promise<number> =>
        (await named(userName)).reduce((sum, user) => sum + ((user['roles'] ?? []) as { value: string }[]).filter(({ value }) => value === 'approver').length, 0)
      const ref = { kind: 'entitlement', id: 'role:approver' } as const
      return [
        { what: 'grant', operations: [operation('grant', String(id), { ref })], writes: /^PATCH /, effects: () => withRole(`u${n}`) },
        { what: 'create, then grant', operations: [operation('create-account', `new${n}`), operation('grant', `new${n}`, { ref })], writes: /^POST /,
          effects: async () => Math.max((await named(`new${n}`)).length, await withRole(`new${n}`)) },
      ]
    },
    dispose: async () => {
      delete process.env['GRANTLINE_TEST_SCIM_FAULTS']
      await proxy.stop()
      await server.stop()
    },
  }
})

suite('Keycloak', keycloak, async () => {
  const server = await startKeycloak()
  const proxy = await startFaultProxy(Number(new URL(server.baseUrl).port))
  const realm = await makeRealm(server, [someone('control'), ...ways.map((_, n) => someone(`u${n}`))])
  const ids = await idsOf(server, realm)
  const handOver = mkdtempSync(join(tmpdir(), 'grantline-write-faults-'))
  /** Admin events tell how often something was really done. */
  const events = async (query: string): Promise<number> => ((await server.call('GET', `/${realm}/admin-events?max=1000&${query}`)) as unknown[]).length
  return {
    proxy,
    with: keycloakSettings({ baseUrl: `http://127.0.0.1:${proxy.port}` }, realm, { handOver, changes: 'off' }),
    cases: async (n) => {
      const id = ids.get(`u${n}`) ?? ''
      await server.call('POST', `/${realm}/clients`, { clientId: `robot${n}`, serviceAccountsEnabled: true, publicClient: false, secret: `old-${n}` })
      const [client] = (await server.call('GET', `/${realm}/clients?clientId=robot${n}`)) as { id: string }[]
      const service = (await server.call('GET', `/${realm}/clients/${client!.id}/service-account-user`)) as { id: string }
      const file = join(handOver, `${service.id}@robot${n}%3Aclient-secret`)
      return [
        { what: 'grant', operations: [operation('grant', id, { ref: { kind: 'role', id: 'role:clerk' } })], writes: /^POST \S*role-mappings/,
          effects: () => events(`operationTypes=CREATE&resourcePath=users/${id}/role-mappings/*`) },
        { what: 'create, then grant', writes: /^POST \S*\/users /, effects: () => events(`operationTypes=CREATE&resourceTypes=USER&resourcePath=users/*`).then((made) => made - n),
          operations: [operation('create-account', `new${n}`, { attributes: { email: `new${n}@example.org` } }), operation('grant', `new${n}`, { ref: { kind: 'role', id: 'role:clerk' } })] },
        { what: 'rotate', operations: [operation('rotate-credential', service.id, { credential: `robot${n}:client-secret` })], writes: /^POST \S*client-secret/,
          effects: async () => {
            const rotations = await events(`operationTypes=ACTION&resourcePath=clients/${client!.id}/client-secret`)
            return rotations === 1 && !(await logsIn(server, realm, `robot${n}`, readFileSync(file, 'utf8'))) ? -1 : rotations
          } },
      ]
    },
    dispose: async () => {
      delete process.env['GRANTLINE_TEST_KEYCLOAK']
      rmSync(handOver, { recursive: true })
      await proxy.stop()
      await server.call('DELETE', `/${realm}`)
      await server.stop()
    },
  }
})
