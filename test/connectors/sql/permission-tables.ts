import type { ConnectorSession, Mapped, Page, Stream } from '../../../src/ports/connector.ts'

/** Private permission tables as an in-house application keeps them; the same SQL runs on SQLite and PostgreSQL. */
export const createTables = `
  CREATE TABLE users (id INTEGER PRIMARY KEY, login TEXT NOT NULL, mail TEXT, full_name TEXT, locked BOOLEAN NOT NULL,
    password_hash TEXT NOT NULL, created_at BIGINT, last_login BIGINT);
  CREATE TABLE service_accounts (name TEXT PRIMARY KEY, owner_mail TEXT, state TEXT NOT NULL);
  CREATE TABLE api_keys (id INTEGER PRIMARY KEY, service TEXT NOT NULL, created_at BIGINT, used_at BIGINT, expires_at BIGINT);
  CREATE TABLE roles (code TEXT PRIMARY KEY, title TEXT);
  CREATE TABLE role_implies (role TEXT NOT NULL, implied TEXT NOT NULL);
  CREATE TABLE role_permissions (role TEXT NOT NULL, permission TEXT NOT NULL);
  CREATE TABLE user_roles (user_id INTEGER NOT NULL, role TEXT NOT NULL, since BIGINT);
  CREATE TABLE user_permissions (user_id INTEGER NOT NULL, permission TEXT NOT NULL);
`

export const fillTables = `
  INSERT INTO users VALUES
    (1, 'ada', 'ada@example.org', 'Ada Byron', false, 'hash-of-ada', 1700000000, 1750000000),
    (2, 'bob', NULL, NULL, true, 'hash-of-bob', NULL, NULL);
  INSERT INTO service_accounts VALUES ('invoicer', 'ada@example.org', 'on'), ('archiver', NULL, 'off');
  INSERT INTO api_keys VALUES (7, 'invoicer', 1700000001, NULL, 1900000000);
  INSERT INTO roles VALUES ('clerk', 'Clerk'), ('head', 'Head of billing');
  INSERT INTO role_implies VALUES ('head', 'clerk');
  INSERT INTO role_permissions VALUES ('clerk', 'invoice.read'), ('head', 'invoice.approve');
  INSERT INTO user_roles VALUES (1, 'head', 1710000000);
  INSERT INTO user_permissions VALUES (2, 'report.read');
`

/** The config that reads them. `bound` is the driver's placeholder, as text. Memberships stand first to show that order is settled. */
export function tableStreams(bound: '?' | 'CAST($1 AS TEXT)'): object[] {
  const accounts = `SELECT 'user:' || id AS id, * FROM users`
  const services = `SELECT 'service:' || name AS id, name, owner_mail, state FROM service_accounts`
  const keys = `SELECT 'service:' || service AS account, id, created_at, used_at, expires_at FROM api_keys`
  const memberships = `SELECT 'user:' || user_id AS account, role, since FROM user_roles`
  const grants = `SELECT 'user:' || user_id AS account, permission FROM user_permissions`
  const single = (query: string, id: string) => ({ query, one: `SELECT * FROM (${query}) AS all_of_them WHERE ${id} = ${bound}` })
  return [
    { name: 'user roles', piece: 'membership', ...single(memberships, 'account'), time: 'epoch-seconds',
      columns: { account: 'account', id: 'role', valid: 'since' } },
    { name: 'users', piece: 'account', ...single(accounts.replace('*', 'login, mail, full_name, locked, created_at, last_login'), 'id'),
      time: 'epoch-seconds',
      columns: { id: 'id', display: 'full_name', status: 'locked', created: 'created_at', lastUsed: 'last_login',
        values: { login: 'login', mail: 'mail' } },
      translate: { status: { true: 'disabled', false: 'active', 1: 'disabled', 0: 'active' } } },
    { name: 'services', piece: 'account', ...single(services, 'id'),
      columns: { id: 'id', display: 'name', owner: 'owner_mail', status: 'state' },
      defaults: { kind: 'service' }, translate: { status: { on: 'active', off: 'disabled' } } },
    { name: 'keys', piece: 'credential', ...single(keys, 'account'), time: 'epoch-seconds',
      columns: { account: 'account', id: 'id', created: 'created_at', lastUsed: 'used_at', expires: 'expires_at' },
      defaults: { kind: 'api-key' } },
    { name: 'user permissions', piece: 'grant', ...single(grants, 'account'), columns: { account: 'account', entitlement: 'permission' } },
    { name: 'roles', piece: 'definition', query: 'SELECT code, title FROM roles;', columns: { id: 'code', name: 'title' } },
    { name: 'implied roles', piece: 'child', query: 'SELECT role, implied FROM role_implies -- head implies clerk',
      columns: { parent: 'role', child: 'implied' }, defaults: { childKind: 'role' } },
    { name: 'role permissions', piece: 'child', query: 'WITH p AS (SELECT * FROM role_permissions) SELECT role, permission FROM p',
      columns: { parent: 'role', child: 'permission' } },
  ]
}

const at = (seconds: number): number => seconds * 1000

/** What the tables mean. */
export const tablePieces: Mapped[] = [
  { piece: 'definition', ref: { kind: 'role', id: 'clerk' }, name: 'Clerk', valid: null },
  { piece: 'definition', ref: { kind: 'role', id: 'head' }, name: 'Head of billing', valid: null },
  { piece: 'child', parent: { kind: 'role', id: 'head' }, child: { kind: 'role', id: 'clerk' } },
  { piece: 'child', parent: { kind: 'role', id: 'clerk' }, child: { kind: 'entitlement', id: 'invoice.read' } },
  { piece: 'child', parent: { kind: 'role', id: 'head' }, child: { kind: 'entitlement', id: 'invoice.approve' } },
  { piece: 'membership', account: 'user:1', ref: { kind: 'role', id: 'head' }, valid: at(1710000000) },
  { piece: 'account', id: 'user:1', valid: null, attributes: {
    kind: 'human', status: 'active', display: 'Ada Byron', created: at(1700000000), lastUsed: at(1750000000), owner: null,
    values: { login: 'ada', mail: 'ada@example.org' } } },
  { piece: 'account', id: 'user:2', valid: null, attributes: {
    kind: 'human', status: 'disabled', display: null, created: null, lastUsed: null, owner: null, values: { login: 'bob' } } },
  { piece: 'account', id: 'service:invoicer', valid: null, attributes: {
    kind: 'service', status: 'active', display: 'invoicer', created: null, lastUsed: null, owner: 'ada@example.org', values: {} } },
  { piece: 'account', id: 'service:archiver', valid: null, attributes: {
    kind: 'service', status: 'disabled', display: 'archiver', created: null, lastUsed: null, owner: null, values: {} } },
  { piece: 'credential', account: 'service:invoicer', credential: {
    id: '7', kind: 'api-key', created: at(1700000001), lastUsed: null, expires: at(1900000000) } },
  { piece: 'grant', account: 'user:2', entitlement: 'report.read', valid: null },
]

export async function pagesOf(stream: Stream): Promise<Page[]> {
  const pages: Page[] = []
  for await (const page of stream.pages()) pages.push(page)
  return pages
}

/** Reads every stream in order and maps every row. */
export async function readAll(session: ConnectorSession): Promise<Mapped[]> {
  const pieces: Mapped[] = []
  for (const stream of session.streams) {
    for (const page of await pagesOf(stream)) pieces.push(...page.rows.flatMap((row) => stream.map(row)))
  }
  return pieces
}
