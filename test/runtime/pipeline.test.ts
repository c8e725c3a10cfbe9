import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { Topic } from '../../schemas/wire/topics.ts'
import { armFaults } from '../../src/core/fault.ts'
import { partitionOf } from '../../src/core/partition.ts'
import type { Owned, Share } from '../../src/ports/assignment.ts'
import { forwardedLog } from '../../src/ports/forwarded-log.ts'
import type { Log } from '../../src/ports/log.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import { HandClock, systemClock } from '../../src/runtime/clock.ts'
import type { Outgoing } from '../../src/runtime/publisher.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { echo, fragile, patient, runBegin, seen, stamp, tally } from '../support/fixture-processors.ts'
import { startOfTime } from '../support/topology.ts'
import { HandShare } from './hand-share.ts'
import { codec, logKinds } from './logs.ts'
import { accounts, one, publish, start } from './pipelines.ts'

const many = (count: number): Outgoing[] => Array.from({ length: count }, (_, i) => one(`id${i}`))

afterEach(() => armFaults(null))

describe.each(logKinds)('a pipeline on the $name', ({ open }) => {
  it('is drained when every stage has processed everything, and again after more arrives', async () => {
    await using log = await open(3)
    await publish(log, many(500))
    await using pipeline = start(log, [tally, echo], systemClock, {}, { maxBatchRecords: 40, tickMs: 5 })
    await pipeline.drained()
    expect((await accounts(log)).length).toBe(500)
    await publish(log, many(20))
    await pipeline.drained()
    expect((await accounts(log)).length).toBe(520)
  })

  it('drains while time stands: ticks that nobody appends are not waited for', async () => {
    await using log = await open(2)
    await using pipeline = start(log, [tally, echo], new HandClock(startOfTime))
    await pipeline.drained()
    await publish(log, [...many(10), { topic: 'raw', key: null, record: runBegin(1) }])
    await pipeline.drained()
    expect((await accounts(log)).length).toBe(10)
  })

  it('is not drained while one task waits for a time that another has come to', async () => {
    await using log = await open(1)
    const clock = new HandClock(startOfTime)
    const own = (generation: number, ...topics: Topic[]): Owned => ({ generation, partitions: new Map(topics.map((topic) => [topic, [0]])) })
    const both = Promise.withResolvers<Owned>()
    const share: Share = { owned: own(0, 'facts'), graceMs: 0, next: (after) => (after === 0 ? both.promise : new Promise(() => undefined)), leave: () => Promise.resolve() }
    await using pipeline = start(log, [stamp, patient], clock, { share })
    await pipeline.drained()
    clock.advance(400)
    both.resolve(own(1, 'raw', 'facts'))
    await until(async () => (await pipeline.progress()).map(({ now }) => now - startOfTime).sort().join() === '0,400')
    await publish(log, [one('a')])
    await pipeline.drained()
    expect(await accounts(log)).toEqual(['a'])
  })

  it('lets go of the state of a partition that went elsewhere, and of no other', async () => {
    await using log = await open(2)
    const closed: string[] = []
    const openTask: Log['openTask'] = async (id) => {
      const store = await log.openTask(id)
      return { id, state: store.state, commit: (change) => store.commit(change), isTakenOver: () => store.isTakenOver(), close: async () => void closed.push(id) }
    }
    const share = new HandShare([0, 1], 30_000, ['raw'])
    const watched: Log = { ...forwardedLog(log), openTask }
    await using pipeline = start(watched, [tally], systemClock, { share }, { tickMs: 5 })
    await pipeline.drained()
    await share.give(0)
    await expect.poll(() => closed).toEqual(['task/tally/1'])
  })

  it('keeps ticking when idle', async () => {
    await using log = await open(1)
    const clock = new HandClock(startOfTime)
    await using pipeline = start(log, [tally], clock)
    await publish(log, [one('a', 2_000)])
    await pipeline.drained()
    for (let i = 0; i < 3; i++) {
      clock.advance(1_000)
      await until(async () => (await pipeline.progress())[0]!.now === clock.nowMs())
    }
    expect(await log.end('commands', 0)).toBe(1)
  })

  it('reports place, end and counts of every task', async () => {
    await using log = await open(2)
    await publish(log, many(30))
    await using pipeline = start(log, [tally, echo], new HandClock(startOfTime))
    await pipeline.drained()
    const progress = await pipeline.progress()
    expect(progress.map(({ task }) => task)).toEqual(['task/tally/0', 'task/tally/1', 'task/echo/0', 'task/echo/1'])
    for (const { offset, end, running, trouble, retries, deadLetters, now } of progress) {
      // what may remain is a tick or an epoch
      expect(end - offset).toBeLessThanOrEqual(2)
      expect({ running, trouble, retries, deadLetters }).toEqual({ running: true, trouble: null, retries: 0, deadLetters: 0 })
      expect([0, startOfTime]).toContain(now)
    }
    const records = progress.filter(({ processor }) => processor === 'tally').reduce((sum, { records }) => sum + records, 0)
    expect(records).toBeGreaterThanOrEqual(30)
  })

  it('retries what the surroundings fail at, and goes on when they are back', async () => {
    await using log = await open(1)
    await publish(log, [one('a')])
    let failures = 0
    armFaults((point) => {
      if (point === 'log.before-append' && failures < 4) {
        failures++
        throw new Error('disk full')
      }
    })
    const retries: string[] = []
    await using pipeline = start(log, [tally], systemClock, { onRetry: ({ attempt, waitMs, error }) => retries.push(`${attempt} ${waitMs} ${error.message}`) })
    await pipeline.drained()
    expect(retries).toEqual([1, 2, 3, 4].map((n) => `${n} ${25 * 2 ** n} task/tally/0: the commit failed, the state is opened again: disk full`))
    const [progress] = await pipeline.progress()
    expect([progress!.retries, progress!.trouble]).toEqual([4, null])
    expect(await log.end('facts', 0)).toBe(1)
  })

  it('is not drained while a task was taken over and nobody says by whom', async () => {
    await using log = await open(2)
    const share = new HandShare([0, 1], 30_000, ['raw'])
    await using pipeline = start(log, [tally], systemClock, { share }, { tickMs: 5 })
    await pipeline.drained()
    await log.openTask('task/tally/0')
    await until(async () => (await pipeline.progress()).length === 1)
    await publish(log, many(20))
    let isDrained = false
    const drained = pipeline.drained().then(() => (isDrained = true))
    await delay(100)
    expect(isDrained).toBe(false)
    await share.give(0, 1)
    await drained
    let told = 0
    for (const partition of [0, 1]) for await (const { record } of readPartition(log, codec, 'facts', partition)) if (record !== null) told++
    expect(told).toBe(20)
  })

  it('lets the others go on when one task fails, and says so', async () => {
    await using log = await open(2)
    const failed: string[] = []
    await using pipeline = start(log, [fragile, tally], new HandClock(startOfTime), { onTaskFailed: (task) => failed.push(task) })
    await pipeline.drained()
    await publish(log, [{ topic: 'raw', key: 'app/a', record: seen('boom') }])
    await expect(pipeline.drained()).rejects.toThrow(/not drained: task\/fragile\/\d failed: fragile: process threw/)
    expect(failed).toHaveLength(1)
    const running = (await pipeline.progress()).filter(({ running }) => running)
    expect(running.map(({ task }) => task)).toHaveLength(3)
    await until(async () => (await log.end('facts', 0)) + (await log.end('facts', 1)) === 1)
  })

  it('stops with everything in hand committed, even while a task waits to retry', async () => {
    await using log = await open(1)
    await publish(log, many(200))
    const pipeline = start(log, [tally], systemClock, {}, { maxBatchRecords: 10 })
    await delay(5)
    await pipeline.stop()
    await expect(pipeline.drained()).rejects.toThrow(/stopped/)
    const [progress] = await pipeline.progress()
    expect(progress!.running).toBe(false)
    await using next = start(log, [tally], systemClock)
    await next.drained()
    let count = 0
    for await (const { record } of readPartition(log, codec, 'facts', 0)) if (record?.type === 'AccountGone' && record.observed === 1) count++
    expect(count).toBe(200)

    armFaults((point) => {
      if (point === 'log.before-append') throw new Error('down')
    })
    const stuck = start(log, [echo], new HandClock(startOfTime))
    await delay(5)
    await stuck.stop()
  })

  it('a long slice in one partition starves no other', async () => {
    await using log = await open(2)
    let isLong = true
    const sweeper: ProcessorType<'raw'> = {
      ...tally,
      create: () => {
        const inner = tally.create()
        return {
          process: (context, record) => inner.process(context, record),
          slice: (context, budget) => inner.slice(context, budget) || (isLong && context.partition === 0),
        }
      },
    }
    await using pipeline = start(log, [sweeper], new HandClock(startOfTime))
    // the one of partition 0 waits behind the slices of the epoch before it
    const both = [0, 1].map((partition) => many(20).find(({ key }) => partitionOf(key!, 2) === partition)!)
    const commits = async (): Promise<number> => (await pipeline.progress())[0]!.commits
    await until(async () => (await commits()) > 5)
    await publish(log, both)
    const told = async (): Promise<number> => (await log.end('facts', 0)) + (await log.end('facts', 1))
    await until(async () => (await told()) > 0)
    const then = await commits()
    await until(async () => (await commits()) > then)
    expect(await told()).toBe(1)
    isLong = false
    await pipeline.drained()
    expect(await told()).toBe(2)
  })

  it('refuses two processors of one name', async () => {
    await using log = await open(1)
    expect(() => start(log, [tally, echo, tally], systemClock)).toThrow(/processor tally is given twice/)
  })

  it('tells when the clock leaps: that task’s time stands, and records still flow', async () => {
    await using log = await open(1)
    const clock = new HandClock(startOfTime)
    const leaps: (number | null)[] = []
    await using pipeline = start(log, [tally], clock, { onClockLeap: (_task, leap) => leaps.push(leap?.at ?? null) })
    await pipeline.drained()
    await publish(log, [one('a', 60_000)])
    await pipeline.drained()
    clock.leap(86_400_000)
    clock.advance(1_000)
    await until(async () => (await pipeline.progress())[0]!.clockRefused)
    await publish(log, [one('b')])
    await pipeline.drained()
    expect([await log.end('commands', 0), await log.end('facts', 0)]).toEqual([0, 2])
    clock.leap(-86_400_000)
    clock.advance(1_000)
    await until(async () => (await pipeline.progress())[0]!.now === startOfTime + 2_000)
    expect(leaps).toEqual([startOfTime + 86_401_000, null])
  })
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(1)
}
