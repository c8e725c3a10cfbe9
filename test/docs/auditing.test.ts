import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { reports } from '../../src/reports/catalogue.ts'
import { typedFilters } from '../../src/http/filters.ts'
import type { Store } from '../../src/ports/store.ts'

/** What docs/auditing.md shows can be asked as it stands there. */
const text = readFileSync(fileURLToPath(new URL('../../docs/auditing.md', import.meta.url)), 'utf8')
let directory: string
let store: Store
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-docs-'))
  store = await openStore({ path: join(directory, 'tables') })
})
afterAll(async () => {
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

/** `grantline access --app billing` as the report and the filters that it asks. */
function askedBy(command: string): { name: string; filters: Record<string, string> } {
  const [, name = '', ...words] = command.split(' ')
  const options = words.join(' ').split(/(?:^|\s)--/u).slice(1).map((option) => option.split(' ') as [string, string])
  return { name, filters: Object.fromEntries(options.map(([option, value]) => [option.replace(/-(\w)/gu, (_, letter: string) => letter.toUpperCase()), value])) }
}

describe('docs/auditing.md', () => {
  const commands = [...text.matchAll(/`grantline ([^`]+)`/gu)].map(([, command]) => `grantline ${command!}`)
  const asking = commands.map((command) => command.replace(/ -o csv$/u, '')).filter((command) => reports.some(({ name }) => name === command.split(' ')[1]))

  it('shows questions that are answered', async () => {
    expect(asking.length).toBeGreaterThan(10)
    for (const command of asking) {
      const { name, filters } = askedBy(command)
      expect(await reports.find((report) => report.name === name)!.rows(store, typedFilters(filters)), command).toMatchObject({ count: 0 })
    }
  })

  it('names tables and views that are there, and shows queries that they answer', async () => {
    const [, after = ''] = text.split('\n## The tables\n')
    const rows = after.split('\n').filter((line) => line.startsWith('| `'))
    const named = rows.flatMap((line) => [...line.split('|')[1]!.matchAll(/`(\w+)`/gu)].map(([, name]) => name!))
    const there = (await store.query('SELECT name FROM system.tables WHERE database = currentDatabase()', {}, z.object({ name: z.string() }))).map(({ name }) => name)
    expect(named.filter((name) => !there.includes(name))).toEqual([])
    expect(named.length).toBeGreaterThan(14)
    const [, sql = ''] = /```sql\n([\s\S]+?)```/u.exec(after) ?? []
    const queries = sql.split(/;\s*$/mu).map((query) => query.replace(/^--.*$/gmu, '').trim()).filter((query) => query !== '')
    expect(queries).toHaveLength(2)
    for (const query of queries) await store.query(query, {}, z.record(z.string(), z.unknown()))
  })
})
