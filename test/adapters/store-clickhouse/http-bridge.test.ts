import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openStore } from '../../../src/adapters/store-clickhouse/open-store.ts'
import { storeContract } from '../../contract/store.ts'
import { openBridge, type Bridge } from './http-bridge.ts'

/** CLICKHOUSE_URL: suites over HTTP go to a server that runs already. Here that is the engine over HTTP, unless one is given. */
const given = process.env['CLICKHOUSE_URL']
const Count = z.object({ n: z.int() })
let path: string
let existing: Bridge | null = null
beforeAll(async () => {
  path = mkdtempSync(join(tmpdir(), 'grantline-bridge-'))
  if (given !== undefined) return
  existing = await openBridge(join(path, 'existing'))
  process.env['CLICKHOUSE_URL'] = existing.url.replace('http://', 'http://somebody:unused@')
})
afterAll(async () => {
  if (existing !== null) {
    delete process.env['CLICKHOUSE_URL']
    await existing.close()
  }
  rmSync(path, { recursive: true, force: true })
})

storeContract('a server that runs already', async () => {
  const bridge = await openBridge(mkdtempSync(join(path, 'contract-')))
  return { open: () => openStore({ url: bridge.url, database: 'contract_db' }), dispose: () => bridge.close() }
})

describe('a server that runs already', () => {
  const epochs = async (name: string): Promise<number> => {
    const bridge = await openBridge(join(path, name))
    const store = await openStore({ url: bridge.url, database: 'grantline' })
    await store.command("INSERT INTO sink_epochs SELECT 'findings', 0, 1, 0, 'x', now64(3)", {})
    const [row] = await store.query('SELECT count() AS n FROM sink_epochs', {}, Count)
    await store.close()
    await bridge.close()
    return row!.n
  }

  it('keeps the tables of each place apart, and has them again', async () => {
    expect([await epochs('one'), await epochs('other'), await epochs('one')]).toEqual([1, 1, 2])
    if (existing !== null) expect(existing.statements.filter((sql) => sql.startsWith('CREATE DATABASE IF NOT EXISTS `grantline_'))).toHaveLength(3)
  })
})
