import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { bindable, bindProblem } from '../../../connectors/sql/bind.ts'
import { SqlConfig } from '../../../connectors/sql/config.ts'
import { connector } from '../../../connectors/sql/connector.ts'
import { operation, writeContract } from '../../contract/write-side.ts'
import { startPostgres } from '../../services/postgres.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { loginStreams, passwordWrites, roleWrites } from './postgres-logins.ts'

const tables = `
  CREATE TABLE users (login TEXT PRIMARY KEY, name TEXT NOT NULL, locked BOOLEAN NOT NULL DEFAULT false);
  CREATE TABLE roles (code TEXT PRIMARY KEY);
  CREATE TABLE user_roles (login TEXT NOT NULL REFERENCES users, role TEXT NOT NULL REFERENCES roles, PRIMARY KEY (login, role));
  CREATE TABLE keys (id TEXT PRIMARY KEY, login TEXT NOT NULL REFERENCES users, secret TEXT, made BIGINT NOT NULL);
  INSERT INTO roles VALUES ('clerk'), ('head'); INSERT INTO users VALUES ('ada', 'Ada', false), ('bob', 'Bob', false); INSERT INTO user_roles VALUES ('bob', 'clerk');
  INSERT INTO keys VALUES ('k1', 'bob', 'old', 1000), ('k2', 'bob', 'old', 1000);
`
const held = 'SELECT 1 FROM user_roles WHERE login = :account AND role = :ref'
const writes = [
  { operation: 'grant', kind: 'role', holds: held, run: ['INSERT INTO user_roles (login, role) VALUES (:account, :ref)'] },
  { operation: 'revoke', kind: 'role', holds: `SELECT 1 WHERE NOT EXISTS (${held})`, run: ['DELETE FROM user_roles WHERE login = :account AND role = :ref'] },
  { operation: 'disable-account', holds: 'SELECT 1 FROM users WHERE login = :account AND locked', run: ['UPDATE users SET locked = true WHERE login = :account'] },
  { operation: 'enable-account', holds: 'SELECT 1 FROM users WHERE login = :account AND NOT locked', run: ['UPDATE users SET locked = false WHERE login = :account'] },
  { operation: 'create-account', holds: 'SELECT 1 FROM users WHERE login = :account', run: ['INSERT INTO users (login, name) VALUES (:account, :attributes.name)'] },
  { operation: 'delete-account', holds: 'SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM users WHERE login = :account)',
    run: ['DELETE FROM user_roles WHERE login = :account', 'DELETE FROM users WHERE login = :account'] },
]
const credentialWrites = [
  { operation: 'rotate-credential', holds: 'SELECT 1 FROM keys WHERE id = :credential AND login = :account AND made > CAST(:attributes.created AS BIGINT)',
    run: ['UPDATE keys SET secret = :secret, made = made + 500 WHERE id = :credential AND login = :account'] },
  { operation: 'disable-credential', holds: 'SELECT 1 FROM keys WHERE id = :credential AND login = :account AND secret IS NULL',
    run: ['UPDATE keys SET secret = NULL WHERE id = :credential AND login = :account'] },
]
const streams = [{ name: 'users', piece: 'account', query: 'SELECT login FROM users', columns: { id: 'login' } }]

const bystanders = "SELECT * FROM users NATURAL JOIN user_roles JOIN keys ON keys.login = users.login WHERE users.login = 'bob' AND keys.id = 'k2'"

/** `ask`: how many rows a query has. */
function cases(ask: (sql: string) => Promise<number>, handOver: string) {
  const role = { ref: { kind: 'role', id: 'head' } as const }
  const quoted = { ref: { kind: 'role', id: "cl'erk" } as const }
  const so = async (sql: string): Promise<boolean> => (await ask(sql)) === 1
  const key = { credential: 'k1', attributes: { created: '1000' } }
  const file = join(handOver, 'bob@k1')
  return {
    cases: [
      { operation: operation('grant', 'ada', role), holds: () => so("SELECT 1 FROM user_roles WHERE login = 'ada' AND role = 'head'") },
      { operation: operation('disable-account', 'ada'), holds: () => so("SELECT 1 FROM users WHERE login = 'ada' AND locked") },
      { operation: operation('enable-account', 'ada'), holds: () => so("SELECT 1 FROM users WHERE login = 'ada' AND NOT locked") },
      { operation: operation('revoke', 'ada', role), holds: () => so("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM user_roles WHERE login = 'ada')") },
      { operation: operation('create-account', 'zoe', { attributes: { name: "Zo'e" } }), holds: () => so("SELECT 1 FROM users WHERE login = 'zoe' AND name = 'Zo''e'") },
      { operation: operation('delete-account', 'ada'), holds: () => so("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM users WHERE login = 'ada')") },
      { operation: operation('rotate-credential', 'bob', key), holds: async () => existsSync(file) && (await so(`SELECT 1 FROM keys WHERE id = 'k1' AND secret = '${readFileSync(file, 'utf8')}'`)) },
      { operation: operation('disable-credential', 'bob', key), holds: () => so("SELECT 1 FROM keys WHERE id = 'k1' AND secret IS NULL") },
    ],
    refused: [
      operation('rotate-credential', 'ada', key), operation('rotate-credential', 'bob', { credential: 'k2' }), operation('disable-credential', 'bob', { credential: 'none' }),
      operation('grant', 'nobody', role), operation('grant', 'bob', quoted), operation('disable-account', 'nobody'),
      operation('grant', 'bob', { ref: { kind: 'group', id: 'clerk' } }), operation('create-account', 'nameless'),
    ],
  }
}

describe('permission tables in SQLite', () => {
  writeContract(connector, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'grantline-sql-write-'))
    const database = new DatabaseSync(join(dir, 'app.db'))
    database.exec(tables)
    return {
      ...cases(async (sql) => database.prepare(sql).all().length, join(dir, 'secrets')),
      with: { driver: 'sqlite', file: join(dir, 'app.db'), streams, write: [...writes, ...credentialWrites], handOver: join(dir, 'secrets') },
      platform: testPlatform(),
      bystanders: async () => database.prepare(bystanders).all(),
      dispose: async () => {
        database.close()
        rmSync(dir, { recursive: true, force: true })
      },
    }
  })
})

describe('PostgreSQL', () => {
  describe('permission tables', () => {
    writeContract(connector, async () => {
      const server = await startPostgres()
      process.env['GRANTLINE_TEST_PG_WRITE'] = server.password
      const admin = await server.connect()
      const secrets = mkdtempSync(join(tmpdir(), 'grantline-sql-secrets-'))
      await admin.query(tables)
      return {
        ...cases(async (sql) => (await admin.query(sql)).rows.length, secrets),
        with: {
          driver: 'postgres', host: server.host, port: server.port, database: 'postgres', user: server.user, password: 'env:GRANTLINE_TEST_PG_WRITE', streams,
          write: [...writes, ...credentialWrites], handOver: secrets,
        },
        platform: testPlatform(),
        bystanders: async (): Promise<unknown> => (await admin.query(bystanders)).rows,
        dispose: async () => {
          rmSync(secrets, { recursive: true })
          await admin.end()
          await server.stop()
        },
      }
    })
  })

  describe('its own logins and roles', () => {
    writeContract(connector, async () => {
      const server = await startPostgres()
      process.env['GRANTLINE_TEST_PG_WRITE'] = server.password
      const admin = await server.connect()
      const secrets = mkdtempSync(join(tmpdir(), 'grantline-sql-secrets-'))
      const ended = Date.UTC(2025, 0, 1)
      const password = { credential: 'password', attributes: { expires: String(ended) } }
      const mayLogIn = async (secret: string): Promise<boolean> => {
        const client = new pg.Client({ host: server.host, port: server.port, database: 'postgres', user: 'ada', password: secret })
        return await client.connect().then(() => client.end().then(() => true), () => false)
      }
      const file = join(secrets, 'ada@password')
      await admin.query(`CREATE ROLE "read'ers"; CREATE ROLE ada LOGIN PASSWORD 'old' VALID UNTIL '2025-01-01T00:00:00Z'; CREATE ROLE bob LOGIN; GRANT "read'ers" TO bob`)
      const so = async (sql: string): Promise<boolean> => (await admin.query(sql)).rows.length === 1
      const ref = { kind: 'role', id: "read'ers" } as const
      const member = "SELECT 1 FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = 'ada'"
      return {
        with: {
          driver: 'postgres', host: server.host, port: server.port, database: 'postgres', user: server.user, password: 'env:GRANTLINE_TEST_PG_WRITE',
          streams: loginStreams, write: [...roleWrites, ...passwordWrites], handOver: secrets,
        },
        platform: testPlatform(),
        cases: [
          { operation: operation('grant', 'ada', { ref }), holds: () => so(member) },
          { operation: operation('revoke', 'ada', { ref }), holds: async () => !(await so(member)) },
          { operation: operation('disable-account', 'ada'), holds: () => so("SELECT 1 FROM pg_roles WHERE rolname = 'ada' AND NOT rolcanlogin") },
          { operation: operation('enable-account', 'ada'), holds: () => so("SELECT 1 FROM pg_roles WHERE rolname = 'ada' AND rolcanlogin") },
          { operation: operation('rotate-credential', 'ada', password), holds: async () => existsSync(file) && (await mayLogIn(readFileSync(file, 'utf8'))) },
          { operation: operation('disable-credential', 'ada', password), holds: async () => !(await mayLogIn(readFileSync(file, 'utf8'))) },
        ],
        refused: [operation('grant', 'ada', { ref: { kind: 'role', id: 'none' } }), operation('disable-account', 'nobody'), operation('rotate-credential', 'nobody', password)],
        bystanders: async (): Promise<unknown> => (await admin.query("SELECT m.rolname, m.rolcanlogin, a.roleid FROM pg_roles m JOIN pg_auth_members a ON a.member = m.oid WHERE m.rolname = 'bob'")).rows,
        dispose: async () => {
          delete process.env['GRANTLINE_TEST_PG_WRITE']
          rmSync(secrets, { recursive: true })
          await admin.end()
          await server.stop()
        },
      }
    })
  })
})

test('parameters are the statement’s own, not what is quoted, cast or commented', () => {
  expect(bindable("SELECT ':account', x::text, :ref -- :key\n WHERE a = :account OR b = :account", 'postgres')).toEqual({
    sql: "SELECT ':account', x::text, $1 -- :key\n WHERE a = $2 OR b = $3", names: ['ref', 'account', 'account'],
  })
  expect(bindable('UPDATE t SET a = :attributes.full-name', 'sqlite')).toEqual({ sql: 'UPDATE t SET a = ?', names: ['attributes.full-name'] })
  expect(bindProblem('DELETE FROM t WHERE a = :acount')).toMatch(/:acount is none of/)
  expect(bindProblem('DELETE FROM t; DROP TABLE t')).toMatch(/one statement/)
  expect(bindProblem("DELETE FROM t WHERE a = ':nothing'")).toBeNull()
})

describe('a secret that is made here', () => {
  /** SQLite with one key, and a connector that rotates it. */
  async function opened(write: object[]) {
    const dir = mkdtempSync(join(tmpdir(), 'grantline-sql-secret-'))
    const database = new DatabaseSync(join(dir, 'app.db'))
    database.exec(tables)
    const config = SqlConfig.parse({ driver: 'sqlite', file: join(dir, 'app.db'), streams, write, handOver: join(dir, 'secrets') })
    const { write: side } = await connector.open(config, testPlatform())
    const rotate = () => side!.ensure(operation('rotate-credential', 'bob', { credential: 'k1', attributes: { created: '1000' } }), 'rotate-credential', 'key')
    const file = join(dir, 'secrets', 'bob@k1')
    return { database, rotate, file, waiting: () => (existsSync(`${file}@rotating`) ? readFileSync(`${file}@rotating`, 'utf8') : null) }
  }

  test('is on disk before the database has it, and is handed over by whoever finds it rotated', async () => {
    const { database, rotate, file, waiting } = await opened(credentialWrites)
    database.exec('BEGIN IMMEDIATE')
    await expect(rotate()).rejects.toMatchObject({ class: 'transient' })
    const secret = waiting()
    expect([secret?.length, existsSync(file)]).toEqual([43, false])
    // as if the commit had come through and its answer had not
    database.exec(`UPDATE keys SET secret = '${secret}', made = 1500 WHERE id = 'k1'; COMMIT`)
    expect(await rotate()).toBe('already')
    expect([readFileSync(file, 'utf8'), waiting()]).toEqual([secret, null])
  })

  test('is forgotten where the database refuses it, and where somebody else rotated first', async () => {
    const { database, rotate, file, waiting } = await opened(credentialWrites)
    database.exec("CREATE TRIGGER no BEFORE UPDATE ON keys BEGIN SELECT RAISE(ABORT, 'no'); END")
    await expect(rotate()).rejects.toMatchObject({ class: 'conflict' })
    database.exec("DROP TRIGGER no; UPDATE keys SET secret = 'theirs', made = 2000 WHERE id = 'k1'")
    expect(await rotate()).toBe('already')
    expect([existsSync(file), waiting()]).toEqual([false, null])
  })

  test('is not sent without a place to hand it over, nor by another operation', () => {
    const problems = (write: object[], handOver: string | null): string[] =>
      SqlConfig.safeParse({ driver: 'sqlite', file: 'app.db', streams, write, handOver }).error?.issues.map(({ message }) => message) ?? []
    expect(problems(credentialWrites, null)).toEqual(['say where the new secret is put for its owner'])
    expect(problems([{ ...credentialWrites[0], operation: 'disable-credential' }], 'secrets')).toEqual(['a new secret is made for rotate-credential only'])
  })
})
