import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readMigrations } from '../../../src/adapters/store-clickhouse/migrations.ts'
import { openStore } from '../../../src/adapters/store-clickhouse/open-store.ts'
import { StoreError, type Guard } from '../../../src/ports/store.ts'
import { storeContract } from '../../contract/store.ts'
import { openBridge } from './http-bridge.ts'

const tempDir = (): string => mkdtempSync(join(tmpdir(), 'grantline-store-'))
const remove = (path: string): void => rmSync(path, { recursive: true, force: true })
const always: Guard = { sql: 'SELECT 1', params: {}, equals: 1 }
const letter = { topic: 'x', partition: 0, offset: 0, index: 0, id: 'i', source: 's', run: null, stage: 't', code: 'c', reason: 'r', place: 'p', record: null, payload: '', at: 1, cause_topic: null, cause_partition: null, cause_offset: null, cause_index: null }
const Count = z.object({ n: z.int() })
const Column = z.object({ table: z.string(), name: z.string() })

storeContract('embedded', async () => {
  const path = tempDir()
  return { open: () => openStore({ path }), dispose: async () => remove(path) }
})

storeContract('a server by URL', async () => {
  const path = tempDir()
  const bridge = await openBridge(path)
  return {
    open: () => openStore({ url: bridge.url, database: 'contract_db', username: 'default', password: 'unused' }),
    dispose: async () => {
      await bridge.close()
      remove(path)
    },
  }
})

describe('embedded', () => {
  it('needs no wait after a lost answer: what runs, runs in this process', async () => {
    const path = tempDir()
    const store = await openStore({ path })
    expect(store.settleMs).toBe(0)
    await store.close()
    remove(path)
  })

  it('opens one data directory at a time in a process, and says so', async () => {
    const [path, other] = [tempDir(), tempDir()]
    const store = await openStore({ path })
    await expect(openStore({ path: other })).rejects.toThrow(/One process holds a data directory/)
    expect(await store.query('SELECT 1 AS n', {}, Count)).toEqual([{ n: 1 }])
    await store.close()
    const second = await openStore({ path: other })
    await second.close()
    remove(path)
    remove(other)
  })

  it('refuses a call after it was closed', async () => {
    const path = tempDir()
    const store = await openStore({ path })
    await store.close()
    await expect(store.query('SELECT 1 AS n', {}, Count)).rejects.toThrow(StoreError)
    remove(path)
  })
})

describe('a server by URL', () => {
  it('says that an insert without an answer may have landed, and when it can no longer land', async () => {
    const path = tempDir()
    const bridge = await openBridge(path)
    const store = await openStore({ url: bridge.url, database: 'grantline' })
    bridge.fault = (sql) => (sql.startsWith('INSERT INTO `dead_letters`') ? 'lost' : 'none')
    await expect(store.insertRows('dead_letters', [letter], always)).rejects.toThrow(StoreError)
    expect(await store.query('SELECT count() AS n FROM dead_letters', {}, Count)).toEqual([{ n: 1 }])
    const insert = bridge.statements.find((sql) => sql.startsWith('INSERT INTO `dead_letters`')) ?? ''
    const limitSeconds = Number(/max_execution_time = (\d+)/.exec(insert)?.[1])
    expect(limitSeconds).toBeGreaterThan(0)
    expect(store.settleMs).toBeGreaterThan(limitSeconds * 1_000)
    expect(insert).toContain('async_insert = 0')
    bridge.fault = () => 'none'
    const hasty = await openStore({ url: bridge.url, database: 'grantline', insertLimitMs: 1_000 })
    await hasty.insertRows('dead_letters', [letter], always)
    expect(bridge.statements.at(-1)).toContain('max_execution_time = 1,')
    expect(hasty.settleMs).toBe(6_000)
    await hasty.close()
    await store.close()
    await bridge.close()
    remove(path)
  })

  it('has its views as this release makes them, though a process that brought the tables up to date beside another was killed in the midst of it', async () => {
    const path = tempDir()
    const bridge = await openBridge(path)
    const open = () => openStore({ url: bridge.url, database: 'grantline' })
    const columns = async () => {
      const store = await open()
      const found = await store.query("SELECT table, name FROM system.columns WHERE database = currentDatabase() AND table IN (SELECT name FROM system.tables WHERE engine = 'View') ORDER BY table, position", {}, Column)
      return { store, found }
    }
    const before = await columns()
    const old = readMigrations().slice(0, 3).flatMap(({ statements }) => statements).filter((statement) => statement.startsWith('CREATE OR REPLACE VIEW'))
    for (const statement of old) await before.store.command(statement, {})
    await before.store.close()
    const after = await columns()
    expect(after.found).toEqual(before.found)
    await after.store.close()
    await bridge.close()
    remove(path)
  })

  it('reports a server that is out of reach by host, without credentials', async () => {
    const attempt = openStore({ url: 'http://127.0.0.1:9', database: 'grantline', username: 'u', password: 'hush-hush' })
    const error = await attempt.then(() => null, (reason: unknown) => reason)
    expect(error).toBeInstanceOf(StoreError)
    expect(String(error)).toContain('127.0.0.1:9')
    expect(String(error)).not.toContain('hush-hush')
  })
})

it('has one way to insert rows, and it is not the one that acknowledges and inserts nothing', () => {
  const folder = new URL('../../../src/adapters/store-clickhouse/', import.meta.url)
  const code = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8').replace(/\/\*\*[^]*?\*\//g, '')).join('\n')
  expect(code).not.toMatch(/FROM\s+input\s*\(/i)
  expect(code).not.toMatch(/\.insert\(/)
})
