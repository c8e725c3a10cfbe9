import { afterAll, beforeAll, expect, it } from 'vitest'
import { ZodError } from 'zod'
import { reports } from '../../src/reports/catalogue.ts'
import { access, action, deadLetter, finding, grant, lag, syncRun } from '../sink/records.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
  await tables.add('findings', finding())
  await tables.add('access', access({ set: [grant()] }))
  await tables.add('lag', lag())
  await tables.add('sync-runs', syncRun())
  await tables.add('dead-letters', deadLetter())
  await tables.add('action-log', action())
})
afterAll(() => tables.close())

it('names each report once', () => {
  expect(reports.map(({ name }) => name)).toEqual(['findings', 'access', 'access-history', 'access-changes', 'lag', 'sync-runs', 'dead-letters', 'actions', 'plan'])
})

/** Whose history, and between which times, has to be said. */
const needed: Record<string, object> = { 'access-history': { identity: 'ann' }, 'access-changes': { from: 0, to: Date.UTC(2100, 0, 1) } }

it.each(reports)('$name answers with no filter but what it needs, as rows and as every kind of text', async (report) => {
  const filters = needed[report.name] ?? {}
  const rows = await report.rows(tables.store, filters)
  expect(rows.length).toBeGreaterThan(0)
  expect(JSON.parse(await report.text(tables.store, filters, 'json', 80))).toEqual(rows)
  expect((await report.text(tables.store, filters, 'csv', 80)).split('\r\n')).toHaveLength(rows.length + 2)
  for (const line of (await report.text(tables.store, filters, 'table', 120)).split('\n')) expect(line.length).toBeLessThanOrEqual(120)
})

it.each(reports)('$name refuses filters that it does not have', async (report) => {
  await expect(report.rows(tables.store, { nonsense: 1 })).rejects.toThrow(ZodError)
  await expect(report.text(tables.store, { ...needed[report.name], limit: -1 }, 'json', 80)).rejects.toThrow(ZodError)
})
