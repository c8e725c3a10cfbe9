import type pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import { breaks, openReal, type RealCase, type RealKit } from '../../src/conformance/real-system.ts'
import { startFaultProxy, type Fault, type FaultProxy } from '../../src/hostile/fault-proxy.ts'
import { startPostgres, type PostgresServer } from '../services/postgres.ts'
import { Workbench } from './workbench.ts'

/** PostgreSQL through a proxy. */
const bench = new Workbench()
let server: PostgresServer
let proxy: FaultProxy
let admin: pg.Client
let real: RealKit

const streams = [
  { name: 'users', piece: 'account', query: 'SELECT login, name, active FROM users ORDER BY login', columns: { id: 'login', display: 'name', status: 'active' }, translate: { status: { t: 'active', f: 'disabled' } } },
  { name: 'members', piece: 'membership', query: 'SELECT login, team FROM members ORDER BY login, team', columns: { account: 'login', id: 'team' }, defaults: { kind: 'group' } },
]

beforeAll(async () => {
  server = await startPostgres()
  proxy = await startFaultProxy(server.port)
  admin = await server.connect()
  await admin.query("CREATE ROLE reader LOGIN PASSWORD 'reader-of-the-kit'")
  const settings = { driver: 'postgres', host: '127.0.0.1', port: proxy.port, database: 'postgres', user: 'reader', password: 'env:KIT_PG', pageSize: 7, statementTimeoutMs: 4_000, connectTimeoutMs: 4_000, streams }
  const app = await configureApp('database', AppConfig.parse({ connector: 'sql', with: settings }), '.')
  real = await openReal({ name: 'PostgreSQL', app, proxy, reset }, { ...bench.options, env: { KIT_PG: 'reader-of-the-kit' } })
}, 300_000)
afterAll(async () => {
  real.kit.stop()
  await admin.end()
  await proxy.stop()
  await server.stop()
  bench.dispose()
})

async function reset(): Promise<void> {
  await admin.query(`
    ROLLBACK; DROP TABLE IF EXISTS users; DROP TABLE IF EXISTS members;
    CREATE TABLE users AS SELECT 'user' || (100 + n) AS login, repeat('x', 60) AS name, CASE WHEN n % 5 = 4 THEN 'f' ELSE 't' END AS active FROM generate_series(0, 59) n;
    CREATE TABLE members AS SELECT login, 'team' || (n % 3) AS team FROM users, generate_series(0, 1) n;
    GRANT SELECT ON users, members TO reader`)
}

const sql = (text: string) => (): Promise<unknown> => admin.query(text)
const meanwhile = (text: string): Fault[] => [{ kind: 'meanwhile', afterBytes: 2_500, act: () => admin.query(text) }]

const cases: RealCase[] = [
  ...breaks([100, 1_500, 4_000, 7_000]),
  { name: 'no more comes in the middle, and no end', expected: 'partial', plan: [{ kind: 'hang', afterBytes: 3_000 }] },
  { name: 'no answer to the login, and no end', expected: 'partial', plan: [{ kind: 'hang', afterBytes: 0 }] },
  { name: 'the server ends the session while pages are read', expected: 'partial', plan: meanwhile("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'") },
  { name: 'rows come while pages are read', expected: 'exact', plan: meanwhile("INSERT INTO users SELECT 'aaa' || n, 'New', 't' FROM generate_series(1, 9) n"), differs: true },
  { name: 'rows go while pages are read', expected: 'exact', plan: meanwhile('DELETE FROM users WHERE login > \'user130\''), differs: true },
  { name: 'everything goes while pages are read', expected: 'exact', plan: meanwhile('DELETE FROM members; DELETE FROM users'), differs: true },
  { name: 'the table is locked for longer than a statement may take', expected: 'partial', harm: sql('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE'), differs: true, lasting: true },
  { name: 'one table may no longer be read', expected: 'partial', harm: sql('REVOKE SELECT ON members FROM reader'), differs: true, lasting: true },
  { name: 'one table is missing', expected: 'partial', harm: sql('DROP TABLE members'), differs: true, lasting: true },
  { name: 'a column has another name', expected: 'partial', harm: sql('ALTER TABLE users RENAME COLUMN name TO label'), differs: true, lasting: true },
  { name: 'a value that nobody knows', expected: 'refused', harm: sql("UPDATE users SET active = 'perhaps' WHERE login = 'user107'"), differs: true, lasting: true },
  { name: 'an id is NULL', expected: 'partial', harm: sql("UPDATE users SET login = NULL WHERE login = 'user107'"), differs: true, lasting: true },
  { name: 'the same user twice, told in two ways', expected: 'safe', harm: sql("INSERT INTO users VALUES ('user107', 'Another Name', 't')"), differs: true, lasting: true },
  { name: 'everything is deleted', expected: 'exact', harm: sql('DELETE FROM members; DELETE FROM users'), differs: true },
]

it('is read whole where nothing goes wrong', () => {
  expect(real.kit.honest.accounts.size).toBe(60)
})

it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
  const { wrong, said } = await real.run(one)
  expect(wrong, `the run said: ${said}`).toEqual([])
})
