import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SqlConfig } from '../../../connectors/sql/config.ts'
import { connector } from '../../../connectors/sql/connector.ts'
import type { ConnectorSession } from '../../../src/ports/connector.ts'
import { connectorContract } from '../../contract/connector.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { createLog, logged } from './changing-tables.ts'
import { createTables, fillTables, pagesOf, readAll, tablePieces, tableStreams } from './permission-tables.ts'

let dir: string
let database: DatabaseSync
let session: ConnectorSession | undefined

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'grantline-sqlite-'))
  database = new DatabaseSync(join(dir, 'app.db'))
  database.exec(`PRAGMA journal_mode = WAL; ${createTables} ${fillTables}`)
})
afterEach(async () => {
  await session?.close()
  session = undefined
  database.close()
  rmSync(dir, { recursive: true })
})

const config = (patch: object = {}): SqlConfig => SqlConfig.parse({ driver: 'sqlite', file: 'app.db', streams: tableStreams('?'), ...patch })
async function open(patch: object = {}, platform = testPlatform({ baseDir: dir })): Promise<ConnectorSession> {
  session = await connector.open(config(patch), platform)
  return session
}
connectorContract(connector, () => {
  const own = mkdtempSync(join(tmpdir(), 'grantline-sqlite-kit-'))
  const application = new DatabaseSync(join(own, 'app.db'))
  application.exec(`PRAGMA journal_mode = WAL; ${createTables} ${fillTables} ${createLog}`)
  return Promise.resolve({
    with: { driver: 'sqlite', file: 'app.db', streams: tableStreams('?'), changes: logged },
    platform: testPlatform({ baseDir: own }),
    accounts: ['user:1', 'user:2', 'service:invoicer', 'service:archiver'],
    absent: 'user:99',
    change: () => {
      application.exec("UPDATE users SET locked = true WHERE id = 1; INSERT INTO changed (who) VALUES ('user:1')")
      return Promise.resolve('user:1')
    },
    dispose: () => {
      application.close()
      rmSync(own, { recursive: true })
      return Promise.resolve()
    },
  })
})

const users = { name: 'users', piece: 'account', query: 'SELECT * FROM users', columns: { id: 'id' } }

test('every call waits for the application’s leave: a page each, a transaction that writes as a whole', async () => {
  const waited: string[] = []
  const platform = { ...testPlatform({ baseDir: dir }), paced: <T>(call: () => Promise<T>): Promise<T> => (waited.push('call'), call()) }
  const write = [{ operation: 'disable-account', holds: 'SELECT 1 FROM users WHERE id = :account AND 1 = 0', run: ['UPDATE users SET id = id WHERE id = :account'] }]
  session = await connector.open(config({ streams: [users], pageSize: 2, write }), platform)
  for (const stream of session.streams) await pagesOf(stream)
  const pages = Math.floor(database.prepare('SELECT id FROM users').all().length / 2) + 1
  expect(waited).toHaveLength(1 + pages)
  await session.write?.ensure({ name: 'disable-account', account: 'nobody', ref: null, credential: null, attributes: {} }, 'disable-account', 'key').catch(() => undefined)
  expect(waited).toHaveLength(1 + pages + 1)
})

describe('a snapshot', () => {
  test('reads all pieces, definitions first', async () => {
    const { streams } = await open()
    expect(streams.map((stream) => stream.name)).toEqual([
      'roles', 'implied roles', 'role permissions', 'user roles', 'users', 'services', 'keys', 'user permissions',
    ])
    expect(streams.map((stream) => stream.classes[0])).toEqual([
      'definitions', 'definitions', 'definitions', 'memberships', 'accounts', 'accounts', 'credentials', 'grants',
    ])
    expect(new Set(streams.map((stream) => stream.proof))).toEqual(new Set(['transaction']))
    expect(session && (await readAll(session))).toEqual(tablePieces)
  })

  test('only configured columns leave the database', async () => {
    const { streams } = await open({ streams: [users] })
    const [page] = await pagesOf(streams[0]!)
    expect(page?.rows).toEqual([{ id: 1 }, { id: 2 }])
  })

  test('pages say where they stand, and each carries the count of the same snapshot', async () => {
    const { streams } = await open({ streams: [users], pageSize: 1 })
    expect((await pagesOf(streams[0]!)).map(({ place, total, start }) => ({ place, total, start }))).toEqual([
      { place: 'users rows 1-1', total: 2, start: 0 },
      { place: 'users rows 2-2', total: 2, start: 1 },
    ])
  })

  test('a stream without rows still carries its count', async () => {
    const { streams } = await open({ streams: [{ ...users, query: 'SELECT id FROM users WHERE id > 99' }] })
    expect(await pagesOf(streams[0]!)).toEqual([{ rows: [], place: 'users, no rows', total: 0, start: 0 }])
  })

  test('writes of others between streams are not seen', async () => {
    const { streams } = await open({ streams: [users, { ...users, name: 'again' }] })
    const first = await pagesOf(streams[0]!)
    database.exec("DELETE FROM users WHERE id = 2; INSERT INTO users SELECT 10 + id, login, mail, full_name, locked, 'h', 0, 0 FROM users")
    expect((await pagesOf(streams[1]!))[0]?.rows).toEqual(first[0]?.rows)
    await session?.close()
    const after = await open({ streams: [users] })
    expect((await pagesOf(after.streams[0]!))[0]?.rows).toEqual([{ id: 1 }, { id: 11 }])
  })

  test('ids above 2^53 keep every digit', async () => {
    database.exec("INSERT INTO users SELECT 9007199254740993, login, mail, full_name, locked, 'h', 0, 0 FROM users WHERE id = 1")
    const { streams } = await open({ streams: [users] })
    expect((await pagesOf(streams[0]!))[0]?.rows).toContainEqual({ id: '9007199254740993' })
  })

  test('other work of the process runs between pages', async () => {
    database.exec('WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) ' +
      "INSERT INTO users SELECT i, 'u' || i, NULL, NULL, false, 'h', 0, 0 FROM n")
    const { streams } = await open({ streams: [users], pageSize: 1000 })
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const pages = await pagesOf(streams[0]!)
    clearInterval(timer)
    expect(pages.flatMap((page) => page.rows)).toHaveLength(19_903)
    expect(turns).toBeGreaterThan(2)
  })

  test('stops between pages when told to', async () => {
    const platform = testPlatform({ baseDir: dir })
    const { streams } = await open({ streams: [users], pageSize: 1 }, platform)
    const pages = streams[0]!.pages()[Symbol.asyncIterator]()
    await pages.next()
    platform.stop()
    await expect(pages.next()).rejects.toMatchObject({ class: 'transient', place: 'users from row 2' })
  })
})

describe('one account', () => {
  test('gives every piece of it and nothing else', async () => {
    const { readOne } = await open()
    expect(await readOne?.('user:1')).toEqual(tablePieces.filter((p) => ('id' in p ? p.id : 'account' in p && p.account) === 'user:1'))
    expect(await readOne?.('service:invoicer')).toHaveLength(2)
  })

  test('is read as it is now, not as the run’s snapshot has it', async () => {
    const { readOne, streams } = await open()
    await pagesOf(streams[0]!)
    database.exec("INSERT INTO service_accounts VALUES ('later', NULL, 'on')")
    expect(await readOne?.('service:later')).toMatchObject([{ id: 'service:later' }])
  })

  test('null only beside a control', async () => {
    const { readOne } = await open()
    expect(await readOne?.('user:99')).toBeNull()
    database.exec('DELETE FROM users; DELETE FROM service_accounts')
    await expect(readOne?.('user:99')).rejects.toMatchObject({ class: 'partial', place: 'account user:99' })
  })

  test('a single query that finds nobody proves nothing', async () => {
    const { readOne } = await open({ streams: [{ ...users, one: "SELECT id FROM users WHERE login = 'x' || ?" }] })
    await expect(readOne?.('99')).rejects.toMatchObject({ class: 'configuration', place: 'users, control' })
  })

  test('a single query that answers for another account is refused', async () => {
    const { readOne } = await open({ streams: [{ ...users, one: 'SELECT id FROM users WHERE id <> ?' }] })
    await expect(readOne?.('1')).rejects.toMatchObject({ class: 'configuration', place: 'users, account 1' })
  })

  test('is bound, never spliced', async () => {
    const { readOne } = await open()
    expect(await readOne?.("user:1' OR '1'='1")).toBeNull()
  })

  test('is not offered without `one`', async () => expect((await open({ streams: [users] })).readOne).toBeUndefined())
})

describe('changes', () => {
  test('are what lies behind the cursor, each account once; the first question only asks where they end', async () => {
    database.exec(`${createLog}; INSERT INTO changed (who) VALUES ('user:1')`)
    const { changes } = await open({ changes: logged })
    expect(await changes?.(null)).toEqual({ accounts: [], cursor: '1' })
    database.exec("INSERT INTO changed (who) VALUES ('user:2'), ('service:archiver'), ('user:2')")
    expect(await changes?.('1')).toEqual({ accounts: ['user:2', 'service:archiver'], cursor: '4' })
    expect(await changes?.('4')).toEqual({ accounts: [], cursor: '4' })
  })

  test('come from as many tables as there are, the cursor bound in each, never spliced', async () => {
    database.exec("UPDATE users SET last_login = 10 WHERE id = 1; UPDATE user_roles SET since = 20; INSERT INTO user_roles VALUES (2, 'clerk', 5)")
    const { changes } = await open({
      changes: {
        position: 'SELECT 30',
        query: "SELECT 'user:' || id AS who FROM users WHERE last_login < CAST(:cursor AS INTEGER) UNION SELECT 'user:' || user_id FROM user_roles WHERE since < CAST(:cursor AS INTEGER)",
        account: 'who',
      },
    })
    expect(await changes?.('15')).toEqual({ accounts: ['user:1', 'user:2'], cursor: '30' })
    expect(await changes?.('0); DROP TABLE users; --')).toEqual({ accounts: [], cursor: '30' })
  })

  test('that name nobody, and a position that is none, are errors and no answer', async () => {
    database.exec(`${createLog}; INSERT INTO changed (who) VALUES (NULL)`)
    const { changes } = await open({ changes: logged })
    await expect(changes?.('0')).rejects.toMatchObject({ class: 'schema', place: 'changes', message: expect.stringContaining('names no account') as unknown })
    for (const position of ['SELECT NULL', 'SELECT 1, 2', 'SELECT 1 WHERE 1 = 0', "SELECT x'00'"]) {
      const { changes: asked } = await open({ changes: { ...logged, position } })
      await expect(asked?.(null)).rejects.toMatchObject({ class: 'schema', place: 'changes, position' })
    }
  })

  test('are not offered where none are declared', async () => expect((await open()).changes).toBeUndefined())
})

describe('errors', () => {
  test('a file that is not there, and one that is no database', async () => {
    await expect(open({ file: 'none.db' })).rejects.toMatchObject({ name: 'ConnectError', class: 'configuration', place: join(dir, 'none.db') })
    writeFileSync(join(dir, 'text.db'), 'this is no database, and long enough to be told apart'.repeat(40))
    const { streams } = await open({ file: 'text.db', streams: [users] })
    await expect(pagesOf(streams[0]!)).rejects.toMatchObject({ class: 'configuration' })
  })

  test('a table or column that is not there', async () => {
    const { streams } = await open({ streams: [{ ...users, query: 'SELECT id FROM nowhere' }, { ...users, name: 'u', columns: { id: 'uid' } }] })
    await expect(pagesOf(streams[0]!)).rejects.toMatchObject({ class: 'configuration', place: 'users, counting' })
    await expect(pagesOf(streams[1]!)).rejects.toMatchObject({ class: 'configuration', message: expect.stringContaining('uid') as unknown })
  })

  test('a locked file is transient', async () => {
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    const { streams } = await open({ streams: [users] })
    await expect(pagesOf(streams[0]!)).rejects.toMatchObject({ class: 'transient' })
    database.exec('ROLLBACK')
  })

  test('a statement that writes does not run', async () => {
    const { streams } = await open({ streams: [{ ...users, query: 'WITH x AS (SELECT 1) DELETE FROM users RETURNING id' }] })
    await expect(pagesOf(streams[0]!)).rejects.toMatchObject({ class: 'configuration' })
    expect(database.prepare('SELECT count(*) AS n FROM users').get()).toEqual({ n: 2 })
  })
})
