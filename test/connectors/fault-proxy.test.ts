import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Account } from '../../schemas/wire/raw.ts'
import { ScimConfig } from '../../connectors/scim/config.ts'
import { connector as scim } from '../../connectors/scim/connector.ts'
import { SqlConfig } from '../../connectors/sql/config.ts'
import { connector as sql } from '../../connectors/sql/connector.ts'
import type { ConnectorSession } from '../../src/ports/connector.ts'
import { Lab } from '../connect/lab.ts'
import { startPostgres, type PostgresServer } from '../services/postgres.ts'
import { startScim2Server, type Scim2Server } from '../services/scim2-server.ts'
import { startSlapd, type Slapd } from '../services/slapd.ts'
import { startFaultProxy, type Fault, type FaultProxy } from '../../src/hostile/fault-proxy.ts'
import { testPlatform } from '../support/test-platform.ts'
import { addGroup, addPerson, asRoot, openLdap, person, prepare } from './ldap/directory.ts'

/** Real systems, read through a proxy that breaks the connection: the run is exact, or partial and says where. */

const people = 400
const names = Array.from({ length: people }, (_, n) => `user${1000 + n}`)
const membersOf = 150

interface Behind {
  proxy: FaultProxy
  open: () => Promise<ConnectorSession>
  /** native ids, and of those in the group */
  accounts: readonly string[]
  members: readonly string[]
  /** bytes that a whole read takes, about */
  bytes: number
}

/** Of early, middle and late places in the answers, and with each way to break. */
const faultsOf = (bytes: number): { name: string; plan: Fault[] }[] => [
  ...[0.02, 0.3, 0.6, 0.9].flatMap((share) => [
    { name: `reset after ${share * 100} % of the bytes`, plan: [{ kind: 'reset', afterBytes: Math.ceil(bytes * share) } as const] },
    { name: `cut after ${share * 100} % of the bytes`, plan: [{ kind: 'truncate', afterBytes: Math.ceil(bytes * share) } as const] },
  ]),
  { name: 'late, in small pieces', plan: [{ kind: 'delay', ms: 1, pieceBytes: 1400 }] },
]

async function checkRun({ proxy, open, accounts, members }: Behind, plan: readonly Fault[]): Promise<'complete' | 'partial'> {
  const lab = new Lab(1)
  const before = proxy.struck
  proxy.plan(...plan)
  try {
    const result = await lab.snapshot(open)
    expect(proxy.struck, 'the fault has to strike').toBeGreaterThan(before)
    const records = (await lab.all('raw')).filter((record): record is Account => record.type === 'Account')
    const read = records.map(({ native }) => native)
    expect(new Set(read).size, 'no account comes twice').toBe(read.length)
    for (const native of read) expect(accounts).toContain(native)
    for (const { class: name, verdict, reason } of result.classes) {
      if (verdict !== 'complete') expect([name, reason]).not.toEqual([name, null])
    }
    const isComplete = (name: string): boolean => result.classes.find((one) => one.class === name)?.verdict === 'complete'
    if (isComplete('accounts')) expect(read.sort()).toEqual([...accounts].sort())
    if (isComplete('accounts') && isComplete('memberships')) {
      expect(records.filter(({ memberships }) => (memberships?.added.length ?? 0) > 0).map(({ native }) => native).sort()).toEqual([...members].sort())
    }
    if (result.verdict === 'complete') return 'complete'
    expect(result.place).not.toBeNull()
    return 'partial'
  } finally {
    lab.dispose()
  }
}

function suite(name: string, make: () => Promise<{ behind: Behind; dispose: () => Promise<void> }>): void {
  describe(name, { timeout: 120_000 }, () => {
    let behind: Behind
    let dispose: () => Promise<void>
    beforeAll(async () => {
      const made = await make()
      behind = made.behind
      dispose = made.dispose
    }, 300_000)
    afterAll(() => dispose())

    test('breaks are told as partial with their place, delays change nothing', async () => {
      const verdicts: Record<string, string> = {}
      for (const { name: fault, plan } of faultsOf(behind.bytes)) verdicts[fault] = await checkRun(behind, plan)
      expect(verdicts['late, in small pieces']).toBe('complete')
      expect(Object.values(verdicts).filter((verdict) => verdict === 'partial').length).toBeGreaterThan(4)
    })
  })
}

suite('OpenLDAP', async () => {
  const server: Slapd = await startSlapd()
  const proxy = await startFaultProxy(server.port)
  const root = await server.connect()
  await prepare(root)
  for (const name of names) await addPerson(root, name)
  await addGroup(root, 'some', names.slice(0, membersOf).map(person))
  const accounts = [{ name: 'people', base: 'ou=people,dc=example,dc=org' }]
  return {
    behind: {
      proxy, accounts: names.map(person), members: names.slice(0, membersOf).map(person), bytes: 75_000,
      open: () => openLdap({ url: `ldap://127.0.0.1:${proxy.port}` }, { ...asRoot(server), accounts, pageSize: 50, timeoutMs: 5_000 }),
    },
    dispose: async () => {
      await root.unbind()
      await proxy.stop()
      await server.stop()
      delete process.env['GRANTLINE_TEST_LDAP_ROOT']
      delete process.env['GRANTLINE_TEST_LDAP_PASSWORD']
    },
  }
})

suite('PostgreSQL', async () => {
  const server: PostgresServer = await startPostgres()
  const proxy = await startFaultProxy(server.port)
  const admin = await server.connect()
  await admin.query(`CREATE TABLE users AS SELECT 'user' || (1000 + n) AS login, repeat('x', 100) AS name FROM generate_series(0, ${people - 1}) n`)
  await admin.query(`CREATE TABLE user_roles AS SELECT login, 'some'::text AS role FROM users ORDER BY login LIMIT ${membersOf}`)
  process.env['GRANTLINE_TEST_PG_PROXY'] = server.password
  const config = SqlConfig.parse({
    driver: 'postgres', host: '127.0.0.1', port: proxy.port, database: 'postgres', user: server.user, password: 'env:GRANTLINE_TEST_PG_PROXY', pageSize: 50,
    statementTimeoutMs: 5_000,
    streams: [
      { name: 'users', piece: 'account', query: 'SELECT login, name FROM users ORDER BY login', columns: { id: 'login', display: 'name' } },
      { name: 'roles of users', piece: 'membership', query: 'SELECT login, role FROM user_roles ORDER BY login', columns: { account: 'login', id: 'role' } },
    ],
  })
  return {
    behind: { proxy, accounts: names, members: names.slice(0, membersOf), bytes: 52_000, open: () => sql.open(config, testPlatform()) },
    dispose: async () => {
      await admin.end()
      await proxy.stop()
      await server.stop()
      delete process.env['GRANTLINE_TEST_PG_PROXY']
    },
  }
})

suite('scim2-server', async () => {
  const server: Scim2Server = await startScim2Server()
  const tenant = new URL(server.tenant('proxied'))
  const proxy = await startFaultProxy(Number(tenant.port))
  process.env['GRANTLINE_TEST_SCIM_PROXY'] = server.token
  const seed = async (path: string, resources: object[]): Promise<string[]> => {
    const Operations = resources.map((data, n) => ({ method: 'POST', path, bulkId: `b${n}`, data }))
    const response = await fetch(`${tenant.href}/Bulk`, {
      method: 'POST', headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/scim+json' },
      body: JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations }),
    })
    const body = (await response.json()) as { Operations: { location: string }[] }
    return body.Operations.map(({ location }) => location.split('/').at(-1) ?? '')
  }
  const users = await seed('/Users', names.map((userName) => ({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName, active: true })))
  const members = users.slice(0, membersOf)
  await seed('/Groups', [{ schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'some', members: members.map((value) => ({ value, type: 'User' })) }])
  const config = ScimConfig.parse({
    baseUrl: `http://127.0.0.1:${proxy.port}${tenant.pathname}`, token: 'env:GRANTLINE_TEST_SCIM_PROXY', pageSize: 100, changes: 'off', roles: 'ignore', entitlements: 'ignore',
  })
  return {
    // one connection may carry all requests or one each: a page is what breaks
    behind: { proxy, accounts: users, members, bytes: 16_000, open: () => scim.open(config, testPlatform()) },
    dispose: async () => {
      await proxy.stop()
      await server.stop()
      delete process.env['GRANTLINE_TEST_SCIM_PROXY']
    },
  }
})
