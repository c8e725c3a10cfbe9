import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { z } from 'zod'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import type { Log } from '../../src/ports/log.ts'
import type { Store } from '../../src/ports/store.ts'
import { verifyTables, type PlaceReport } from '../../src/replay/verify-tables.ts'
import { maxMessageBytes, splitRecord } from '../../src/runtime/parts.ts'
import { runSink } from '../../src/sink/run-sink.ts'
import { access, grant } from '../sink/records.ts'
import { codec, openTemporary } from './logs.ts'

/** More rows than digests are compared of at a time, and where that ends a record waits for its second part. */
const early = 100_000
const late = 20_000
let log: Log & AsyncDisposable
let store: Store
let path: string

beforeAll(async () => {
  log = await openTemporary()
  const small = (n: number): RecordOf<'access'> => access({ account: `a${n % 5_000}`, home: `identity/p${n}`, identity: `p${n}`, set: [] })
  const large = access({ account: 'large', home: 'identity/large', set: [grant({ paths: [['x'.repeat(maxMessageBytes)]] })] })
  const parts = splitRecord('test', codec.encode('access', [large]))
  expect(parts).toHaveLength(2)
  const messages: RecordOf<'access'>[][] = []
  for (let n = 0; n < early; n += 2_000) messages.push(Array.from({ length: 2_000 }, (_, i) => small(n + i)))
  messages.at(-1)!.push(parts[0]!)
  messages.push([parts[1]!], ...Array.from({ length: late / 2_000 }, (_, k) => Array.from({ length: 2_000 }, (_, i) => small(early + k * 2_000 + i))))
  const task = await log.openTask('test')
  for (const records of messages) await task.commit({ appends: [{ topic: 'access', partition: 0, key: null, timestamp: 1, value: codec.encode('access', records) }], state: new Map() })
  path = mkdtempSync(join(tmpdir(), 'grantline-replay-many-'))
  store = await openStore({ path })
  const stop = new AbortController()
  const running = runSink({ log, codec, store, topics: ['access'], signal: stop.signal })
  await running.drained()
  stop.abort()
  await running.done
})
afterAll(async () => {
  await store.close()
  await log[Symbol.asyncDispose]()
  rmSync(path, { recursive: true, force: true })
})

async function verify(): Promise<{ place: PlaceReport; queries: number }> {
  let queries = 0
  const counting: Store = { ...store, settleMs: store.settleMs, query: <T>(sql: string, params: object, row: z.ZodType<T>) => {
    if (sql.includes('FROM access_log AS t WHERE') || sql.includes('FROM access_log AS t\n')) queries++
    return store.query(sql, { ...params }, row)
  } }
  const { places } = await verifyTables({ log, codec, store: counting, topics: ['access'], partition: 0 })
  return { place: places[0]!, queries }
}

it('a table of many rows is looked through a few times, not once for each few thousand of them', async () => {
  const { place, queries } = await verify()
  expect(place).toMatchObject({ rows: early + 1 + late, late: 0, difference: null })
  // beside the two ranges it is asked twice how far the table goes
  expect(queries).toBe(4)
})

it('one altered row among them is found by its place, also behind a record in parts', async () => {
  const person = early + late - 3
  await store.command("ALTER TABLE access_log UPDATE status = 'disabled' WHERE identity = {identity:String} SETTINGS mutations_sync = 2", { identity: `p${person}` })
  const { place } = await verify()
  expect(place.difference).toMatchObject({ kind: 'changed', field: 'status', offset: early / 2_000 + late / 2_000, index: 1_997 })
  expect(place.rows).toBeGreaterThan(early)
})
