import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Health } from '../../src/connect/health.ts'
import { connectorHealth, connectorText, type ConnectorHealth } from '../../src/http/connectors.ts'
import { HandClock } from '../../src/runtime/clock.ts'
import { openTables, type Tables } from '../reports/tables.ts'
import { deadLetter, lag, ruling, start, syncRun } from '../sink/records.ts'

let tables: Tables
let rows: ConnectorHealth[]
const unknownApps = [{ app: 'sohp', rows: 2, near: 'shop' }]
beforeAll(async () => {
  tables = await openTables()
  const classes = [{ class: 'accounts' as const, verdict: 'complete' as const, reason: null, place: null, read: 20, declared: 23, rejected: 1, counts: [20] }]
  await tables.add('lag', lag({ lagMs: 900 }), lag({ direction: 'revoke', lagMs: 7_000 }), lag({ app: 'other', lagMs: 90_000 }))
  await tables.add('dead-letters', deadLetter(), deadLetter({ id: 'd-2', source: 'other' }))
  await tables.add('sync-runs', syncRun({ source: 'gone', run: 7 }), syncRun({ source: 'gone', run: 7, phase: 'end', verdict: 'partial', classes, unknownApps }))
  await tables.add('sync-runs', syncRun({ source: 'hr', run: 3, phase: 'end', classes, unknownApps }), syncRun({ source: 'billing', run: 3, phase: 'end', classes, unknownApps }))
  const clock = new HandClock(start)
  const health = new Health(clock, [{ source: 'billing', kind: 'app', active: true }, { source: 'hr', kind: 'feed', active: true }])
  const run = { run: 1, verdict: 'complete' as const, reason: null, place: null, pages: 3, error: null, classes, unknownApps: null, shapeChanges: [
    { stream: 'users', field: 'mail', change: 'type' as const, was: 'string', is: 'number', example: '9', place: 'page 1, row 2' },
  ] }
  health.onEvent({ event: 'run', source: 'billing', nextInMs: 60_000, result: run })
  health.onEvent({ event: 'run', source: 'billing', nextInMs: 60_000, result: { ...run, verdict: 'partial' } })
  health.onEvent({ event: 'run', source: 'billing', nextInMs: 60_000, result: run })
  health.onEvent({ event: 'request', source: 'billing', report: { outcome: 'ok', attempts: 3, refused: 1, throttledMs: 400, tookMs: 500 } })
  clock.advance(5_000)
  rows = await connectorHealth(tables.store, ['billing', 'hr'], health.list(() => undefined), clock.nowMs())
})
afterAll(() => tables.close())

describe('the health of connectors', () => {
  it('is the same for all: freshness, lag, failure rate, retries, waits, pages, records, dead letters, gap, verdict', () => {
    expect(rows.map(({ source }) => source)).toEqual(['billing', 'hr', 'gone'])
    expect(rows[0]).toMatchObject({
      state: 'reading well', verdict: 'complete', ageMs: 5_000, lagMs: 7_000, failureRate: 1 / 3, retries: 2, throttledMs: 400, pages: 9, records: 60, deadLetters: 1, gap: 3, live: true,
    })
    expect(rows[1]).toMatchObject({ state: 'new', ageMs: null, lagMs: null, deadLetters: 0, gap: null })
    expect(rows[2]).toMatchObject({ state: 'paused', verdict: 'partial', live: false, lagMs: null })
  })

  it('says of what no process reads whether one will', async () => {
    const states = async () => (await connectorHealth(tables.store, ['billing'], null, start)).map(({ source, state }) => [source, state])
    expect(await states()).toEqual([['billing', 'not running'], ['gone', 'paused'], ['hr', 'paused']])
    await tables.add('rulings', ruling({ source: 'gone' }))
    expect(await states()).toEqual([['billing', 'not running'], ['gone', 'retired'], ['hr', 'paused']])
  })

  it('is shown whole in every format, a changed field with its example', () => {
    const [head, line] = connectorText(rows, 'csv', 0).split('\r\n')
    const cells = Object.fromEntries(head!.split(',').map((name, at) => [name, line!.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)[at]]))
    expect(cells).toMatchObject({ ageMs: '5000', lagMs: '7000', failureRate: '0.33', pages: '9', records: '60', gap: '3', deadLetters: '1', retries: '2', throttledMs: '400' })
    const schema = 'users: mail type (string → number, such as 9 at page 1, row 2)'
    expect(cells['shapeChanges']).toBe(`"${schema}"`)
    expect(JSON.parse(connectorText(rows, 'json', 0))).toMatchObject([{ shapeChanges: [schema] }, {}, {}])
    expect(connectorText(rows, 'table', 1_000)).toContain(schema)
  })

  it('tells what rows of a feed named in vain in its last run, be it one of a process before', () => {
    expect(rows.map((row) => [row.source, row.unknownApps])).toEqual([['billing', []], ['hr', unknownApps], ['gone', unknownApps]])
    const line = '2 rows name "sohp" (did you mean "shop"?)'
    expect(JSON.parse(connectorText(rows, 'json', 0))).toMatchObject([{ unknownApps: [] }, { unknownApps: [line] }, { unknownApps: [line] }])
    expect(connectorText(rows, 'table', 1_000)).toContain(line)
  })
})
