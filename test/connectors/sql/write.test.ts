import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bindable, bindProblem } from '../../../connectors/sql/bind.ts'
import { connector } from '../../../connectors/sql/connector.ts'
import { operation, writeContract } from '../../contract/write-side.ts'
import { startPostgres } from '../../services/postgres.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { loginStreams, roleWrites } from './postgres-logins.ts'

const tables = `
  CREATE TABLE users (login TEXT PRIMARY KEY, name TEXT NOT NULL, locked BOOLEAN NOT NULL DEFAULT false);
  CREATE TABLE roles (code TEXT PRIMARY KEY);
  CREATE TABLE user_roles (login TEXT NOT NULL REFERENCES users, role TEXT NOT NULL REFERENCES roles, PRIMARY KEY (login, role));
  INSERT INTO roles VALUES ('clerk'), ('head'); INSERT INTO users VALUES ('ada', 'Ada', false), ('bob', 'Bob', false); INSERT INTO user_roles VALUES ('bob', 'clerk');
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
const streams = [{ name: 'users', piece: 'account', query: 'SELECT login FROM users', columns: { id: 'login' } }]

/** `ask`: how many rows a query has. */
function cases(ask: (sql: string) => Promise<number>) {
  const role = { ref: { kind: 'role', id: 'head' } as const }
  const quoted = { ref: { kind: 'role', id: "cl'erk" } as const }
  const so = async (sql: string): Promise<boolean> => (await ask(sql)) === 1
  return {
    cases: [
      { operation: operation('grant', 'ada', role), holds: () => so("SELECT 1 FROM user_roles WHERE login = 'ada' AND role = 'head'") },
      { operation: operation('disable-account', 'ada'), holds: () => so("SELECT 1 FROM users WHERE login = 'ada' AND locked") },
      { operation: operation('enable-account', 'ada'), holds: () => so("SELECT 1 FROM users WHERE login = 'ada' AND NOT locked") },
      { operation: operation('revoke', 'ada', role), holds: () => so("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM user_roles WHERE login = 'ada')") },
      { operation: operation('create-account', 'zoe', { attributes: { name: "Zo'e" } }), holds: () => so("SELECT 1 FROM users WHERE login = 'zoe' AND name = 'Zo''e'") },
      { operation: operation('delete-account', 'ada'), holds: () => so("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM users WHERE login = 'ada')") },
    ],
    refused: [
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
      ...cases(async (sql) => database.prepare(sql).all().length),
      with: { driver: 'sqlite', file: join(dir, 'app.db'), streams, write: writes },
      platform: testPlatform(),
      bystanders: async () => database.prepare("SELECT * FROM users NATURAL JOIN user_roles WHERE login = 'bob'").all(),
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
      await admin.query(tables)
      return {
        ...cases(async (sql) => (await admin.query(sql)).rows.length),
        with: {
          driver: 'postgres', host: server.host, port: server.port, database: 'postgres', user: server.user, password: 'env:GRANTLINE_TEST_PG_WRITE', streams, write: writes,
        },
        platform: testPlatform(),
        bystanders: async (): Promise<unknown> => (await admin.query("SELECT * FROM users NATURAL JOIN user_roles WHERE login = 'bob'")).rows,
        dispose: async () => {
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
      await admin.query(`CREATE ROLE "read'ers"; CREATE ROLE ada LOGIN; CREATE ROLE bob LOGIN; GRANT "read'ers" TO bob`)
      const so = async (sql: string): Promise<boolean> => (await admin.query(sql)).rows.length === 1
      const ref = { kind: 'role', id: "read'ers" } as const
      const member = "SELECT 1 FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = 'ada'"
      return {
        with: {
          driver: 'postgres', host: server.host, port: server.port, database: 'postgres', user: server.user, password: 'env:GRANTLINE_TEST_PG_WRITE',
          streams: loginStreams, write: roleWrites,
        },
        platform: testPlatform(),
        cases: [
          { operation: operation('grant', 'ada', { ref }), holds: () => so(member) },
          { operation: operation('revoke', 'ada', { ref }), holds: async () => !(await so(member)) },
          { operation: operation('disable-account', 'ada'), holds: () => so("SELECT 1 FROM pg_roles WHERE rolname = 'ada' AND NOT rolcanlogin") },
          { operation: operation('enable-account', 'ada'), holds: () => so("SELECT 1 FROM pg_roles WHERE rolname = 'ada' AND rolcanlogin") },
        ],
        refused: [operation('grant', 'ada', { ref: { kind: 'role', id: 'none' } }), operation('disable-account', 'nobody')],
        bystanders: async (): Promise<unknown> => (await admin.query("SELECT m.rolname, m.rolcanlogin, a.roleid FROM pg_roles m JOIN pg_auth_members a ON a.member = m.oid WHERE m.rolname = 'bob'")).rows,
        dispose: async () => {
          delete process.env['GRANTLINE_TEST_PG_WRITE']
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
