import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/ports/log.ts'
import { HandClock } from '../../src/runtime/clock.ts'
import { definition, echo, runBegin, seen, tally } from '../support/fixture-processors.ts'
import { Topology } from '../support/topology.ts'
import { codec, logKinds } from './logs.ts'

const act = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(0, 700)).map(([id, run]) => ({ publish: seen(id, run) })) },
  { weight: 1, arbitrary: fc.constant({ publish: runBegin(1) }) },
  { weight: 1, arbitrary: fc.constant({ publish: definition('d', 'x'.repeat(400_000)) }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3_000 }).map((advance) => ({ advance })) },
  { weight: 1, arbitrary: fc.integer({ min: -9_000, max: 9_000_000 }).map((leap) => ({ leap })) },
  { weight: 1, arbitrary: fc.constant({ restart: true }) },
  { weight: 1, arbitrary: fc.constant({ step: true }) },
)

async function copy(from: Log, to: Log, topic: 'raw' | 'facts'): Promise<void> {
  const store = await to.openTask(`copy/${topic}`)
  for (let partition = 0; partition < from.partitions[topic]; partition++) {
    const messages = await from.read(topic, partition, 0, { maxMessages: 1e6, maxBytes: 1e9 })
    await store.commit({ appends: messages.map(({ key, timestamp, value }) => ({ topic, partition, key, timestamp, value })), state: new Map() })
  }
}

/** A clock before all ticks: a replay adds none of its own. */
const standing = (): HandClock => new HandClock(0)

describe.each(logKinds)('a replay of recorded input on the $name', ({ open }) => {
  it('gives the same records again, whatever happened while it was recorded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), fc.integer({ min: 1, max: 20 }), async (acts, maxBatchRecords) => {
        await using log = await open(2)
        const live = new Topology({ types: [tally, echo], log, codec, limits: { sliceRows: 2, maxBatchRecords: 5 } })
        for (const one of acts) {
          if ('publish' in one) await live.publish({ topic: 'raw', key: one.publish.type === 'Seen' ? `app/${one.publish.id}` : null, record: one.publish })
          else if ('advance' in one) await live.advance(one.advance)
          else if ('leap' in one) live.clock.leap(one.leap)
          else if ('step' in one) for (const task of live.tasks) await task.step()
          else live.restart()
        }
        await live.drain()

        for (const [type, input, outputs] of [[tally, 'raw', ['facts', 'lag', 'commands']], [echo, 'facts', ['access']]] as const) {
          await using again = await open(2)
          await copy(log, again, input)
          const replay = new Topology({ types: [type], log: again, codec, clock: standing(), limits: { maxBatchRecords } })
          await replay.drain()
          for (const topic of outputs) expect(await replay.lanes(topic)).toEqual(await live.lanes(topic))
        }
      }),
      { numRuns: 15 },
    )
  })
})
