import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/ports/log.ts'
import type { Context, ProcessorType } from '../../src/ports/processor.ts'
import { rerun } from '../../src/replay/rerun.ts'
import { HandClock } from '../../src/runtime/clock.ts'
import { defaultLimits } from '../../src/runtime/limits.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { runBegin, seen } from '../support/fixture-processors.ts'
import { startOfTime, Topology } from '../support/topology.ts'
import { codec, logKinds } from './logs.ts'

/** A run's begin brings as many pieces of work as its number says; each record does one of them. An account that is seen is told at once. */
const laggard: ProcessorType<'raw'> = {
  name: 'laggard', input: 'raw', outputs: ['facts'], version: 1, stateFormat: 1,
  create: () => ({
    process(context, record) {
      if (record.type === 'RunBegin') context.state.put('work', 'left', left(context) + record.run)
      if (record.type === 'Seen') tell(context, record.id)
      const before = left(context)
      if (before === 0) return
      context.state.put('work', 'left', before - 1)
      tell(context, `piece ${before}`)
    },
    slice: () => false,
    lags: (context) => left(context) > 0,
  }),
}

const left = ({ state }: Context): number => state.get<number>('work', 'left') ?? 0

function tell(context: Context, account: string): void {
  context.emit('facts', `account/app/${account}`, {
    type: 'AccountGone', home: `account/app/${account}`, app: 'app', account, reason: 'deleted', to: null, observed: 1, sources: [], cause: context.position,
  })
}

const work = { topic: 'raw', key: null, record: runBegin(30) } as const
const pieces = Array.from({ length: 30 }, (_, i) => `piece ${30 - i}`)

async function told(log: Log): Promise<string[]> {
  const found: string[] = []
  for await (const { record } of readPartition(log, codec, 'facts', 0)) if (record?.type === 'AccountGone') found.push(record.account)
  return found
}

describe.each(logKinds)('work that lags behind, on the $name', ({ open }) => {
  it('is carried on by ticks that follow one another, though time stands, and a pipeline is not drained before its end', async () => {
    await using log = await open(1)
    const pipeline = new Pipeline({ types: [laggard], log, codec, clock: new HandClock(startOfTime), limits: defaultLimits, release: '0.0.0' })
    try {
      await pipeline.drained()
      const before = await log.end('raw', 0)
      await new Topology({ types: [], log, codec }).publish(work)
      await pipeline.drained()
      expect(await told(log)).toEqual(pieces)
      // one tick for each piece but the first, which the work's own record did
      expect(await log.end('raw', 0)).toBe(before + 1 + 29)
    } finally {
      await pipeline.stop()
    }
  })

  it('is overtaken by what comes meanwhile, and goes on after a restart', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [laggard], log, codec })
    await topology.drain()
    await topology.publish(work)
    for (let i = 0; i < 5; i++) for (const task of topology.tasks) await task.step()
    await topology.publish({ topic: 'raw', key: 'app/urgent', record: seen('urgent') })
    for (let i = 0; i < 5; i++) for (const task of topology.tasks) await task.step()
    expect(topology.tasks.map((task) => task.progress().lagging)).toEqual([true])
    topology.restart()
    await topology.drain()
    expect(topology.tasks.map((task) => task.progress().lagging)).toEqual([false])
    const all = await told(log)
    expect(all.filter((name) => name !== 'urgent')).toEqual(pieces)
    expect(all.indexOf('urgent')).toBeGreaterThan(3)
    expect(all.indexOf('urgent')).toBeLessThan(12)
  })

  it('is done again as it was recorded, by no more ticks than were', async () => {
    await using log = await open(1)
    await using scratch = await open(1)
    const topology = new Topology({ types: [laggard], log, codec })
    await topology.publish(work)
    for (let i = 0; i < 9; i++) for (const task of topology.tasks) await task.step()
    const recorded = await told(log)
    const again: string[] = []
    await rerun({
      type: laggard, partition: 0, log, codec, scratch, end: await log.end('raw', 0), admit: () => true, onProgress: () => undefined,
      onDerived: (appends) => {
        for (const { topic, value } of appends) for (const record of codec.decode(topic, value)) if (record.type === 'AccountGone') again.push(record.account)
        return Promise.resolve(true)
      },
    })
    expect(recorded.length).toBeGreaterThan(3)
    expect(recorded.length).toBeLessThan(30)
    // the last tick that was appended had not been read yet
    expect(again).toEqual([...recorded, pieces[recorded.length]])
  })
})
