import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import type { Log, Message, ReadLimits } from '../../src/ports/log.ts'
import type { Store } from '../../src/ports/store.ts'
import type { Topic } from '../../schemas/wire/topics.ts'
import type { SinkEvent } from '../../src/sink/partition-sink.ts'
import { SinkFencedError } from '../../src/sink/place.ts'
import { runSink, type Sink } from '../../src/sink/run-sink.ts'
import { lateMs, openBridge, type Bridge, type BridgeFault } from '../adapters/store-clickhouse/http-bridge.ts'
import { finding } from './records.ts'
import { BetweenStore } from './unreliable-store.ts'
import { audit, codec, fill, partitions, SmallReads, tempDir, type TempDir } from './world.ts'

/** The sink on a server by URL: what gets lost between the two, who comes while another still inserts, a server that goes and comes. */
let dir: TempDir
let bridge: Bridge
let log: Log
const stores: Store[] = []
const aborts: AbortController[] = []

beforeEach(async () => {
  dir = tempDir()
  bridge = await openBridge(dir.path)
  log = new SmallReads(partitions)
})
afterEach(async () => {
  bridge.fault = () => 'none'
  bridge.delayMs = () => 0
  for (const abort of aborts.splice(0)) abort.abort()
  for (const store of stores.splice(0)) await store.close()
  await bridge.close()
  dir.remove()
})

/** What is late here lands within `lateMs`: so the sink need not wait half a minute for it, as it does for a real server. */
async function connect(): Promise<Store> {
  const store = await openStore({ url: bridge.url, database: 'grantline' })
  stores.push(store)
  return new BetweenStore(store, lateMs * 3)
}

interface Running extends Sink {
  events: SinkEvent[]
  stop(): Promise<void>
}

function start(store: Store, onProgress: (event: SinkEvent) => void = () => undefined): Running {
  const abort = new AbortController()
  aborts.push(abort)
  const events: SinkEvent[] = []
  const sink = runSink({
    log, codec, store, signal: abort.signal,
    onProgress: (event) => {
      events.push(event)
      onProgress(event)
    },
  })
  return {
    ...sink,
    events,
    stop: () => {
      abort.abort()
      return sink.done
    },
  }
}

const isInsert = (sql: string): boolean => /^INSERT INTO `(?!sink_epochs)/.test(sql)
const failures = (sink: Running): number => sink.events.filter(({ event }) => event === 'failed').length

/** Every nth insert of rows suffers `fault`; answers how often it did. */
function disturb(every: number, faults: readonly BridgeFault[]): () => number {
  let inserts = 0
  let fired = 0
  bridge.fault = (sql) => {
    if (!isInsert(sql) || ++inserts % every !== 0) return 'none'
    return faults[fired++ % faults.length]!
  }
  return () => fired
}

describe('over HTTP', () => {
  it.each<[string, BridgeFault]>([
    ['an answer is lost after the commit', 'lost'],
    ['a connection ends before the statement arrives', 'refused'],
    ['a connection ends and the statement is carried out later', 'late'],
  ])('each record is there once where %s, again and again', async (_name, fault) => {
    await fill(log, 0, 40)
    const fired = disturb(4, [fault])
    const sink = start(await connect())
    await sink.drained()
    await sink.stop()
    expect(fired()).toBeGreaterThan(4)
    expect(failures(sink)).toBeGreaterThan(4)
    bridge.fault = () => 'none'
    expect(await audit(await connect(), log)).toEqual([])
  })

  it('sinks that take over from each other while answers are lost, late and refused double and lose nothing', async () => {
    await fill(log, 0, 30)
    const fired = disturb(5, ['late', 'lost', 'refused'])
    let owner = start(await connect())
    for (let takeover = 1; takeover <= 5; takeover++) {
      await fill(log, 20 + takeover * 10, 30 + takeover * 10)
      const before = bridge.statements.filter(isInsert).length
      await expect.poll(() => bridge.statements.filter(isInsert).length, { timeout: 30_000, interval: 20 }).toBeGreaterThan(before + 2)
      const successor = start(await connect())
      await expect.poll(() => successor.events.some(({ event }) => event === 'claimed'), { timeout: 30_000 }).toBe(true)
      // an owner that has nothing left to insert would not learn of it
      await fill(log, 1_000 + takeover, 1_001 + takeover)
      await expect(owner.done).rejects.toThrow(SinkFencedError)
      owner = successor
    }
    await owner.drained()
    await owner.stop()
    expect(fired()).toBeGreaterThan(5)
    bridge.fault = () => 'none'
    expect(await audit(await connect(), log)).toEqual([])
  })

  it('goes on by itself when the server was away, and comes back with the same data', async () => {
    await fill(log, 0, 15)
    const sink = start(await connect())
    await sink.drained()
    const port = Number(new URL(bridge.url).port)
    await bridge.close()
    await fill(log, 15, 30)
    await expect.poll(() => failures(sink), { timeout: 20_000 }).toBeGreaterThan(3)
    bridge = await openBridge(dir.path, port)
    await sink.drained()
    await sink.stop()
    expect(await audit(await connect(), log)).toEqual([])
  })

  it('reads on only as fast as a slow server takes rows: what is in memory stays bounded', async () => {
    const count = 12
    const counted = new CountedReads({ ...partitions, findings: count })
    log = counted
    const task = await log.openTask('fill')
    const detail = 'x'.repeat(100_000)
    for (let partition = 0; partition < count; partition++) {
      const value = (n: number): Uint8Array => codec.encode('findings', [finding({ id: `${partition}-${n}`, detail })])
      await task.commit({ appends: Array.from({ length: 20 }, (_, n) => ({ topic: 'findings', partition, key: null, timestamp: n, value: value(n) })), state: new Map() })
    }
    let running = 0
    let widest = 0
    let inserts = 0
    bridge.delayMs = (sql) => {
      if (!isInsert(sql)) return 0
      inserts++
      widest = Math.max(widest, ++running)
      setTimeout(() => running--, 60)
      return 60
    }
    const sink = start(await connect(), (event) => {
      if (event.event === 'inserted') counted.landed(event)
    })
    await sink.drained()
    await sink.stop()
    expect(inserts).toBeGreaterThan(10)
    expect(widest).toBe(2)
    // of 24 MB; a read here answers ten messages, 1 MB
    expect(counted.mostBytes).toBeLessThanOrEqual(4 * 1024 * 1024)
    expect(counted.mostBytes).toBeGreaterThan(1.5e6)
    bridge.delayMs = () => 0
    expect(await audit(await connect(), log)).toEqual([])
  })
})

/** Knows the bytes of messages that were handed out and have not landed: those are in the reader's memory. */
class CountedReads extends SmallReads {
  mostBytes = 0
  readonly #waiting = new Map<string, number>()

  landed({ topic, partition }: { topic: Topic; partition: number }): void {
    this.#waiting.delete(`${topic}/${partition}`)
  }

  override async read(topic: Topic, partition: number, offset: number, limits: ReadLimits): Promise<Message[]> {
    const messages = await super.read(topic, partition, offset, limits)
    this.#waiting.set(`${topic}/${partition}`, messages.reduce((sum, { value }) => sum + value.length, 0))
    this.mostBytes = Math.max(this.mostBytes, [...this.#waiting.values()].reduce((sum, bytes) => sum + bytes, 0))
    return messages
  }
}
