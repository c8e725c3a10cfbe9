import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SqlConfig } from '../../../connectors/sql/config.ts'
import { connector } from '../../../connectors/sql/connector.ts'
import type { Mapped } from '../../../src/ports/connector.ts'
import { startPostgres, type PostgresServer } from '../../services/postgres.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { readAll } from './permission-tables.ts'

/**
 * PostgreSQL itself as the application. A membership confers its privileges only where inherit_option is set: those are the role
 * memberships. One that may only be assumed (set_option) confers nothing by itself, and is told apart as a grant `assume:<role>`.
 */
const granted = `
  SELECT m.rolname AS member, m.rolcanlogin AS login, r.rolname AS role, bool_or(a.inherit_option) AS inherits, bool_or(a.set_option) AS settable
  FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid
  WHERE m.rolname NOT LIKE 'pg\\_%' GROUP BY m.rolname, m.rolcanlogin, r.rolname`
const privileges = `
  SELECT r.rolname AS role, r.rolcanlogin AS login, 'table:' || c.oid::regclass || ':' || x.privilege_type AS entitlement
  FROM pg_class c, aclexplode(c.relacl) x JOIN pg_roles r ON r.oid = x.grantee
  WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace`
const streams = [
  { name: 'roles', piece: 'definition', query: "SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'", columns: { id: 'rolname', name: 'rolname' } },
  { name: 'roles of roles', piece: 'child', query: `SELECT member, role FROM (${granted}) g WHERE inherits`,
    columns: { parent: 'member', child: 'role' }, defaults: { childKind: 'role' } },
  { name: 'privileges of roles', piece: 'child', query: `SELECT role, entitlement FROM (${privileges}) p`, columns: { parent: 'role', child: 'entitlement' } },
  { name: 'logins', piece: 'account', query: "SELECT rolname, rolvaliduntil IS NULL OR rolvaliduntil > now() AS usable, rolsuper FROM pg_roles WHERE rolcanlogin",
    columns: { id: 'rolname', display: 'rolname', status: 'usable', values: { superuser: 'rolsuper' } },
    translate: { status: { true: 'active', false: 'disabled' } } },
  { name: 'roles of logins', piece: 'membership', query: `SELECT member, role FROM (${granted}) g WHERE login AND inherits`,
    columns: { account: 'member', id: 'role' } },
  { name: 'roles that can be assumed', piece: 'grant', query: `SELECT member, 'assume:' || role AS entitlement FROM (${granted}) g WHERE login AND settable AND NOT inherits`,
    columns: { account: 'member', entitlement: 'entitlement' } },
  { name: 'privileges of logins', piece: 'grant', query: `SELECT role, entitlement FROM (${privileges}) p WHERE login`,
    columns: { account: 'role', entitlement: 'entitlement' } },
  { name: 'passwords', piece: 'credential', query: 'SELECT rolname, rolvaliduntil FROM pg_roles WHERE rolcanlogin',
    columns: { account: 'rolname', id: 'rolname', expires: 'rolvaliduntil' }, defaults: { kind: 'password' } },
]

let server: PostgresServer
let admin: pg.Client
let pieces: Mapped[]
let stop: () => Promise<void> = () => Promise.resolve()

beforeAll(async () => {
  server = await startPostgres()
  stop = () => server.stop()
  admin = await server.connect()
  await admin.query(`
    CREATE TABLE ledger (id INTEGER); CREATE TABLE payroll (id INTEGER);
    CREATE ROLE readers; CREATE ROLE auditors; CREATE ROLE payers;
    GRANT SELECT ON ledger TO readers; GRANT SELECT ON payroll TO auditors; GRANT INSERT ON payroll TO payers;
    GRANT readers TO auditors WITH INHERIT TRUE, SET TRUE;
    CREATE ROLE inheriting LOGIN; GRANT auditors TO inheriting WITH INHERIT TRUE, SET FALSE;
    CREATE ROLE assuming LOGIN; GRANT auditors TO assuming WITH INHERIT FALSE, SET TRUE;
    CREATE ROLE doing_both LOGIN; GRANT payers TO doing_both WITH INHERIT TRUE, SET TRUE;
    CREATE ROLE neither LOGIN; GRANT auditors TO neither WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
    CREATE ROLE broken_chain NOLOGIN; GRANT readers TO broken_chain WITH INHERIT FALSE, SET TRUE;
    CREATE ROLE behind_broken_chain LOGIN; GRANT broken_chain TO behind_broken_chain WITH INHERIT TRUE, SET TRUE;
    CREATE ROLE direct LOGIN; GRANT SELECT ON ledger TO direct;
    CREATE ROLE expired LOGIN VALID UNTIL '2020-01-01'; CREATE ROLE endless LOGIN VALID UNTIL 'infinity';
  `)
  process.env['GRANTLINE_TEST_PG_PASSWORD'] = server.password
  const config = SqlConfig.parse({
    driver: 'postgres', host: server.host, port: server.port, database: 'postgres', user: server.user,
    password: 'env:GRANTLINE_TEST_PG_PASSWORD', streams,
  })
  const session = await connector.open(config, testPlatform())
  pieces = await readAll(session)
  await session.close()
})

afterAll(async () => {
  delete process.env['GRANTLINE_TEST_PG_PASSWORD']
  await stop()
})

/** What an account holds by what was read: its own grants, and everything below its roles. */
function held(account: string): string[] {
  const found = new Set(pieces.flatMap((p) => (p.piece === 'grant' && p.account === account ? [p.entitlement] : [])))
  const queue = pieces.flatMap((p) => (p.piece === 'membership' && p.account === account ? [p.ref.id] : []))
  for (let role = queue.shift(); role !== undefined; role = queue.shift()) {
    for (const p of pieces) {
      if (p.piece !== 'child' || p.parent.id !== role) continue
      if (p.child.kind === 'role') queue.push(p.child.id)
      else found.add(p.child.id)
    }
  }
  return [...found].sort()
}

describe('PostgreSQL’s own roles', () => {
  test.each([
    ['inheriting', ['table:ledger:SELECT', 'table:payroll:SELECT']],
    ['assuming', ['assume:auditors']],
    ['doing_both', ['table:payroll:INSERT']],
    ['neither', []],
    ['behind_broken_chain', []],
    ['direct', ['table:ledger:SELECT']],
  ])('%s holds %j', (account, expected) => expect(held(account)).toEqual(expected))

  test('what was read is what the server itself answers, for every login and privilege', async () => {
    const logins = pieces.flatMap((p) => (p.piece === 'account' && p.attributes.values['superuser'] === 'false' ? [p.id] : []))
    expect(logins.length).toBeGreaterThanOrEqual(8)
    for (const login of logins) {
      for (const table of ['ledger', 'payroll']) {
        for (const privilege of ['SELECT', 'INSERT']) {
          const { rows } = await admin.query<{ yes: boolean }>('SELECT has_table_privilege($1, $2, $3) AS yes', [login, table, privilege])
          expect([login, table, privilege, held(login).includes(`table:${table}:${privilege}`)]).toEqual([login, table, privilege, rows[0]?.yes])
        }
      }
    }
  })

  test('what can be assumed is what the server itself answers', async () => {
    for (const login of ['inheriting', 'assuming', 'neither']) {
      const { rows } = await admin.query<{ yes: boolean }>("SELECT pg_has_role($1, 'auditors', 'SET') AS yes", [login])
      expect([login, held(login).includes('assume:auditors')]).toEqual([login, rows[0]?.yes])
    }
  })

  test('a password that ran out disables the login; one without an end has none', () => {
    const status = (id: string) => pieces.find((p) => p.piece === 'account' && p.id === id)
    expect(status('expired')).toMatchObject({ attributes: { status: 'disabled' } })
    expect(status('endless')).toMatchObject({ attributes: { status: 'active' } })
    const expires = (id: string) => pieces.flatMap((p) => (p.piece === 'credential' && p.account === id ? [p.credential.expires] : []))
    expect(expires('expired')).toEqual([Date.UTC(2020, 0, 1)])
    expect(expires('endless')).toEqual([null])
  })
})
