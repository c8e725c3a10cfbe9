import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rowRecord } from '../../../src/adapters/log-kafka/changelog.ts'
import type { Fetched } from '../../../src/adapters/log-kafka/reader.ts'
import { Standby, type StandbyParts } from '../../../src/adapters/log-kafka/standby.ts'
import { StateCache } from '../../../src/adapters/log-kafka/state-cache.ts'

/** When a changelog is read and a copy written: on brokers (standby.service.test.ts) nobody can tell. The copies are real ones. */
const topic = 'state-normalise'
const ids = ['task/normalise/0', 'task/normalise/1', 'task/normalise/2']
const startMs = Date.UTC(2026, 0, 1)

let rowsAnAnswer: number

/** A message for each offset, for ever: whoever reads is always behind. */
function answer(partition: number, offset: number): Fetched {
  const messages = Array.from({ length: rowsAnAnswer }, (_, i) => {
    const { key, value } = rowRecord({ topic, partition }, ids[partition]!, `row-${offset + i}`, Uint8Array.of(1), startMs)
    return { offset: String(offset + i), timestamp: String(startMs), key, value, isControlRecord: false }
  })
  return { messages, next: offset + rowsAnAnswer, end: offset + 10_000 }
}

let path: string
let cache: StateCache
let standby: Standby | undefined
let reading: number
let readings: number
let most: number
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'grantline-standby-'))
  cache = StateCache.open(path, { cluster: 'cluster', log: 'a log' })
  reading = readings = most = 0
  rowsAnAnswer = 1
})
afterEach(async () => {
  await standby?.stop()
  await cache.close()
  rmSync(path, { recursive: true })
})

function follow(fetchMs: number, parts: Partial<StandbyParts> = {}, onTheWay: (partition: number) => Promise<void> = () => sleep(fetchMs)): Standby {
  const reader: StandbyParts['reader'] = {
    async fetch(_topic, partition, offset) {
      readings++
      most = Math.max(most, ++reading)
      await onTheWay(partition)
      reading--
      return answer(partition, offset)
    },
    end: (_topic, _partition) => Promise.resolve(1_000),
  }
  const tail: StandbyParts['tail'] = { wait: () => Promise.reject(new Error('nobody is at the end')) }
  const changelogs = new Map(ids.map((id, partition) => [id, { topic, partition }]))
  standby = new Standby({ cache, reader, tail, deleteRetentionMs: 86_400_000, onProgress: () => undefined, log: () => undefined, ...parts }, changelogs)
  return standby
}

describe('standby copies', () => {
  it('begin once the brokers’ clock is known', async () => {
    const one = follow(1)
    await sleep(50)
    expect(readings).toBe(0)
    one.told(startMs)
    await vi.waitFor(() => expect(readings).toBeGreaterThan(3))
  })

  it('are read one at a time, in turn', async () => {
    const offsets: number[][] = ids.map(() => [])
    const one = follow(5, { onProgress: ({ task, offset }) => offsets[ids.indexOf(task)]!.push(offset) })
    one.told(startMs)
    one.told(startMs + 1) // as each answer to a write says it anew
    await vi.waitFor(() => expect(readings).toBeGreaterThan(12), 5_000)
    expect(most).toBe(1)
    for (const read of offsets) {
      expect(read.length).toBeGreaterThanOrEqual(3)
      expect(read).toEqual(read.map((_, i) => i + 1))
    }
  })

  it('take at most half of the time, whatever a reading takes', async () => {
    const fetchMs = 40
    const began = performance.now()
    follow(fetchMs).told(startMs)
    await sleep(1_200)
    const busyShare = (readings * fetchMs) / (performance.now() - began)
    expect(readings).toBeGreaterThan(3)
    expect(busyShare).toBeLessThan(0.6)
  })

  it('are asked for again where an answer lacks what there is, though nobody says that the changelog grew', async () => {
    const empty = 2
    const told: number[][] = []
    let asked = 0
    const one = follow(1, {
      reader: {
        fetch: (_topic, partition, offset) => {
          if (partition !== 0) return Promise.resolve({ messages: [], next: offset, end: offset })
          return Promise.resolve(++asked === empty ? { messages: [], next: offset, end: 2 } : { ...answer(partition, offset), end: 2 })
        },
        end: () => Promise.resolve(2),
      },
      tail: { wait: (_topic, _partition, _offset, signal) => (signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', () => resolve()))) },
      onProgress: ({ task, offset, end }) => task === ids[0] && told.push([offset, end]),
    })
    one.told(startMs)
    await vi.waitFor(() => expect(told).toEqual([[1, 2], [1, 2], [2, 2]]), 5_000)
  })

  it('are left alone while this process opens a task of its own', async () => {
    const one = follow(1)
    const opened = Promise.withResolvers<string>()
    const opening = one.after(opened.promise)
    one.told(startMs)
    await sleep(200)
    expect(readings).toBe(0)
    opened.resolve('open')
    expect(await opening).toBe('open')
    await vi.waitFor(() => expect(readings).toBeGreaterThan(3))
  })

  it('go on where opening fails', async () => {
    const one = follow(1)
    await expect(one.after(Promise.reject(new Error('fenced')))).rejects.toThrow('fenced')
    one.told(startMs)
    await vi.waitFor(() => expect(readings).toBeGreaterThan(3))
  })

  describe('of a task that this process takes over', () => {
    const id = ids[1]!
    let begun: number
    let written: PromiseWithResolvers<undefined>
    /** The writing number `nth` of the copy lasts until `written`. */
    const slowAt = (nth: number): StandbyParts['cache'] => ({
      task: (of, changelog) => cache.task(of, changelog),
      wipe: (of) => cache.wipe(of),
      async apply(of, table, changes, mark) {
        if (of === id && ++begun === nth) await written.promise
        await cache.apply(of, table, changes, mark)
      },
    })
    const othersGoOn = async (): Promise<void> => {
      const before = readings
      await vi.waitFor(() => expect(readings).toBeGreaterThan(before + 3))
    }
    beforeEach(() => {
      begun = 0
      written = Promise.withResolvers()
    })

    it('are not written any more once it is let in, until it lets go', async () => {
      const one = follow(1, { cache: slowAt(2) })
      one.told(startMs)
      await vi.waitFor(() => expect(begun).toBe(2))
      let isLetIn = false
      const held = one.hold(id).then((release) => {
        isLetIn = true
        return release
      })
      await sleep(100)
      expect(isLetIn).toBe(false)
      written.resolve(undefined)
      const release = await held
      const { mark, table } = await cache.task(id, `${topic}/1`)
      expect([mark?.offset, [...table.range('')].length]).toEqual([2, 2])
      await othersGoOn()
      expect(begun).toBe(2)
      release()
      await vi.waitFor(() => expect(begun).toBeGreaterThan(2))
    })

    it('stop between two pieces of one answer', async () => {
      rowsAnAnswer = 2_500
      const one = follow(1, { cache: slowAt(1) })
      one.told(startMs)
      await vi.waitFor(() => expect(begun).toBe(1))
      const held = one.hold(id)
      written.resolve(undefined)
      await held
      await othersGoOn()
      expect(begun).toBe(1)
      const { mark, table } = await cache.task(id, `${topic}/1`)
      expect([mark, [...table.range('')].length]).toEqual([null, 1_000])
    })

    it('do not get what was on its way when it was let in', async () => {
      const asked = Promise.withResolvers<undefined>()
      const answered = Promise.withResolvers<undefined>()
      const told = new Set<string>()
      const one = follow(1, { cache: slowAt(0), onProgress: ({ task }) => told.add(task) }, async (partition) => {
        if (partition !== 1) return
        asked.resolve(undefined)
        await answered.promise
      })
      one.told(startMs)
      await asked.promise
      await one.hold(id)
      answered.resolve(undefined)
      await othersGoOn()
      expect([begun, told.has(id)]).toEqual([0, false])
    })

    it('wait for the last of those who hold it; letting go twice counts once', async () => {
      const one = follow(1, { cache: slowAt(0) })
      const [first, second] = [await one.hold(id), await one.hold(id)]
      one.told(startMs)
      await othersGoOn()
      first()
      first()
      await othersGoOn()
      expect(begun).toBe(0)
      second()
      await vi.waitFor(() => expect(begun).toBeGreaterThan(0))
    })
  })
})
