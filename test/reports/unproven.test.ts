import { afterAll, beforeAll, expect, it } from 'vitest'
import { unprovenSources } from '../../src/reports/unproven.ts'
import { syncRun } from '../sink/records.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
  const run = (source: string, number: number, verdict: 'complete' | 'partial', at: number) => [
    syncRun({ source, run: number, at: at - 10 }),
    syncRun({ source, run: number, phase: 'end', verdict, at: at - 1, classes: [{ class: 'accounts', verdict, reason: null, place: null, read: 1, declared: 1, rejected: 0, counts: [1] }] }),
    syncRun({ source, run: number, phase: 'partition', partition: 0, verdict, at }),
  ]
  await tables.add('sync-runs', ...run('billing', 1, 'partial', 100), ...run('billing', 2, 'complete', 200), ...run('billing', 3, 'complete', 300), ...run('billing', 4, 'partial', 400), ...run('hr', 1, 'partial', 100))
})
afterAll(() => tables.close())

const sources = ['billing', 'hr', 'desk']
const never = [{ source: 'hr', since: null }, { source: 'desk', since: null }]

it('names what was read in part only, or not at all', async () => {
  expect(await unprovenSources(tables.store, sources, null)).toEqual(never)
  expect(await unprovenSources(tables.store, ['billing'], null)).toEqual([])
})

it('names what was first read completely later than the time in question, and since when it was', async () => {
  expect(await unprovenSources(tables.store, sources, 198)).toEqual([{ source: 'billing', since: 199 }, ...never])
  expect(await unprovenSources(tables.store, sources, 199)).toEqual(never)
})

it('looks once for what was read completely: that stays so', async () => {
  const proven = new Map<string, number>()
  expect(await unprovenSources(tables.store, ['billing'], null, proven)).toEqual([])
  const unasked = { query: () => Promise.reject(new Error('the tables were asked again')) } as unknown as typeof tables.store
  expect(await unprovenSources(unasked, ['billing'], 198, proven)).toEqual([{ source: 'billing', since: 199 }])
  await expect(unprovenSources(unasked, sources, null, proven)).rejects.toThrow('asked again')
})
