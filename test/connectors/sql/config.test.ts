import { describe, expect, test } from 'vitest'
import { SqlConfig } from '../../../connectors/sql/config.ts'
import { columnsOf } from '../../../src/connect/declared/columns.ts'
import { tableStreams } from './permission-tables.ts'

const account = { name: 'users', piece: 'account', query: 'SELECT id FROM users', columns: { id: 'id' } }
const grant = { name: 'grants', piece: 'grant', query: 'SELECT u, p FROM g', columns: { account: 'u', entitlement: 'p' } }
const postgres = { driver: 'postgres', host: 'db', database: 'app', user: 'reader', password: 'env:DB_PASSWORD' }
const problems = (config: object): string[] => SqlConfig.safeParse(config).error?.issues.map((issue) => issue.message) ?? []
const sqlite = (...streams: object[]) => ({ driver: 'sqlite', file: 'app.db', streams })
const single = sqlite({ ...account, one: 'SELECT id FROM users WHERE id = ?' })
const changes = { position: 'SELECT max(nr) FROM log', query: 'SELECT who FROM log WHERE nr > :cursor', account: 'who' }

describe('accepted', () => {
  test('defaults', () => {
    expect(SqlConfig.parse({ ...postgres, streams: [account] })).toMatchObject({
      port: 5432, ssl: null, pageSize: 1000, statementTimeoutMs: 300_000, streams: [{ time: 'iso', one: null, defaults: { kind: 'human' } }],
    })
    expect(problems(sqlite(...tableStreams('?')))).toEqual([])
    expect(problems({ ...single, changes })).toEqual([])
    expect(problems({ ...postgres, streams: tableStreams('CAST($1 AS TEXT)') })).toEqual([])
  })

  test('the columns that are read', () => {
    const stream = SqlConfig.parse(sqlite({ ...account, columns: { id: 'id', display: 'n', owner: 'id', values: { a: 'n', b: 'm' } } })).streams[0]
    expect(stream && columnsOf(stream)).toEqual(['id', 'n', 'm'])
  })
})

describe('refused', () => {
  test.each([
    ['an unknown key', sqlite({ ...account, colums: {} }), /colums/],
    ['an unknown field of a piece', sqlite({ ...account, columns: { id: 'id', password: 'hash' } }), /password/],
    ['a password that is no reference', { ...postgres, password: 'hunter2', streams: [account] }, /reference/],
    ['a writing statement', sqlite({ ...account, query: 'DELETE FROM users' }), /SELECT or WITH/],
    ['two statements', sqlite({ ...account, query: 'SELECT 1; SELECT 2' }), /only one statement/],
    ['two streams of one name', sqlite(account, { ...account }), /two streams/],
    ['single reads that leave a class out', sqlite({ ...account, one: 'SELECT id FROM users WHERE id = ?' }, grant), /every stream about accounts/],
    ['single reads without an account', sqlite({ ...grant, one: 'SELECT u, p FROM g WHERE u = ?' }), /need an account stream/],
    ['the other driver’s placeholder', sqlite({ ...account, one: 'SELECT id FROM users WHERE id = $1' }), /single \?/],
    ['a single read of roles', sqlite({ name: 'r', piece: 'definition', query: 'SELECT 1', columns: { id: 'i' }, one: 'SELECT 1 WHERE 1 = ?' }), /read singly/],
    ['changes without single reads', { ...sqlite(account), changes }, /give `one`/],
    ['changes that do not ask from where', { ...single, changes: { ...changes, query: 'SELECT who FROM log' } }, /:cursor/],
    ['changes that ask for something else', { ...single, changes: { ...changes, query: 'SELECT who FROM log WHERE nr > :cursor AND who = :account' } }, /:cursor, and nothing else/],
    ['changes that write', { ...single, changes: { ...changes, position: 'DELETE FROM log RETURNING nr' } }, /SELECT or WITH/],
    ['no streams', sqlite(), /./],
  ])('%s', (_, config, message) => expect(problems(config).join('\n')).toMatch(message))
})
