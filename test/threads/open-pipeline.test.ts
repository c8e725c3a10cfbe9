import { expect, it } from 'vitest'
import { HandClock } from '../../src/runtime/clock.ts'
import { defaultLimits } from '../../src/runtime/limits.ts'
import { openPipeline } from '../../src/threads/open-pipeline.ts'
import { Liveness } from '../../src/observe/liveness.ts'
import { codec, logKinds } from '../runtime/logs.ts'
import { tally } from '../support/fixture-processors.ts'

const dayMs = 86_400_000
const startMs = Date.UTC(2026, 2, 2)

it('a clock that is a day behind the log is told with both times, and nobody takes the tasks for such as hang', async () => {
  await using log = await logKinds[0]!.open(1)
  const troubles: string[] = []
  const open = (nowMs: number) => {
    const clock = new HandClock(nowMs)
    const hears = { onTrouble: (what: string) => troubles.push(what), onFailed: (task: string) => troubles.push(`${task} failed`) }
    return { clock, pipeline: openPipeline({ types: [tally], log, codec, clock, limits: { ...defaultLimits, tickMs: 1_000 }, release: 'test' }, hears) }
  }
  const before = open(startMs)
  await before.pipeline.drained()
  await before.pipeline.stop()
  expect(troubles).toEqual([])

  const { clock, pipeline } = open(startMs - dayMs)
  await pipeline.drained()
  expect(troubles).toEqual([expect.stringMatching(/^task\/tally\/0: the clock says 2026-03-01T00:00:00\.000Z, and the log has come to 2026-03-02T00:00:00\.000Z: time stands still .* Set the clock right/)])
  const liveness = new Liveness(60_000)
  for (const at of [0, 61_000, 122_000]) {
    clock.advance(61_000)
    expect(liveness.stalled(await pipeline.progress(), at)).toEqual([])
  }
  clock.advance(dayMs)
  await expect.poll(() => troubles.at(-1)).toBe('task/tally/0: the clock is plausible again')
  await pipeline.stop()
})
