import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { RecordOf } from '../../../schemas/wire/topics.ts'
import { openStore } from '../../../src/adapters/store-clickhouse/open-store.ts'
import type { Row, Store } from '../../../src/ports/store.ts'
import { unreadableRow } from '../../../src/sink/rows/dead-letter.ts'
import { rowOf, sinkTopics, tableOf, type SinkTopic } from '../../../src/sink/rows/tables.ts'
import { recordOf } from '../../support/arbitraries.ts'
import { access, deadLetter, finding, grant, lag, start, syncRun } from '../records.ts'
import { tempDir, type TempDir } from '../world.ts'

const at = (topic: SinkTopic, offset = 5) => ({ topic, partition: 2, offset, index: 1 })

describe('the row of a record', () => {
  it('names its own position and that of its cause', () => {
    for (const [topic, record] of [['findings', finding()], ['access', access()], ['lag', lag()], ['dead-letters', deadLetter()]] as const) {
      expect(rowOf(record, at(topic))).toMatchObject({ ...at(topic), cause_topic: 'facts', cause_partition: 1, cause_offset: 12, cause_index: 3 })
    }
    expect(rowOf(deadLetter({ cause: null }), at('dead-letters'))).toMatchObject({ cause_topic: null, cause_offset: null })
  })

  it('keeps an account’s grants as arrays of equal length', () => {
    const row = rowOf(access({ set: [grant(), grant({ entitlement: 'b', paths: [['role:r', 'role:s']], valid: 3, direct: false })], removed: ['c'] }), at('access'))
    expect(row).toMatchObject({
      'grants.entitlement': ['invoices:write', 'b'], 'grants.native': ['INV_W', 'INV_W'], 'grants.verdict': ['matched', 'matched'],
      'grants.direct': [true, false], 'grants.since': [start, start], 'grants.valid': [null, 3], 'grants.paths': [[[]], [['role:r', 'role:s']]],
      removed: ['c'],
    })
  })

  it('keeps the partition that a run’s row speaks for apart from the one that it stands in', () => {
    const manifest = { class: 'accounts', verdict: 'complete' as const, reason: null, place: null, read: 3, declared: 3, rejected: 0, counts: [1, 1, 1, 0] }
    const row = rowOf(syncRun({ phase: 'end', partition: 7, classes: [{ ...manifest, counts: [] }, manifest] }), at('sync-runs'))
    expect(row).toMatchObject({ partition: 2, run_partition: 7, partitions: 4, 'classes.class': ['accounts', 'accounts'], 'classes.counts': [[], [1, 1, 1, 0]] })
    expect(rowOf(syncRun(), at('sync-runs'))).toMatchObject({ run_partition: null, partitions: 0 })
  })

  it('of an unreadable message says where it is and repeats nothing of it', () => {
    const row = unreadableRow(at('findings'), { reason: 'no such schema', bytes: 12, at: 9 })
    expect(row).toMatchObject({ ...at('findings'), place: 'findings partition 2 offset 5 index 1', payload: '12 bytes, kept in the log', at: 9, cause_offset: 5 })
    expect(unreadableRow(at('findings', 6), { reason: '', bytes: 1, at: 1 })['id']).not.toBe(row['id'])
  })
})

describe('tables', () => {
  let dir: TempDir
  let store: Store
  beforeAll(async () => {
    dir = tempDir()
    store = await openStore({ path: dir.path })
  })
  afterAll(async () => {
    await store.close()
    dir.remove()
  })

  const Column = z.object({ name: z.string(), type: z.string() })
  /** The table's rows as they were inserted: times as ms. */
  async function readAll(table: string): Promise<Row[]> {
    const columns = await store.query('SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}', { table }, Column)
    const list = columns.map(({ name, type }) => {
      if (!type.includes('DateTime64')) return `t.\`${name}\` AS \`${name}\``
      return type.startsWith('Array') ? `arrayMap(x -> toUnixTimestamp64Milli(x), t.\`${name}\`) AS \`${name}\`` : `toUnixTimestamp64Milli(t.\`${name}\`) AS \`${name}\``
    })
    return store.query(`SELECT ${list.join(', ')} FROM ${table} AS t ORDER BY t.offset`, {}, z.record(z.string(), z.unknown()))
  }

  it.each(sinkTopics)('hold any record of %s as it was', async (topic) => {
    const records = fc.sample(recordOf(topic), { numRuns: 200, seed: 20_260_101 }) as RecordOf<SinkTopic>[]
    const rows = records.flatMap((record, offset) => (record.type === 'Part' ? [] : [rowOf(record, at(topic, offset))]))
    expect(rows.length).toBeGreaterThan(50)
    await store.insertRows(tableOf[topic], rows, { sql: 'SELECT 1', params: {}, equals: 1 })
    expect(await readAll(tableOf[topic])).toEqual(rows)
  })
})
