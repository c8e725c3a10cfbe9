import { rmSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import type { Store } from '../../src/ports/store.ts'
import type { SinkEvent } from '../../src/sink/partition-sink.ts'
import { sinkTopics, tableOf } from '../../src/sink/rows/tables.ts'
import { runSink } from '../../src/sink/run-sink.ts'
import { MemoryStorage } from '../support/memory-log.ts'
import { audit, codec, fill, partitions, SmallReads, tempDir, type TempDir } from './world.ts'

/** Somebody alters the tables by hand. What the sink carries then is in the log, so nothing of it may be lost, or be there in part. */
const Count = z.object({ n: z.int() })
let dir: TempDir
let store: Store
let log: SmallReads
let stop: AbortController
let done: Promise<void> | null

beforeEach(async () => {
  dir = tempDir()
  store = await openStore({ path: dir.path })
  log = new SmallReads(partitions, new MemoryStorage('the log of altered tables'))
  done = null
})
afterEach(async () => {
  await end()
  await store.close()
  dir.remove()
})

interface Running {
  drained: () => Promise<void>
  /** what it said of a topic, in order */
  failures: (topic: string) => string[]
}

function start(): Running {
  const events: SinkEvent[] = []
  stop = new AbortController()
  const sink = runSink({ log, codec, store, signal: stop.signal, onProgress: (event) => events.push(event) })
  done = sink.done
  return { drained: () => sink.drained(), failures: (topic) => events.flatMap((event) => (event.event === 'failed' && event.topic === topic ? [event.error.message] : [])) }
}

async function end(): Promise<void> {
  if (done === null) return
  stop.abort()
  await done
  done = null
}

const rowsOf = async (table: string): Promise<number> => (await store.query(`SELECT count() AS n FROM ${table}`, {}, Count))[0]!.n
const whatToDo = (): string => `The tables are not as grantline made them. What was renamed may be named back; after anything else stop grantline, delete ${dir.path} and start it: they are made anew and filled from the log`

it.each([
  ['dropped', 'DROP COLUMN status'],
  ['renamed', 'RENAME COLUMN status TO state'],
])('a column that was %s is told with its table and what to do, nothing of that table lands, and tables made anew hold all', { timeout: 120_000 }, async (_how, alteration) => {
  await fill(log, 0, 12)
  const running = start()
  await running.drained()
  const before = await rowsOf('access_log')
  expect(before).toBeGreaterThan(0)
  await store.command(`ALTER TABLE access_log ${alteration}`, {})
  await fill(log, 12, 30)
  // that it fails is known to the first insert; which columns there are is looked up for the second
  await expect.poll(() => running.failures('access').at(-1), { timeout: 20_000 }).toBe(`table access_log at ${dir.path} lacks status. ${whatToDo()}`)
  expect(running.failures('access')[0]).toBe(`insert into access_log at ${dir.path} failed: ${/No such column status in table grantline\.access_log \(.*?\)/.exec(running.failures('access')[0]!)?.[0]}. ${whatToDo()}`)
  await expect.poll(async () => (await audit(store, log)).filter((wrong) => !wrong.startsWith('access ')), { timeout: 20_000 }).toEqual([])
  expect(await rowsOf('access_log')).toBe(before)
  await end()

  // the next process says it at once
  const again = start()
  await expect.poll(() => again.failures('access')[0], { timeout: 20_000 }).toContain('table access_log')
  expect(again.failures('access')[0]).toContain(`lacks status. ${whatToDo()}`)
  expect(await rowsOf('access_log')).toBe(before)
  await end()

  await store.close()
  rmSync(dir.path, { recursive: true })
  store = await openStore({ path: dir.path })
  await start().drained()
  expect(await audit(store, log)).toEqual([])
})

it('a column that is named back is found, and what waited lands once', { timeout: 60_000 }, async () => {
  await fill(log, 0, 12)
  const running = start()
  await running.drained()
  await store.command('ALTER TABLE findings_log RENAME COLUMN severity TO gravity', {})
  await fill(log, 12, 30)
  await expect.poll(() => running.failures('findings').at(-1), { timeout: 20_000 }).toContain('lacks severity')
  await store.command('ALTER TABLE findings_log RENAME COLUMN gravity TO severity', {})
  await running.drained()
  expect(await audit(store, log)).toEqual([])
})

it('a table that was dropped, and a column that the sink asks for, are told so, too', { timeout: 60_000 }, async () => {
  await store.command('DROP TABLE lag_samples', {})
  await store.command('ALTER TABLE ruling_log DROP COLUMN topic', {})
  await fill(log, 0, 3)
  const running = start()
  await expect.poll(() => running.failures('lag').at(-1), { timeout: 20_000 }).toContain('lag_samples')
  await expect.poll(() => running.failures('rulings').at(-1), { timeout: 20_000 }).toContain('ruling_log')
  for (const topic of ['lag', 'rulings']) expect(running.failures(topic).at(-1)).toContain(whatToDo())
})

it('columns that somebody added disturb nothing', { timeout: 60_000 }, async () => {
  for (const topic of sinkTopics) await store.command(`ALTER TABLE ${tableOf[topic]} ADD COLUMN IF NOT EXISTS place String ALIAS concat(topic, '/', toString(partition)), ADD COLUMN IF NOT EXISTS noted String`, {})
  await fill(log, 0, 12)
  const running = start()
  await running.drained()
  expect(sinkTopics.flatMap((topic) => running.failures(topic))).toEqual([])
  expect(await audit(store, log)).toEqual([])
  expect(await store.query("SELECT count() AS n FROM access_log WHERE place = 'access/0'", {}, Count)).toEqual([{ n: await rowsOf('access_log') }])
})
