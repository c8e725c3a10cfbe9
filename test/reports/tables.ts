import type { RecordOf } from '../../schemas/wire/topics.ts'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import type { Store } from '../../src/ports/store.ts'
import { rowOf, tableOf, type SinkTopic } from '../../src/sink/rows/tables.ts'
import { tempDir } from '../sink/world.ts'

export interface Tables {
  store: Store
  /** Inserts records as rows of a message each, in order, into partition 0; answers the offset of the first. */
  add<T extends SinkTopic>(topic: T, ...records: Exclude<RecordOf<T>, { type: 'Part' }>[]): Promise<number>
  clear(): Promise<void>
  close(): Promise<void>
}

export async function openTables(): Promise<Tables> {
  const dir = tempDir()
  const store = await openStore({ path: dir.path })
  let offset = 0
  return {
    store,
    async add(topic, ...records) {
      const first = offset
      const rows = records.map((record) => rowOf(record, { topic, partition: 0, offset: offset++, index: 0 }))
      await store.insertRows(tableOf[topic], rows, { sql: 'SELECT 1', params: {}, equals: 1 })
      return first
    },
    async clear() {
      for (const table of new Set(Object.values(tableOf))) await store.command(`TRUNCATE TABLE ${table}`, {})
    },
    async close() {
      await store.close()
      dir.remove()
    },
  }
}
