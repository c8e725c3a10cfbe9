import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { armFaults, type FaultPoint } from '../../src/core/fault.ts'
import type { Log } from '../../src/ports/log.ts'
import type { Store } from '../../src/ports/store.ts'
import { splitRecord } from '../../src/runtime/parts.ts'
import type { SinkEvent } from '../../src/sink/partition-sink.ts'
import { topicsBehind } from '../../src/sink/behind.ts'
import { sinkTopics } from '../../src/sink/rows/tables.ts'
import { SinkFencedError, SinkMismatchError } from '../../src/sink/place.ts'
import { runSink, type Sink } from '../../src/sink/run-sink.ts'
import { MemoryStorage } from '../support/memory-log.ts'
import { access, finding, grant } from './records.ts'
import { BetweenStore, ForgetfulStore, LossyStore, StoppedStore } from './unreliable-store.ts'
import { audit, codec, fill, partitions, places, SmallReads, tempDir, type TempDir } from './world.ts'

const Count = z.object({ n: z.int() })
let dir: TempDir
let store: Store
let log: Log
const aborts: AbortController[] = []

beforeEach(async () => {
  dir = tempDir()
  store = await openStore({ path: dir.path })
  log = new SmallReads(partitions)
})
afterEach(async () => {
  armFaults(null)
  for (const abort of aborts.splice(0)) abort.abort()
  await store.close()
  dir.remove()
})

interface Running extends Sink {
  events: SinkEvent[]
  stop(): Promise<void>
}

function start(over: Store, from: Log = log): Running {
  const abort = new AbortController()
  aborts.push(abort)
  const events: SinkEvent[] = []
  const sink = runSink({ log: from, codec, store: over, signal: abort.signal, onProgress: (event) => events.push(event) })
  return {
    ...sink,
    events,
    stop: () => {
      abort.abort()
      return sink.done
    },
  }
}

const failures = (sink: Running): string[] => sink.events.flatMap((event) => (event.event === 'failed' ? [event.error.message] : []))
const append = async (topic: 'findings' | 'access', partition: number, value: Uint8Array): Promise<number> => {
  const task = await log.openTask('test')
  return (await task.commit({ appends: [{ topic, partition, key: null, timestamp: 77, value }], state: new Map() })).offsets[0]!
}

describe('without disturbance', () => {
  it('carries what is there and what comes later, each record once', async () => {
    expect(await topicsBehind(log, store)).toEqual([])
    await fill(log, 0, 25)
    expect(await topicsBehind(log, store)).toEqual(sinkTopics)
    const sink = start(store)
    await sink.drained()
    expect(await audit(store, log)).toEqual([])
    expect(await topicsBehind(log, store)).toEqual([])
    await fill(log, 25, 40)
    await sink.drained()
    expect(await audit(store, log)).toEqual([])
    await sink.stop()
    expect(failures(sink)).toEqual([])
    await append('findings', 1, codec.encode('findings', [finding({ id: 'late' })]))
    expect(await topicsBehind(log, store)).toEqual(['findings'])
  })

  it('goes on at its floor, reading nothing back, after it was stopped', async () => {
    await fill(log, 0, 12)
    const first = start(store)
    await first.drained()
    await first.stop()
    await fill(log, 12, 20)
    const second = start(store)
    await second.drained()
    expect(await audit(store, log)).toEqual([])
    const claims = second.events.filter((event) => event.event === 'claimed')
    expect(claims).toHaveLength(places)
    for (const claimed of claims) expect(claimed).toMatchObject({ epoch: 2, floor: 12, held: 0 })
    await second.stop()
  })

  it('does not begin from zero when a table was emptied', async () => {
    await fill(log, 0, 12)
    const first = start(store)
    await first.drained()
    await first.stop()
    await store.command('TRUNCATE TABLE findings_log', {})
    await fill(log, 12, 14)
    const second = start(store)
    await second.drained()
    expect(await store.query('SELECT DISTINCT offset AS n FROM findings_log ORDER BY n', {}, Count)).toEqual([{ n: 12 }, { n: 13 }])
    await second.stop()
  })

  it('tells whoever waits that it was stopped before', async () => {
    const sink = start(store)
    await sink.drained()
    await sink.stop()
    await fill(log, 0, 1)
    await expect(sink.drained()).rejects.toThrow(/was stopped at offset 0/)
  })
})

describe('errors', () => {
  it.each<FaultPoint>(['sink.before-claim', 'sink.after-claim', 'sink.before-insert', 'sink.after-insert'])('goes on after one at %s', async (point) => {
    await fill(log, 0, 15)
    let fired = 0
    armFaults((reached) => {
      if (reached === point && ++fired % 3 === 1 && fired < 30) throw new Error(`planted at ${point}`)
    })
    const sink = start(store)
    await sink.drained()
    expect(failures(sink).length).toBeGreaterThan(2)
    expect(new Set(failures(sink))).toEqual(new Set([`planted at ${point}`]))
    expect(await audit(store, log)).toEqual([])
    await sink.stop()
  })

  it('neither doubles nor loses anything when answers are lost after or before the commit', async () => {
    await fill(log, 0, 20)
    const lossy = new LossyStore(store, (call) => (call % 4 !== 3 ? null : call % 8 === 3 ? 'after' : 'before'))
    const sink = start(lossy)
    await sink.drained()
    await sink.stop()
    expect(lossy.lost).toBeGreaterThan(5)
    expect(await audit(store, log)).toEqual([])
  })

  it('would double rows if it did not read back: the audit sees that', async () => {
    await fill(log, 0, 20)
    const sink = start(new ForgetfulStore(new LossyStore(store, (call) => (call > 12 && call % 5 === 3 ? 'after' : null))))
    await sink.drained()
    await sink.stop()
    expect((await audit(store, log)).some((wrong) => /is there [2-9] times/.test(wrong))).toBe(true)
  })

  it('the audit also sees what is missing, foreign or wrong', async () => {
    await fill(log, 0, 5)
    const sink = start(store)
    await sink.drained()
    await sink.stop()
    await store.command(`ALTER TABLE findings_log DELETE WHERE offset = 3 SETTINGS mutations_sync = 1`, {})
    await store.command(`ALTER TABLE lag_samples UPDATE entitlement = 'other' WHERE offset = 2 AND partition = 0 SETTINGS mutations_sync = 1`, {})
    await store.command(`INSERT INTO dead_letters SELECT * REPLACE (99 AS offset) FROM dead_letters AS d WHERE d.offset = 0`, {})
    const wrong = await audit(store, log)
    expect(wrong).toContain('findings 0/3/0 is missing')
    expect(wrong).toContain('lag 0/2/0 holds other')
    expect(wrong).toContain('dead-letters 0/99/0 is not in the log')
  })

  it('refuses tables that were filled from another log', async () => {
    await fill(log, 0, 5)
    const sink = start(store)
    await sink.drained()
    await sink.stop()
    const other = new SmallReads(partitions)
    await fill(other, 0, 9)
    await expect(start(store, other).done).rejects.toThrow(`the tables hold the rows of the log ${log.id}, and this is the log ${other.id}`)
    const again = start(store)
    await again.drained()
    await again.stop()
    expect(await audit(store, log)).toEqual([])
  })

  it('refuses a log that was put back to an earlier time', async () => {
    await fill(log, 0, 5)
    const sink = start(store)
    await sink.drained()
    await sink.stop()
    const earlier = new MemoryStorage(log.id)
    await expect(start(store, new SmallReads(partitions, earlier)).done).rejects.toThrow(/hold rows of \S+ up to offset 4, but the log ends at 0/)
  })

  it('of two logs that come to new tables at the same time, at most one goes on', async () => {
    const other = new SmallReads(partitions)
    const sinks = [start(store), start(store, other)]
    for (const [i, of] of [log, other].entries()) await fill(of, 0, 3 + i)
    const outcomes = await Promise.all(sinks.map((sink) => sink.drained().then(() => 'filled', () => 'refused')))
    expect(outcomes).toContain('refused')
    await expect(Promise.all(sinks.map((sink) => sink.done))).rejects.toThrow(SinkMismatchError)
    await Promise.allSettled(sinks.map((sink) => sink.stop()))
  })
})

describe('two owners', () => {
  it('lets a predecessor that wakes up late land nothing', async () => {
    await fill(log, 0, 8)
    const stopped = new StoppedStore(store, 'findings_log')
    const zombie = start(stopped)
    await stopped.stopped
    const successor = start(store)
    await successor.drained()
    stopped.release()
    await expect(zombie.done).rejects.toThrow(SinkFencedError)
    await expect(zombie.drained()).rejects.toThrow()
    await fill(log, 8, 12)
    await successor.drained()
    expect(await audit(store, log)).toEqual([])
    await successor.stop()
  })

  it('does not take back what another one claimed while it had an error', async () => {
    let failing = false
    await fill(log, 0, 2)
    const first = start(new LossyStore(store, () => (failing ? 'before' : null)))
    await first.drained()
    failing = true
    await fill(log, 2, 4)
    const other = start(store)
    await other.drained()
    failing = false
    await expect(first.done).rejects.toThrow(SinkFencedError)
    await fill(log, 4, 6)
    await other.drained()
    expect(await audit(store, log)).toEqual([])
    await other.stop()
  })

  it('waits as long as an unanswered insert may still land, and then finds it', async () => {
    await fill(log, 0, 3)
    const late = new StoppedStore(new BetweenStore(store), 'access_log')
    const predecessor = start(late)
    await late.stopped
    const began = performance.now()
    const successor = start(new BetweenStore(store, 1_500))
    // what the server had begun before the claim ends within the time that the claim waits for
    await new Promise((resolve) => setTimeout(resolve, 300))
    await store.command(`INSERT INTO access_log (topic, partition, offset, \`index\`, account) VALUES ('access', 0, 0, 0, 'access-0-0-0')`, {})
    await successor.drained()
    expect(performance.now() - began).toBeGreaterThan(1_500)
    expect(await audit(store, log)).toEqual([])
    late.release()
    await expect(predecessor.done).rejects.toThrow(SinkFencedError)
    await successor.stop()
  })
})

describe('messages that are not as they should be', () => {
  it('turns one that can’t be read into a dead letter at its own position, once, and goes on', async () => {
    await fill(log, 0, 2)
    const offset = await append('access', 0, Uint8Array.from([0, 1, 2, 3, 4, 5]))
    await append('access', 0, codec.encode('access', [access({ account: 'after it' })]))
    const sink = start(store)
    await sink.drained()
    await sink.stop()
    await store.command('TRUNCATE TABLE sink_epochs', {})
    const again = start(store)
    await again.drained()
    await again.stop()
    expect(sink.events).toContainEqual({ event: 'unreadable', topic: 'access', partition: 0, offset, index: 0 })
    const letters = await store.query(
      `SELECT offset, source, stage, code, reason, toUnixTimestamp64Milli(at) AS at FROM dead_letters WHERE topic = 'access'`,
      {},
      z.object({ offset: z.int(), source: z.string(), stage: z.string(), code: z.string(), reason: z.string(), at: z.int() }),
    )
    expect(letters).toEqual([{ offset, source: 'topic/access', stage: 'sink', code: 'unreadable-message', reason: expect.stringContaining('schema') as string, at: 77 }])
    expect(await store.query(`SELECT count() AS n FROM access_log WHERE account = 'after it'`, {}, Count)).toEqual([{ n: 1 }])
    await append('access', 0, Uint8Array.from([0, 1, 2, 3, 4, 5]))
    const third = start(store)
    await third.drained()
    await third.stop()
    await store.command('TRUNCATE TABLE sink_epochs', {})
    expect(await topicsBehind(log, store)).toEqual([]) // the letter stands for it
  })

  it('puts a record together that came in parts, also when it was stopped between them', async () => {
    const big = access({ account: 'big', set: Array.from({ length: 4_000 }, (_, i) => grant({ entitlement: `entitlement-${i}-${'x'.repeat(80)}` })) })
    const parts = splitRecord('test', codec.encode('access', [big]))
    expect(parts.length).toBeGreaterThan(1)
    await append('access', 0, codec.encode('access', [access({ account: 'before' }), parts[0]!]))
    const first = start(store)
    await first.drained()
    await first.stop()
    let last = 0
    for (const part of parts.slice(1)) last = await append('access', 0, codec.encode('access', [part]))
    const second = start(store)
    await second.drained()
    await second.stop()
    const rows = await store.query(
      'SELECT account, offset, `index`, length(grants.entitlement) AS grants FROM access_log ORDER BY offset, `index`',
      {},
      z.object({ account: z.string(), offset: z.int(), index: z.int(), grants: z.int() }),
    )
    expect(rows).toEqual([{ account: 'before', offset: 0, index: 0, grants: 1 }, { account: 'big', offset: last, index: 0, grants: 4_000 }])
    expect(await store.query('SELECT count() AS n FROM dead_letters', {}, Count)).toEqual([{ n: 0 }])
  })
})
