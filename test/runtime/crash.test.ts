import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { armFaults, type FaultPoint } from '../../src/core/fault.ts'
import type { Log } from '../../src/ports/log.ts'
import { EnvironmentError } from '../../src/runtime/errors.ts'
import type { TaskLimits } from '../../src/runtime/limits.ts'
import type { Outgoing } from '../../src/runtime/publisher.ts'
import { definition, runBegin, seen, tally } from '../support/fixture-processors.ts'
import { Topology } from '../support/topology.ts'
import { codec, logKinds } from './logs.ts'

class Crash extends Error {
  override name = 'Crash'
}

const runtimePoints = ['runtime.before-process', 'runtime.before-commit', 'runtime.after-commit', 'runtime.between-slices'] as const
const logPoints = ['log.before-append', 'log.after-append', 'log.before-state', 'log.after-state'] as const

const account = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', '\u{1f600}', '__proto__')
const record: fc.Arbitrary<RecordOf<'raw'>> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(account, fc.constantFrom(0, 0, 500, 2_500)).map(([id, run]) => seen(id, run)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 9 }).map(runBegin) },
  { weight: 1, arbitrary: fc.tuple(account, fc.constantFrom('x', 'y'.repeat(600_000))).map(([id, name]) => definition(id, name)) },
)
/** Accounts and a fan-out over them: with {@link smallest} limits every point is reached, `between-slices` too. */
const opening = [...['a', 'b', 'c', 'd', 'e', 'f'].map((id) => seen(id)), runBegin(10)]
const script = fc.array(fc.array(record, { maxLength: 12 }), { maxLength: 3 }).map((batches) => [opening, ...batches])
const smallest: Partial<TaskLimits> = { maxBatchRecords: 1, maxBatchBytes: 1, maxReadBytes: 1, sliceRows: 1 }
const limits: fc.Arbitrary<Partial<TaskLimits>> = fc.record({
  maxBatchRecords: fc.constantFrom(1, 2, 3, 7, 16_000),
  maxBatchBytes: fc.constantFrom(1, 400, 300_000, 1e9),
  maxReadBytes: fc.constantFrom(1, 1_000, 1e9),
  sliceRows: fc.integer({ min: 1, max: 5 }),
})

function outgoing(one: RecordOf<'raw'>): Outgoing {
  if (one.type === 'Seen') return { topic: 'raw', key: `app/${one.id}`, record: one }
  return { topic: 'raw', key: null, record: one }
}

type Lanes = Record<string, Record<string, string[]>>

/** Publishes, drains, lets two seconds pass, drains, again and again; whatever crashes it is followed by a new start. */
async function run(log: Log, batches: readonly RecordOf<'raw'>[][], with_: Partial<TaskLimits>, recover: (error: unknown) => void): Promise<Lanes> {
  const topology = new Topology({ types: [tally], log, codec, limits: with_ })
  const survive = async (): Promise<void> => {
    for (;;) {
      try {
        await topology.drain()
        return
      } catch (error) {
        recover(error)
        if (!(error instanceof EnvironmentError)) topology.restart()
      }
    }
  }
  for (const batch of batches) {
    if (batch.length > 0) await publishSafely(topology, batch)
    await survive()
    topology.clock.advance(2_000)
    await survive()
  }
  return {
    facts: await topology.lanes('facts'),
    lag: await topology.lanes('lag'),
    commands: await topology.lanes('commands'),
    'dead-letters': await topology.lanes('dead-letters'),
  }
}

let suspended = false
async function publishSafely(topology: Topology, batch: readonly RecordOf<'raw'>[]): Promise<void> {
  suspended = true
  await topology.publish(...batch.map(outgoing))
  suspended = false
}

afterEach(() => armFaults(null))

describe.each(logKinds)('crashes on the $name', ({ open }) => {
  const undisturbed = async (batches: readonly RecordOf<'raw'>[][], with_: Partial<TaskLimits>): Promise<Lanes> => {
    await using log = await open(3)
    armFaults(null)
    return await run(log, batches, with_, (error) => {
      throw error
    })
  }

  it('batch limits and slice budgets change no output', async () => {
    await fc.assert(
      fc.asyncProperty(script, limits, limits, async (batches, one, other) => {
        expect(await undisturbed(batches, one)).toEqual(await undisturbed(batches, other))
      }),
      { numRuns: 15 },
    )
  })

  it.each([...runtimePoints, ...logPoints])('crashes at %s, wherever and however often, change no output', async (point) => {
    let fired = 0
    const when = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(script, limits, when, async (batches, with_, times) => {
        const expected = await undisturbed(batches, {})
        await using log = await open(3)
        let reached = 0
        armFaults((at: FaultPoint) => {
          if (at !== point || suspended || !times.includes(++reached)) return
          fired++
          throw new Crash(point)
        })
        const lanes = await run(log, batches, with_, (error) => {
          const crashed = error instanceof Crash || (error instanceof EnvironmentError && error.cause instanceof Crash)
          if (!crashed) throw error
        })
        armFaults(null)
        expect(lanes).toEqual(expected)
      }),
      { numRuns: 12, examples: [[[opening], smallest, [1]]] },
    )
    expect(fired).toBeGreaterThan(0)
  })
})
