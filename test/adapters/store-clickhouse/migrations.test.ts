import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { migrate, readMigrations, splitStatements, type Migration } from '../../../src/adapters/store-clickhouse/migrations.ts'
import { openStore } from '../../../src/adapters/store-clickhouse/open-store.ts'
import type { Store } from '../../../src/ports/store.ts'
import { tempDir, type TempDir } from '../../sink/world.ts'

let dir: TempDir
let store: Store
beforeEach(async () => {
  dir = tempDir()
  store = await openStore({ path: dir.path })
})
afterEach(async () => {
  await store.close()
  dir.remove()
})
const known = readMigrations()
const next = (...statements: string[]): Migration => ({ version: known.length + 1, name: 'next.sql', statements, digest: statements.join() })
const versions = async () => (await store.query('SELECT version FROM schema_migrations ORDER BY version', {}, z.object({ version: z.int() }))).map(({ version }) => version)

describe('migrations', () => {
  it('are applied once each, in order, and can be run again', async () => {
    await migrate(store, known)
    expect(await versions()).toEqual(known.map(({ version }) => version))
    for (const statement of known.flatMap(({ statements }) => statements)) await store.command(statement, {})
  })

  it('go on where the process ended in the middle of one', async () => {
    await expect(migrate(store, [...known, next('CREATE TABLE IF NOT EXISTS extra (a Int64) ENGINE = MergeTree ORDER BY a', 'NONSENSE')])).rejects.toThrow(/NONSENSE/)
    expect(await versions()).toHaveLength(known.length)
    await migrate(store, [...known, next('CREATE TABLE IF NOT EXISTS extra (a Int64) ENGINE = MergeTree ORDER BY a')])
    expect(await versions()).toHaveLength(known.length + 1)
  })

  it('refuse a file that changed after it was applied, and tables of a newer release', async () => {
    const [first, ...rest] = known
    await expect(migrate(store, [{ ...first!, digest: 'other' }, ...rest])).rejects.toThrow(/was applied with other content/)
    await migrate(store, [...known, next('SELECT 1')])
    await expect(migrate(store, known)).rejects.toThrow(/run a newer release/)
  })

  it('make plain MergeTree tables of one partition, and no view with FINAL', async () => {
    const text = known.flatMap(({ statements }) => statements)
    expect(text.join('\n')).not.toMatch(/\bFINAL\b|PARTITION BY|Replacing|async_insert/)
    const engines = await store.query(
      "SELECT DISTINCT engine FROM system.tables WHERE database = currentDatabase() ORDER BY engine",
      {},
      z.object({ engine: z.string() }),
    )
    expect(engines).toEqual([{ engine: 'MergeTree' }, { engine: 'View' }])
  })

  it('are cut at semicolons that end a line, without comments', () => {
    expect(splitStatements("-- a;\nSELECT ';' AS a,\n  1;\n\n-- b\nSELECT 2 ; \nSELECT 3")).toEqual(["SELECT ';' AS a,\n  1", 'SELECT 2', 'SELECT 3'])
  })
})
