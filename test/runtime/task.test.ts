import { describe, expect, it } from 'vitest'
import { forwardedLog } from '../../src/ports/forwarded-log.ts'
import { FencedError, type Log } from '../../src/ports/log.ts'
import { DowngradeError, ProcessorError, StateFormatError } from '../../src/runtime/errors.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { definition, echo, fragile, runBegin, seen, tally } from '../support/fixture-processors.ts'
import { startOfTime, Topology } from '../support/topology.ts'
import { codec, logKinds } from './logs.ts'

const all = { topic: 'raw', key: null } as const
const one = (id: string, run = 0): { topic: 'raw'; key: string; record: ReturnType<typeof seen> } => ({ topic: 'raw', key: `app/${id}`, record: seen(id, run) })

/** `held`: how many of its states are opened and not closed. What `fail` names rejects. */
function watched(log: Log): { log: Log; held: () => number; fail: (what: 'read' | 'end' | null) => void } {
  let [held, failing]: [number, string | null] = [0, null]
  const unless = <T>(what: string, answer: () => Promise<T>): Promise<T> => (failing === what ? Promise.reject(new Error(`can't ${what}`)) : answer())
  const of: Log = {
    ...forwardedLog(log),
    read: (...place) => unless('read', () => log.read(...place)),
    end: (...place) => unless('end', () => log.end(...place)),
    async openTask(id) {
      const store = await log.openTask(id)
      let isOpen = true
      held++
      return {
        id,
        state: store.state,
        commit: (change) => store.commit(change),
        isTakenOver: () => store.isTakenOver(),
        async close() {
          if (isOpen) held--
          isOpen = false
          await store.close()
        },
      }
    },
  }
  return { log: of, held: () => held, fail: (what) => (failing = what) }
}

describe.each(logKinds)('a task on the $name', ({ open }) => {
  it('counts, publishes with its cause, and keeps its state across restarts', async () => {
    await using log = await open(3)
    const topology = new Topology({ types: [tally], log, codec })
    await topology.publish(one('a'), one('b'), one('a'))
    await topology.drain()
    topology.restart()
    await topology.publish(one('a'))
    await topology.drain()
    const facts = await topology.outputs('facts')
    const counts = facts.map(({ record }) => (record.type === 'AccountGone' ? [record.account, record.observed] : []))
    expect(counts.filter(([id]) => id === 'a')).toEqual([['a', 1], ['a', 2], ['a', 3]])
    expect(counts.filter(([id]) => id === 'b')).toEqual([['b', 1]])
    for (const { record } of facts) {
      if (record.type !== 'AccountGone') throw new Error('only counts are expected')
      const cause = record.cause
      const [message] = await log.read('raw', cause.partition, cause.offset, { maxMessages: 1, maxBytes: 1 })
      expect(codec.decode('raw', message!.value)[cause.index]).toEqual(seen(record.account))
    }
  })

  it('resumes a fan-out in the middle, in slices, and gives each account its sample once', async () => {
    await using log = await open(2)
    const topology = new Topology({ types: [tally], log, codec, limits: { sliceRows: 3, maxBatchRecords: 4 } })
    const ids = Array.from({ length: 40 }, (_, i) => `id${i}`)
    await topology.publish(...ids.map((id) => one(id)), { ...all, record: runBegin(7) })
    for (let i = 0; i < 8; i++) for (const task of topology.tasks) await task.step()
    topology.restart()
    await topology.drain()
    const samples = (await topology.outputs('lag')).map(({ record }) => record.home)
    expect(samples.toSorted()).toEqual(ids.map((id) => `app/${id}`).toSorted())
    const marks = (await topology.outputs('facts')).filter(({ record }) => record.type === 'Baseline')
    expect(marks.map(({ position }) => position.partition).toSorted()).toEqual([0, 0, 1, 1])
  })

  it('appends an epoch and a tick before its first record, and runs timers by ticks alone', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [tally], log, codec, release: '1.2.3' })
    await topology.drain()
    await topology.publish(one('a', 5_000))
    await topology.drain()
    await topology.advance(4_000)
    expect(await topology.outputs('commands')).toEqual([])
    await topology.advance(1_000)
    expect((await topology.outputs('commands')).map(({ record }) => record)).toMatchObject([{ at: startOfTime + 5_000 }])
    const raw = []
    for await (const { record } of readPartition(log, codec, 'raw', 0)) raw.push(record)
    expect(raw.slice(0, 3).map((record) => record?.type)).toEqual(['Epoch', 'Tick', 'Seen'])
    expect(raw[0]).toEqual({ type: 'Epoch', processor: 'tally', version: 1, stateFormat: 1, release: '1.2.3', from: { offset: 0, index: 0 }, resumed: null })
    expect(raw[1]).toEqual({ type: 'Tick', at: startOfTime })
  })

  it('works at the time of the first message where records came before the first tick, and a tick moves it', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [tally], log, codec })
    await topology.publish(one('a'), { ...all, record: runBegin(7) })
    topology.clock.advance(60_000)
    await topology.publish({ ...all, record: runBegin(8) })
    topology.clock.advance(60_000)
    await topology.drain()
    await topology.publish({ ...all, record: runBegin(9) })
    await topology.drain()
    const decided = (await topology.outputs('lag')).map(({ record }) => record.decided)
    expect(decided).toEqual([startOfTime, startOfTime, startOfTime + 120_000])
  })

  it('takes no time from a message that tells one in another unit', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [tally], log, codec })
    const stranger = await log.openTask('stranger')
    const strange = { topic: 'raw', partition: 0, key: null, value: Uint8Array.of(1, 2, 3) } as const
    await stranger.commit({ state: new Map(), appends: [{ ...strange, timestamp: startOfTime * 1_000 }, { ...strange, timestamp: 0 }] })
    await topology.publish(one('a'), { ...all, record: runBegin(7) })
    topology.clock.advance(60_000)
    await topology.drain()
    await topology.publish({ ...all, record: runBegin(8) })
    await topology.drain()
    expect((await topology.outputs('lag')).map(({ record }) => record.decided)).toEqual([startOfTime, startOfTime + 60_000])
    expect((await topology.outputs('dead-letters')).map(({ record }) => record.at)).toEqual([startOfTime * 1_000, 0])
  })

  it('inherits the timestamp of the input message and the key that all records of a message share', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [tally, echo], log, codec })
    await topology.publish(one('a'), one('a'))
    topology.clock.advance(60_000)
    await topology.publish(one('b'), one('c'))
    topology.clock.advance(60_000)
    await topology.drain()
    const access = await topology.outputs('access')
    expect(access.map(({ timestamp }) => timestamp)).toEqual(Array(4).fill(startOfTime))
    expect(access.map(({ key }) => key)).toEqual([null, null, null, null])
    await topology.publish(one('a'))
    await topology.drain()
    expect((await topology.outputs('access')).at(-1)).toMatchObject({ key: 'account/app/a', timestamp: startOfTime + 120_000 })
  })

  it('puts what can’t be decoded into the dead letters, with its place, and goes on', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [tally], log, codec })
    await topology.publish(one('a'))
    const stranger = await log.openTask('stranger')
    const append = { topic: 'raw', partition: 0, key: null, timestamp: startOfTime } as const
    const bytes = codec.encode('raw', [seen('x')])
    await stranger.commit({
      state: new Map(),
      appends: [
        { ...append, value: Uint8Array.of(1, 2, 3) },
        { ...append, value: Uint8Array.of(0, 0, 0, 0, 9, 1) },
        { ...append, value: bytes.slice(0, -2) },
      ],
    })
    await topology.publish(one('b'))
    await topology.drain()
    const letters = (await topology.outputs('dead-letters')).map(({ record }) => record)
    expect(letters.map(({ place, stage, code, source }) => [place, stage, code, source])).toEqual(
      [1, 2, 3].map((offset) => [`raw/0/${offset}`, 'runtime', 'undecodable-message', 'tally']),
    )
    expect(new Set(letters.map(({ id }) => id)).size).toBe(3)
    expect(letters[1]?.reason).toMatch(/schema 9/)
    expect(letters[0]?.payload).toMatch(/^3 bytes, sha256 [0-9a-f]{64}$/)
    expect((await topology.outputs('facts')).length).toBe(2)
  })

  it('stops at a bug of the processor and names the record', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [fragile], log, codec })
    await topology.publish(one('a'), one('boom'), one('b'))
    const failure = await topology.drain().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ProcessorError)
    expect((failure as Error).message).toMatch(/fragile: process threw at raw\/0\/0\/1 .*record type Seen: no account is called boom/)
    expect(await topology.outputs('facts')).toEqual([])
  })

  it('refuses an output that the processor does not declare', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [{ ...tally, outputs: ['lag'] }], log, codec })
    await topology.publish(one('a'))
    await expect(topology.drain()).rejects.toThrow(/does not declare the output facts/)
  })

  it('ends when another process takes it over, and the newcomer goes on from the last commit', async () => {
    await using log = await open(1)
    const old = new Topology({ types: [tally], log, codec })
    await old.publish(one('a'))
    await old.drain()
    const next = new Topology({ types: [tally], log, codec })
    await next.drain()
    await next.publish(one('a'))
    const failure = await old.drain().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(FencedError)
    expect((failure as Error).message).toMatch(/task\/tally\/0: another process took this task over/)
    await next.drain()
    expect((await next.outputs('facts')).map(({ record }) => (record.type === 'AccountGone' ? record.observed : 0))).toEqual([1, 2])
  })

  it('refuses a state that is ahead of the log', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [tally], log, codec })
    await topology.publish(one('a'))
    await topology.drain()
    await using older = await open(1)
    const store = await older.openTask('task/tally/0')
    const row = (await log.openTask('task/tally/0')).state.get('@runtime/task')!
    await store.commit({ appends: [], state: new Map([['@runtime/task', row]]) })
    const restored = new Topology({ types: [tally], log: older, codec })
    await expect(restored.drain()).rejects.toThrow(/stands at record 0 of message 3, but the log ends at 0\. .*restore both from one backup/)
  })

  it('marks a new version with an epoch, and refuses to run older code than the state has seen', async () => {
    await using log = await open(1)
    const run = async (version: number, stateFormat: number, release: string): Promise<void> => {
      const topology = new Topology({ types: [{ ...tally, version, stateFormat }], log, codec, release })
      await topology.drain()
    }
    await run(1, 2, '1.0.0')
    await run(1, 2, '1.0.1')
    await run(2, 2, '1.1.0')
    const failure = await run(2, 1, '0.9.0').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(DowngradeError)
    expect((failure as Error).message).toMatch(/version 2, state format 2 \(release 1\.1\.0\).*version 2, state format 1 \(release 0\.9\.0\)/)
    await expect(run(1, 2, '9')).rejects.toThrow(/Run release 1\.1\.0 or newer, or put back a backup/)
    const releases = []
    for await (const { record } of readPartition(log, codec, 'raw', 0)) if (record?.type === 'Epoch') releases.push(record.release)
    expect(releases).toEqual(['1.0.0', '1.1.0'])
  })

  it('refuses a state whose rows are laid out as older code had them, changes nothing, and says what to do', async () => {
    await using log = await open(1)
    const old = new Topology({ types: [tally], log, codec, release: '1.0.0' })
    await old.publish(one('a'))
    await old.drain()
    const end = await log.end('raw', 0)
    for (const version of [1, 2]) {
      const failure = await new Topology({ types: [{ ...tally, version, stateFormat: 2 }], log, codec, release: '2.0.0' }).drain().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(StateFormatError)
      expect((failure as Error).message).toMatch(/^tally \(partition 0\): the state has format 1 \(release 1\.0\.0\); this code has format 2 \(release 2\.0\.0\).*Go on with release 1\.0\.0, or begin in a new place/)
    }
    expect(await log.end('raw', 0)).toBe(end)
    const again = new Topology({ types: [tally], log, codec, release: '1.0.0' })
    await again.publish(one('a'))
    await again.drain()
    expect((await again.outputs('facts')).map(({ record }) => (record.type === 'AccountGone' ? record.observed : 0))).toEqual([1, 2])
  })

  it('closes its state whenever it lets go of it', async () => {
    await using log = await open(1)
    const { log: on, held, fail } = watched(log)
    const [task] = new Topology({ types: [{ ...tally, version: 2 }], log: on, codec }).tasks
    await task!.step()
    expect(held()).toBe(1)
    for (const what of ['read', 'end'] as const) {
      fail(what)
      await expect(task!.step()).rejects.toThrow(`can't ${what}`)
      expect(held()).toBe(0)
    }
    fail(null)
    await task!.step()
    expect(held()).toBe(1)
    await task!.close()
    const [older] = new Topology({ types: [{ ...tally, version: 1 }], log: on, codec }).tasks
    await expect(older!.step()).rejects.toThrow(DowngradeError)
    expect(held()).toBe(0)
  })

  it('is not at rest, and goes on, while what may wait for it can’t be read', async () => {
    await using log = await open(1)
    const { log: on, fail } = watched(log)
    const topology = new Topology({ types: [tally], log: on, codec })
    await topology.drain()
    const [task] = topology.tasks
    fail('read')
    expect(await task!.atRest()).toBe(false)
    fail(null)
    expect(await task!.atRest()).toBe(true)
  })

  it('carries a record of 10 MB through two stages in parts', async () => {
    await using log = await open(2)
    const name = 'ä'.repeat(5 * 1024 * 1024)
    const topology = new Topology({ types: [tally, echo], log, codec, limits: { maxBatchBytes: 300_000 } })
    await topology.publish(one('a'), { topic: 'raw', key: 'app/big', record: definition('big', name) }, one('a'))
    await topology.drain()
    for (const task of topology.tasks) expect(await task.atRest()).toBe(true)
    const [record] = (await topology.outputs('access')).filter(({ record }) => record.type === 'AccessChange' && record.account === 'big')
    if (record?.record.type !== 'AccessChange') throw new Error('the large record did not arrive')
    expect(record.record.removed[0] === name).toBe(true)
    // the position is that of the last part
    const { cause } = record.record
    const [last] = await log.read('facts', cause.partition, cause.offset, { maxMessages: 1, maxBytes: 1 })
    expect(codec.decode('facts', last!.value)[cause.index]).toMatchObject({ type: 'Part', part: 40, of: 41 })
    for (const message of await log.read('facts', cause.partition, 0, { maxMessages: 1_000, maxBytes: 1e9 })) {
      expect(message.value.length).toBeLessThanOrEqual(256 * 1024 + 1024)
    }
  })
})
