import { afterAll, beforeAll, expect, it } from 'vitest'
import { ZodError } from 'zod'
import { reports, type NamedReport } from '../../src/reports/catalogue.ts'
import type { Format } from '../../src/reports/format.ts'
import { HeldText, wholeText } from '../../src/reports/held-text.ts'
import { knownSources } from '../../src/reports/known-sources.ts'
import { access, action, deadLetter, finding, grant, lag, syncRun } from '../sink/records.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
  await tables.add('findings', finding(), finding({ id: 'another' }))
  await tables.add('access', access({ set: [grant(), grant({ entitlement: 'another', native: 'another' })] }))
  await tables.add('lag', lag(), lag({ app: 'another' }))
  await tables.add('sync-runs', syncRun(), syncRun({ source: 'another' }))
  await tables.add('dead-letters', deadLetter(), deadLetter({ id: 'another' }))
  await tables.add('action-log', action(), action({ id: 'another' }))
})
afterAll(() => tables.close())

it('names each report once', () => {
  expect(reports.map(({ name }) => name)).toEqual(['findings', 'access', 'access-history', 'access-changes', 'lag', 'sync-runs', 'dead-letters', 'actions', 'plan'])
})

/** Whose history, and between which times, has to be said. */
const needed: Record<string, object> = { 'access-history': { identity: 'ann' }, 'access-changes': { from: 0, to: Date.UTC(2100, 0, 1) } }

const textOf = async (report: NamedReport, filters: object, format: Format, width: number): Promise<string> => wholeText((await report.text(tables.store, filters, format, width)).answer)

it.each(reports)('$name answers with no filter but what it needs, as rows and as every kind of text', async (report) => {
  const filters = needed[report.name] ?? {}
  const { answer: rows, count, cutAt } = await report.rows(tables.store, filters)
  expect([count, cutAt]).toEqual([rows.length, null])
  expect(rows.length).toBeGreaterThan(0)
  expect(JSON.parse(await textOf(report, filters, 'json', 80))).toEqual(rows)
  expect((await textOf(report, filters, 'csv', 80)).split('\r\n')).toHaveLength(rows.length + 2)
  for (const line of (await textOf(report, filters, 'table', 120)).split('\n')) expect(line.length).toBeLessThanOrEqual(120)
})

it.each(reports)('$name says that there are more rows where there are more, and only there', async (report) => {
  const filters = needed[report.name] ?? {}
  const { answer: all } = await report.rows(tables.store, filters)
  expect(all.length).toBeGreaterThan(1)
  const asked = (limit: number): Promise<unknown> => report.rows(tables.store, { ...filters, limit })
  expect(await asked(all.length)).toEqual({ answer: all, count: all.length, cutAt: null })
  expect(await asked(all.length - 1)).toEqual({ answer: all.slice(0, -1), count: all.length - 1, cutAt: all.length - 1 })
  expect(await report.text(tables.store, { ...filters, limit: 1 }, 'csv', 80)).toMatchObject({ count: 1, cutAt: 1 })
})

it('compresses an answer until it is told', () => {
  const text = new HeldText()
  const page = JSON.stringify(Array.from({ length: 10_000 }, (_, i) => finding({ id: String(i) })))
  const before = process.memoryUsage()
  for (let i = 0; i < 50; i++) text.add(page)
  const { heapUsed, external } = process.memoryUsage()
  let bytes = 0
  for (const piece of text) bytes += piece.length
  expect(bytes).toBe(50 * page.length)
  expect(heapUsed - before.heapUsed + external - before.external).toBeLessThan(bytes / 2)
})

it('knows where something was read, and where letters came from', async () => {
  await tables.add('dead-letters', deadLetter({ id: 'third', source: 'topic/lag' }))
  expect(await knownSources(tables.store)).toEqual(['another', 'billing', 'topic/lag'])
})

it('refuses a time that is later than the one after it', async () => {
  const changes = reports.find(({ name }) => name === 'access-changes')!
  await expect(changes.rows(tables.store, { from: 2, to: 1 })).rejects.toThrow('later')
})

it.each(reports)('$name refuses filters that it does not have', async (report) => {
  await expect(report.rows(tables.store, { nonsense: 1 })).rejects.toThrow(ZodError)
  await expect(report.text(tables.store, { ...needed[report.name], limit: -1 }, 'json', 80)).rejects.toThrow(ZodError)
})
