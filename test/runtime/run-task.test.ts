import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { forwardedLog } from '../../src/ports/forwarded-log.ts'
import { FencedError, type Log } from '../../src/ports/log.ts'
import { HandClock, systemClock } from '../../src/runtime/clock.ts'
import { DowngradeError, ProcessorError } from '../../src/runtime/errors.ts'
import { defaultLimits } from '../../src/runtime/limits.ts'
import { openPublisher } from '../../src/runtime/publisher.ts'
import { runTask, type LoopOptions, type Retry } from '../../src/runtime/run-task.ts'
import type { TaskProgress } from '../../src/runtime/task.ts'
import { fragile, seen, tally } from '../support/fixture-processors.ts'
import { startOfTime } from '../support/topology.ts'
import { codec, logKinds } from './logs.ts'

function options(log: Log, more: Partial<LoopOptions> = {}): { controller: AbortController; options: LoopOptions } {
  const controller = new AbortController()
  const base = { type: tally, partition: 0, log, codec, clock: systemClock, limits: defaultLimits, release: '0.0.0', signal: controller.signal }
  return { controller, options: { ...base, ...more } }
}

async function publish(log: Log, ...ids: string[]): Promise<void> {
  const publisher = await openPublisher({ log, codec, clock: new HandClock(startOfTime), id: 'test' })
  await publisher.publish(ids.map((id) => ({ topic: 'raw', key: id, record: seen(id) })))
}

const lastOf = (seenSoFar: TaskProgress[]): number => seenSoFar.at(-1)?.records ?? 0

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(1)
}

describe.each(logKinds)('runTask on the $name', ({ open }) => {
  it('wakes for what arrives, reports it, and resolves when told to stop', async () => {
    await using log = await open(1)
    const progress: TaskProgress[] = []
    const { controller, options: of } = options(log, { clock: new HandClock(startOfTime), onProgress: (one) => progress.push(one) })
    const running = runTask(of)
    await until(() => lastOf(progress) === 2)
    await publish(log, 'a', 'b')
    await until(() => lastOf(progress) === 4)
    controller.abort()
    await running
    expect(progress.at(-1)).toMatchObject({ processor: 'tally', topic: 'raw', partition: 0, offset: 3, index: 0, now: startOfTime })
    await runTask(of)
    expect(await log.end('facts', 0)).toBe(1)
  })

  it('commits what trickles in as seldom as the log asks, and stops at once all the same', async () => {
    const commitsOf = async (commitGapMs: number): Promise<number> => {
      await using log = await open(1)
      const progress: TaskProgress[] = []
      const { controller, options: of } = options({ ...forwardedLog(log), commitGapMs }, { onProgress: (one) => progress.push(one) })
      const running = runTask(of)
      const publisher = await openPublisher({ log, codec, clock: new HandClock(startOfTime), id: 'test' })
      const ids = Array.from({ length: 40 }, (_, n) => `a${n}`)
      for (const id of ids) {
        await publisher.publish([{ topic: 'raw', key: id, record: seen(id) }])
        await delay(10)
      }
      // the records, a tick and an epoch
      await until(() => lastOf(progress) >= ids.length + 2)
      controller.abort()
      await running
      return progress.at(-1)!.commits
    }
    expect(await commitsOf(150)).toBeLessThan((await commitsOf(0)) / 2)

    await using log = await open(1)
    await publish(log, 'a')
    const progress: TaskProgress[] = []
    const { controller, options: of } = options({ ...forwardedLog(log), commitGapMs: 3_600_000 }, { onProgress: (one) => progress.push(one) })
    const running = runTask(of)
    await until(() => progress.length > 0)
    controller.abort()
    await running
  })

  it('commits once a tick where nothing happens, and where it stands is known all the same', async () => {
    await using log = await open(1)
    const clock = new HandClock(startOfTime)
    const progress: TaskProgress[] = []
    const { controller, options: of } = options(log, { clock, onProgress: (one) => progress.push(one) })
    const running = runTask(of)
    for (let ticks = 1; ticks <= 5; ticks++) {
      // an epoch comes before the first of them
      await until(() => progress.at(-1)?.offset === ticks + 1)
      expect(progress.at(-1)).toMatchObject({ commits: ticks, now: startOfTime + (ticks - 1) * defaultLimits.tickMs })
      clock.advance(defaultLimits.tickMs)
    }
    controller.abort()
    await running
  })

  it('does not rest while more waits than one transaction takes', async () => {
    await using log = await open(1)
    await publish(log, ...Array.from({ length: 30 }, (_, n) => `a${n}`))
    const progress: TaskProgress[] = []
    const { controller, options: of } = options({ ...forwardedLog(log), commitGapMs: 3_600_000 }, { limits: { ...defaultLimits, maxBatchRecords: 4 }, onProgress: (one) => progress.push(one) })
    const running = runTask(of)
    await until(() => lastOf(progress) >= 30)
    controller.abort()
    await running
  })

  it('rejects when fenced, whatever it waits for', async () => {
    await using log = await open(1)
    const { options: of } = options(log, { limits: { ...defaultLimits, tickMs: 5 } })
    const running = runTask(of).catch((error: unknown) => error)
    await delay(20)
    await log.openTask('task/tally/0')
    const error = await running
    expect(error).toBeInstanceOf(FencedError)
    expect((error as Error).message).toMatch(/task\/tally\/0: another process took this task over/)
  })

  it('rejects for a bug of the processor and for older code, without a retry', async () => {
    await using log = await open(1)
    await publish(log, 'a', 'boom')
    const retries: Retry[] = []
    const onRetry = (retry: Retry): number => retries.push(retry)
    await expect(runTask(options(log, { type: fragile, onRetry }).options)).rejects.toThrow(ProcessorError)
    await expect(runTask(options(log, { type: { ...fragile, version: 0 }, onRetry }).options)).rejects.toThrow(DowngradeError)
    expect(retries).toEqual([])
  })

  it('waits longer after each failure, up to ten seconds, and begins again after a success', async () => {
    await using log = await open(1)
    const clock = new HandClock(startOfTime)
    let down = 10
    const flaky: Log = {
      ...forwardedLog(log),
      async read(...of) {
        if (down-- > 0) throw new Error('no disk')
        return log.read(...of)
      },
    }
    const waits: number[] = []
    const { controller, options: of } = options(flaky, { clock, onRetry: ({ waitMs, attempt }) => void (waits[attempt - 1] = waitMs) })
    const running = runTask(of)
    for (let attempt = 1; attempt <= 10; attempt++) {
      await until(() => waits.length === attempt)
      clock.advance(waits[attempt - 1]!)
    }
    await publish(log, 'a')
    while ((await log.end('facts', 0)) === 0) await delay(1)
    expect(waits).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
    controller.abort()
    await running
  })
})
