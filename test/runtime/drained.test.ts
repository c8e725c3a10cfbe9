import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/ports/log.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import { HandClock, systemClock, type Clock } from '../../src/runtime/clock.ts'
import { untilDrained, type Look, type Part } from '../../src/runtime/drained.ts'
import type { TaskLimits } from '../../src/runtime/limits.ts'
import { shareOfAll } from '../../src/runtime/own-everything.ts'
import type { Pipeline } from '../../src/runtime/pipeline.ts'
import { echo, patient, stamp, tally } from '../support/fixture-processors.ts'
import { startOfTime } from '../support/topology.ts'
import { logKinds } from './logs.ts'
import { accounts, one, publish, start } from './pipelines.ts'

/** Each processor alone in a part, so that all that one puts out is another's. */
const parts = (log: Log, types: readonly ProcessorType[], clock: Clock, limits: Partial<TaskLimits> = {}): (Pipeline & AsyncDisposable)[] =>
  types.map((type) => start(log, [type], clock, { share: shareOfAll(log.partitions, [type.input]) }, limits))

describe.each(logKinds)('parts that share the work, on the $name', ({ open }) => {
  it('are drained when what each puts out is processed by the other', async () => {
    await using log = await open(3)
    const [tallying, echoing] = parts(log, [tally, echo], systemClock, { maxBatchRecords: 40, tickMs: 5 })
    await using first = tallying!
    await using second = echoing!
    for (let round = 1; round <= 5; round++) {
      await publish(log, Array.from({ length: 200 }, (_, i) => one(`id${round}-${i}`)))
      await untilDrained([first, second])
      expect((await accounts(log)).length).toBe(200 * round)
    }
  })

  it('are not drained while a task of one waits for a time that a task of another has come to', async () => {
    await using log = await open(1)
    const clock = new HandClock(startOfTime)
    const [late] = parts(log, [patient], clock)
    await using second = late!
    await second.drained()
    clock.advance(400)
    const [early] = parts(log, [stamp], clock)
    await using first = early!
    await first.drained()
    await publish(log, [one('a')])
    await untilDrained([first, second])
    expect(await accounts(log)).toEqual(['a'])
  })

  it('are not drained where one of them was stopped', async () => {
    await using log = await open(1)
    const [tallying, echoing] = parts(log, [tally, echo], systemClock)
    await using first = tallying!
    await echoing!.stop()
    await expect(untilDrained([first, echoing!])).rejects.toThrow(/stopped/)
  })
})

describe('looks', () => {
  /** A part that answers the looks it is given, one after another, and then the last of them. */
  function scripted(looks: readonly Partial<Look>[]): Part & { asked: number } {
    const part = {
      asked: 0,
      look: async (): Promise<Look> => {
        const look = looks[Math.min(part.asked++, looks.length - 1)]!
        return { resting: true, work: 0, latestMs: 0, earliestMs: 0, changes: part.asked, ...look }
      },
      hurry: () => undefined,
      changed: () => delay(1),
    }
    return part
  }

  it('at which all rest say nothing while there was work between them', async () => {
    const other = scripted([{ work: 5 }])
    const part = scripted([{ work: 1 }, { work: 2 }, { work: 3 }, { work: 3 }])
    await untilDrained([part, other])
    expect(part.asked).toBe(4)
  })

  it('are taken until all rest, whoever does not', async () => {
    const slow = scripted([{ resting: false }, { resting: false }, {}])
    await untilDrained([scripted([{}]), slow])
    expect(slow.asked).toBe(4)
  })
})
