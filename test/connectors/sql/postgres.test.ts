import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SqlConfig } from '../../../connectors/sql/config.ts'
import { connector } from '../../../connectors/sql/connector.ts'
import { ConnectError, type ConnectorSession, type Page } from '../../../src/ports/connector.ts'
import { connectorContract } from '../../contract/connector.ts'
import { startPostgres, type PostgresServer } from '../../services/postgres.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { createLog, logged } from './changing-tables.ts'
import { createTables, fillTables, pagesOf, readAll, tablePieces, tableStreams } from './permission-tables.ts'

let server: PostgresServer
let admin: pg.Client
let dir: string
let session: ConnectorSession | undefined
let stop: () => Promise<void> = () => Promise.resolve()
const readerPassword = 'correct-horse-battery'

beforeAll(async () => {
  server = await startPostgres()
  dir = mkdtempSync(join(tmpdir(), 'grantline-sql-'))
  stop = async () => {
    rmSync(dir, { recursive: true })
    await server.stop()
  }
  writeFileSync(join(dir, 'password'), `${readerPassword}\n`)
  writeFileSync(join(dir, 'wrong'), 'wrong-horse')
  admin = await server.connect()
  await admin.query(`${createTables} ${fillTables}`)
  await admin.query(`CREATE ROLE reader LOGIN PASSWORD '${readerPassword}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader`)
})
afterAll(async () => {
  await stop()
})
afterEach(async () => {
  await session?.close()
  session = undefined
})

const config = (patch: object = {}): SqlConfig => SqlConfig.parse({
  driver: 'postgres', host: server.host, port: server.port, database: 'postgres', user: 'reader', password: `file:${dir}/password`,
  streams: tableStreams('CAST($1 AS TEXT)'), ...patch,
})
async function open(patch: object = {}, platform = testPlatform({ baseDir: dir })): Promise<ConnectorSession> {
  session = await connector.open(config(patch), platform)
  return session
}
const users = { name: 'users', piece: 'account', query: 'SELECT * FROM users', columns: { id: 'id' } }
const series = (rows: number, select = "'u' || n AS id", columns: object = {}) => ({
  ...users, name: 'series', query: `SELECT ${select} FROM generate_series(1, ${rows}) AS n`, columns: { id: 'id', ...columns },
})

async function failure(work: Promise<unknown>): Promise<ConnectError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason)
  if (!(error instanceof ConnectError)) throw new Error(`not a ConnectError: ${String(error)}`)
  return error
}

connectorContract(connector, async () => {
  const own = await startPostgres()
  const application = await own.connect()
  await application.query(`${createTables} ${fillTables} ${createLog}`)
  process.env['GRANTLINE_TEST_PG_KIT'] = own.password
  return {
    with: {
      driver: 'postgres', host: own.host, port: own.port, database: 'postgres', user: own.user, password: 'env:GRANTLINE_TEST_PG_KIT',
      streams: tableStreams('CAST($1 AS TEXT)'), changes: logged,
    },
    platform: testPlatform(),
    accounts: ['user:1', 'user:2', 'service:invoicer', 'service:archiver'],
    absent: 'user:99',
    change: async () => {
      await application.query("UPDATE users SET locked = true WHERE id = 1; INSERT INTO changed VALUES (1, 'user:1')")
      return 'user:1'
    },
    dispose: async () => {
      delete process.env['GRANTLINE_TEST_PG_KIT']
      await application.end()
      await own.stop()
    },
  }
})

describe('a snapshot', () => {
  test('reads the same pieces from the same tables as SQLite', async () => {
    expect(await readAll(await open())).toEqual(tablePieces)
  })

  test('all streams see one moment while another connection writes', async () => {
    const { streams } = await open({ streams: [{ ...users, name: 'first' }, { ...users, name: 'second' }] })
    const before = await pagesOf(streams[0]!)
    await admin.query("INSERT INTO users SELECT 50, login, mail, full_name, locked, 'h', 0, 0 FROM users WHERE id = 1; DELETE FROM users WHERE id = 2")
    try {
      const after = await pagesOf(streams[1]!)
      expect(after[0]?.rows).toEqual(before[0]?.rows)
      expect(after[0]?.total).toBe(2)
      await session?.close()
      const later = await open({ streams: [users] })
      expect((await pagesOf(later.streams[0]!))[0]?.rows).toEqual([{ id: '1' }, { id: '50' }])
    } finally {
      await admin.query("DELETE FROM users WHERE id = 50; INSERT INTO users VALUES (2, 'bob', NULL, NULL, true, 'hash-of-bob', NULL, NULL)")
    }
  })

  test('a page in the middle of a stream still belongs to that moment', async () => {
    const { streams } = await open({ streams: [users], pageSize: 1 })
    const pages = streams[0]!.pages()[Symbol.asyncIterator]()
    await pages.next()
    await admin.query('UPDATE users SET id = id + 100')
    const second = await pages.next()
    await admin.query('UPDATE users SET id = id - 100')
    expect(second.value).toMatchObject({ rows: [{ id: '2' }], total: 2, start: 1, place: 'users rows 2-2' })
  })

  test('200,000 rows pass through flat memory', async () => {
    const { streams } = await open({ streams: [series(200_000, "'u' || n AS id, repeat('x', 500) AS display", { display: 'display' })] })
    const stream = streams[0]!
    let rows = 0
    let highest = 0
    let base = 0
    for await (const page of stream.pages()) {
      expect(page.start).toBe(rows)
      rows += page.rows.length
      for (const row of page.rows) stream.map(row)
      if (rows % 20_000 !== 0) continue
      globalThis.gc?.()
      const used = process.memoryUsage().heapUsed
      if (rows === 20_000) base = used
      highest = Math.max(highest, used)
    }
    expect(rows).toBe(200_000)
    // All rows together would be above 100 MB of text alone.
    expect(highest - base).toBeLessThan(60e6)
  })

  test('a reader that leaves early leaves the connection usable', async () => {
    const { streams } = await open({ streams: [series(5000), users], pageSize: 10 })
    for await (const page of streams[0]!.pages()) {
      expect(page.rows).toHaveLength(10)
      break
    }
    expect(await pagesOf(streams[1]!)).toHaveLength(1)
  })
})

describe('values', () => {
  const one = async (select: string, columns: object, patch: object = {}) => {
    const { streams } = await open({ streams: [{ ...users, name: 'one', query: `SELECT 'a' AS id, ${select}`, columns: { id: 'id', ...columns }, ...patch }] })
    const [page] = await pagesOf(streams[0]!)
    const [piece] = streams[0]!.map(page?.rows[0])
    return piece?.piece === 'account' ? piece : undefined
  }

  test('native times are instants whatever the server’s zone; a date and a time without zone are UTC', async () => {
    await admin.query("ALTER ROLE reader SET TimeZone = 'Asia/Tokyo'; ALTER ROLE reader SET DateStyle = 'SQL, DMY'")
    const piece = await one("timestamptz '2026-03-01 09:00:00.123456+09' AS a, timestamp '2026-03-01 00:00:00' AS b, date '2026-03-01' AS c",
      { created: 'a', lastUsed: 'b', valid: 'c' })
    expect(piece).toMatchObject({ valid: Date.UTC(2026, 2, 1), attributes: { created: Date.UTC(2026, 2, 1, 0, 0, 0, 123), lastUsed: Date.UTC(2026, 2, 1) } })
  })

  test('never is no time, and a time before all is refused', async () => {
    expect(await one("'infinity'::timestamptz AS a", { created: 'a' })).toMatchObject({ attributes: { created: null } })
    await session?.close()
    await expect(one("'-infinity'::timestamptz AS a", { created: 'a' })).rejects.toMatchObject({ name: 'MappingError', id: 'a' })
  })

  test('booleans, big integers and uuids as text; bytes are refused', async () => {
    const values = { big: 'b', uuid: 'u', no: 'n' }
    const select = "9223372036854775807::int8 AS b, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid AS u, NULL AS n, true AS t"
    expect(await one(select, { values, status: 't' }, { translate: { status: { true: 'disabled' } } })).toMatchObject({
      attributes: { status: 'disabled', values: { big: '9223372036854775807', uuid: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' } },
    })
    await session?.close()
    await expect(one("'\\x0102'::bytea AS raw", { display: 'raw' })).rejects.toThrow(/holds 2 bytes/)
  })
})

describe('one account', () => {
  test('found, absent beside a control, and never by splicing', async () => {
    const { readOne } = await open()
    expect(await readOne?.('user:1')).toHaveLength(2)
    expect(await readOne?.('user:99')).toBeNull()
    expect(await readOne?.("' OR true --")).toBeNull()
  })

  test('an absence without control is not claimed', async () => {
    const { readOne } = await open({ streams: [{ ...users, query: 'SELECT id FROM users WHERE false', one: 'SELECT id FROM users WHERE id::text = $1' }] })
    await expect(readOne?.('99')).rejects.toMatchObject({ class: 'partial' })
  })
})

describe('errors', () => {
  test('a wrong password', async () => {
    const error = await failure(open({ password: `file:${dir}/wrong` }))
    expect(error).toMatchObject({ class: 'authentication', place: `127.0.0.1:${server.port}/postgres` })
    expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain('wrong-horse')
  })

  test('a database, a host and a port that are not there', async () => {
    expect((await failure(open({ database: 'nowhere' }))).class).toBe('configuration')
    expect((await failure(open({ port: 1 }))).class).toBe('transient')
  })

  test('a server that never answers is given up in time', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect((await failure(open({ port, connectTimeoutMs: 200 }))).class).toBe('transient')
    silent.close()
  })

  test('TLS is not given up where the server has none', async () => {
    const error = await failure(open({ ssl: {} }))
    expect(error).toMatchObject({ class: 'configuration' })
    expect(error.message).toMatch(/TLS/)
  })

  test('a table that may not be read, and one that is not there', async () => {
    await admin.query('CREATE TABLE private_table (id INTEGER)')
    const { streams } = await open({ streams: [{ ...users, query: 'SELECT id FROM private_table' }] })
    expect(await failure(pagesOf(streams[0]!))).toMatchObject({ class: 'permission', place: 'users, counting' })
    await session?.close()
    const other = await open({ streams: [{ ...users, query: 'SELECT id FROM nowhere' }] })
    expect((await failure(pagesOf(other.streams[0]!))).class).toBe('configuration')
  })

  test('the server refuses to write', async () => {
    await admin.query("CREATE SEQUENCE counter; GRANT USAGE ON SEQUENCE counter TO reader")
    const { streams } = await open({ streams: [{ ...users, query: "SELECT nextval('counter') AS id" }] })
    const error = await failure(pagesOf(streams[0]!))
    expect(error).toMatchObject({ class: 'configuration' })
    expect(error.message).toContain('25006')
  })

  test('a statement that takes too long is ended by the server', async () => {
    const { streams } = await open({ statementTimeoutMs: 200, streams: [series(3, "pg_sleep(1)::text || n AS id")] })
    expect((await failure(pagesOf(streams[0]!))).class).toBe('transient')
  })

  test('a value in a message of the server does not come along', async () => {
    const { streams } = await open({ streams: [{ ...users, query: "SELECT password_hash::int AS id FROM users" }] })
    const error = await failure(pagesOf(streams[0]!))
    expect(error.class).toBe('schema')
    expect(error.message).not.toContain('hash-of-ada')
  })

  test('a connection killed in mid-stream is transient, with its place; what was read stands', async () => {
    const { streams } = await open({ streams: [series(100_000)], pageSize: 1000 })
    const got: Page[] = []
    const error = await failure((async () => {
      for await (const page of streams[0]!.pages()) {
        got.push(page)
        if (got.length !== 3) continue
        await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'grantline'")
      }
    })())
    expect(error).toMatchObject({ class: 'transient', place: 'series from row 3001' })
    expect(got.map((page) => page.rows.length)).toEqual([1000, 1000, 1000])
    expect((await failure(pagesOf(streams[0]!))).class).toBe('transient')
  })

  test('stopping ends a read that waits', async () => {
    const platform = testPlatform({ baseDir: dir })
    const { streams } = await open({ streams: [{ ...users, query: "SELECT pg_sleep(20)::text AS id" }] }, platform)
    setTimeout(() => platform.stop(), 100)
    expect(await failure(pagesOf(streams[0]!))).toMatchObject({ class: 'transient' })
  })
})
