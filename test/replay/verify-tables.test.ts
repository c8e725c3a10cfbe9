import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import type { Log } from '../../src/ports/log.ts'
import type { Store } from '../../src/ports/store.ts'
import { tellTable, type TableDifference } from '../../src/replay/table-range.ts'
import { verifyTables, type TablesReport, type VerifyTablesOptions } from '../../src/replay/verify-tables.ts'
import { runSink } from '../../src/sink/run-sink.ts'
import { sinkTopics, tableOf, type SinkTopic } from '../../src/sink/rows/tables.ts'
import { Topology } from '../support/topology.ts'
import { record, types } from './history.ts'
import { codec, openTemporary } from './logs.ts'

let log: Log & AsyncDisposable
let topology: Topology
let store: Store
let path: string

beforeAll(async () => {
  log = await openTemporary()
  topology = new Topology({ types, log, codec })
  await record(topology)
  path = mkdtempSync(join(tmpdir(), 'grantline-replay-tables-'))
  store = await openStore({ path })
  await sink()
})
afterAll(async () => {
  await store.close()
  await log[Symbol.asyncDispose]()
  rmSync(path, { recursive: true, force: true })
})

async function sink(topics: readonly SinkTopic[] = sinkTopics): Promise<void> {
  const stop = new AbortController()
  const running = runSink({ log, codec, store, topics, signal: stop.signal })
  await running.drained()
  stop.abort()
  await running.done
}

const verify = (more: Partial<VerifyTablesOptions> = {}): Promise<TablesReport> => verifyTables({ log, codec, store, ...more })
const firstOf = ({ places }: TablesReport): TableDifference | null | undefined => places.find(({ difference }) => difference !== null)?.difference

const At = z.object({ partition: z.int(), offset: z.int(), index: z.int() })

/** The position of a row in the middle of what the table holds of a topic. */
async function middle(topic: SinkTopic): Promise<z.infer<typeof At>> {
  const rows = await store.query(
    `SELECT partition, offset, \`index\` FROM ${tableOf[topic]} WHERE topic = {topic:String} ORDER BY partition, offset, \`index\``, { topic }, At,
  )
  return rows[Math.floor(rows.length / 3)]!
}

const where = 'topic = {topic:String} AND partition = {partition:UInt32} AND offset = {offset:Int64} AND `index` = {index:Int32}'
const whereOfT = where.replace(/(topic|partition|offset|`index`) =/g, 't.$1 =')

describe('the tables of a log', () => {
  it('hold each row of it once, and nothing else', async () => {
    const report = await verify()
    expect(report.strays).toEqual([])
    expect(firstOf(report)).toBeUndefined()
    expect(report.holds).toBe(true)
    for (const topic of sinkTopics) {
      const [held] = await store.query(`SELECT toInt64(count()) AS rows FROM ${tableOf[topic]} WHERE topic = {topic:String}`, { topic }, z.object({ rows: z.int() }))
      const compared = report.places.filter((place) => place.topic === topic).reduce((sum, { rows }) => sum + rows, 0)
      expect(compared, topic).toBe(held?.rows)
      expect(compared, topic).toBeGreaterThan(0)
    }
    expect(report.places.every(({ late }) => late === 0)).toBe(true)
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  it('are compared as far as it is asked', async () => {
    const rowsOf = async (more: Partial<VerifyTablesOptions>): Promise<number> => {
      const report = await verify({ topics: ['access'], ...more })
      expect(report.holds).toBe(true)
      return report.places.reduce((sum, { rows }) => sum + rows, 0)
    }
    const all = await rowsOf({})
    const [crm, billing] = [await rowsOf({ app: 'crm' }), await rowsOf({ app: 'billing' })]
    expect(crm).toBeGreaterThan(0)
    expect(crm + billing).toBe(all)
    expect((await rowsOf({ to: 3 })) + (await rowsOf({ from: 3 }))).toBe(all)
    expect((await rowsOf({ partition: 0 })) + (await rowsOf({ partition: 1 }))).toBe(all)
  })

  it('are behind, not different, while the sink has not come to the end', async () => {
    const before = (await verify({ topics: ['access'] })).places.reduce((sum, { rows }) => sum + rows, 0)
    await record(topology)
    const report = await verify({ topics: ['access'] })
    expect(report.holds).toBe(true)
    expect(report.places.reduce((sum, { rows }) => sum + rows, 0)).toBe(before)
    expect(report.places.reduce((sum, { late }) => sum + late, 0)).toBeGreaterThan(0)
    await sink()
    expect((await verify()).places.every(({ late }) => late === 0)).toBe(true)
  })
})

describe('a row that was', () => {
  it('altered', async () => {
    const at = await middle('findings')
    const before = { topic: 'findings', ...at }
    await store.command(`ALTER TABLE findings_log UPDATE detail = concat(detail, ' ') WHERE ${where} SETTINGS mutations_sync = 2`, before)
    const report = await verify({ topics: ['findings'] })
    expect(report.holds).toBe(false)
    const difference = firstOf(report)
    expect(difference).toMatchObject({ kind: 'changed', table: 'findings_log', topic: 'findings', ...at, field: 'detail' })
    expect(difference && tellTable(difference)).toContain(`findings_log: findings/${at.partition} offset ${at.offset} index ${at.index}: detail is not what the log says`)
  })

  it('altered within an array of times', async () => {
    const [at] = await store.query(
      "SELECT partition, offset, `index` FROM access_log WHERE length(`grants.since`) > 0 AND topic = 'access' ORDER BY partition, offset DESC LIMIT 1", {}, At,
    )
    await store.command(
      `ALTER TABLE access_log UPDATE \`grants.since\` = arrayMap(t -> t + toIntervalMillisecond(1), \`grants.since\`) WHERE ${where} SETTINGS mutations_sync = 2`,
      { topic: 'access', ...at },
    )
    expect(firstOf(await verify({ topics: ['access'] }))).toMatchObject({ kind: 'changed', table: 'access_log', ...at, field: 'grants.since[0]' })
  })

  it('removed', async () => {
    const at = await middle('lag')
    await store.command(`ALTER TABLE lag_samples DELETE WHERE ${where} SETTINGS mutations_sync = 2`, { topic: 'lag', ...at })
    expect(firstOf(await verify({ topics: ['lag'] }))).toMatchObject({ kind: 'missing', table: 'lag_samples', topic: 'lag', ...at, found: null })
  })

  it('doubled', async () => {
    const at = await middle('sync-runs')
    await store.command(`INSERT INTO sync_run_log SELECT * FROM sync_run_log AS t WHERE ${whereOfT}`, { topic: 'sync-runs', ...at })
    expect(firstOf(await verify({ topics: ['sync-runs'] }))).toMatchObject({ kind: 'doubled', table: 'sync_run_log', topic: 'sync-runs', ...at })
  })

  it('invented: between the others, after the end, and in places that there are not', async () => {
    const at = await middle('dead-letters')
    const end = await log.end('dead-letters', at.partition)
    const invent = async (columns: string): Promise<void> => {
      await store.command(`INSERT INTO dead_letters SELECT * REPLACE (${columns}) FROM dead_letters AS t WHERE ${whereOfT}`, { topic: 'dead-letters', ...at })
    }
    await invent(`${end} AS offset`)
    expect(firstOf(await verify({ topics: ['dead-letters'] }))).toMatchObject({ kind: 'extra', table: 'dead_letters', ...at, offset: end, logged: null })
    await invent('7 AS `index`')
    expect(firstOf(await verify({ topics: ['dead-letters'] }))).toMatchObject({ kind: 'extra', table: 'dead_letters', ...at, index: 7 })
    await invent('99 AS partition')
    expect(await verify({ topics: ['dead-letters'] })).toMatchObject({
      holds: false, strays: [{ table: 'dead_letters', topic: 'dead-letters', partition: 99, rows: 1, firstOffset: at.offset }],
    })
    await invent("'lag' AS topic")
    expect(firstOf(await verify({ topics: ['lag'], partition: at.partition }))).toMatchObject({ table: 'dead_letters', topic: 'lag', kind: 'extra' })
  })
})
