import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { runSink } from '../../src/sink/run-sink.ts'
import { access, grant } from '../../test/sink/records.ts'
import { MemoryLog } from '../../test/support/memory-log.ts'
import { MemorySchemaStore } from '../../test/support/memory-schemas.ts'
import { publishResults } from '../machine.ts'

/**
 * `node bench/sink/insert.ts [rows] [grants] [rows a message] [--synced]`: how fast the sink carries `rows` access changes of `grants` grants each, in chunks,
 * from a log in memory into an empty table. `--synced`: into one that is told to sync what was inserted before it says so.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { synced: { type: 'boolean', default: false } } })
const [rows = 50_000, grants = 31, chunk = 250] = positionals.map(Number)

const codec = createFileCodec(new MemorySchemaStore())
const log = new MemoryLog(Object.fromEntries(topicNames.map((topic) => [topic, 1])) as Record<Topic, number>)
const task = await log.openTask('bench')
for (let first = 0; first < rows; first += chunk) {
  const records = Array.from({ length: Math.min(chunk, rows - first) }, (_, i) =>
    access({
      account: `user-${first + i}`,
      set: Array.from({ length: grants }, (_, g) => grant({ entitlement: `app:entitlement-${(first + i + g) % 500}`, native: `E${g}`, direct: false, paths: [['role:r', 'role:s']] })),
    }),
  )
  await task.commit({ appends: [{ topic: 'access', partition: 0, key: null, timestamp: 1, value: codec.encode('access', records) }], state: new Map() })
}

const path = mkdtempSync(join(tmpdir(), 'grantline-bench-'))
const store = await openStore({ path })
if (values.synced) await store.command('ALTER TABLE access_log MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1', {})
const stop = new AbortController()
let inserts = 0
const began = performance.now()
const cpu = process.cpuUsage()
const sink = runSink({ log, codec, store, topics: ['access'], signal: stop.signal, onProgress: ({ event }) => (inserts += event === 'inserted' ? 1 : 0) })
await sink.drained()
const seconds = (performance.now() - began) / 1_000
const { user, system } = process.cpuUsage(cpu)
const Count = z.object({ changes: z.int(), grants: z.int() })
const [held] = await store.query('SELECT count() AS changes, toInt64(sum(length(grants.entitlement))) AS grants FROM access_log', {}, Count)
if (held?.changes !== rows || held.grants !== rows * grants) throw new Error(`the table holds ${held?.changes} changes, not ${rows}`)
publishResults(values.synced ? 'sink-synced' : 'sink', [{
  rows, grants: rows * grants, seconds: seconds.toFixed(1), 'rows/s': Math.round(rows / seconds), 'grants/s': Math.round((rows * grants) / seconds), inserts,
  'CPU s': ((user + system) / 1e6).toFixed(1), 'resident MiB': Math.round(process.memoryUsage().rss / 2 ** 20),
}])
stop.abort()
await sink.done
await store.close()
rmSync(path, { recursive: true, force: true })
