import { describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { faultPoints, type FaultPoint } from '../../src/core/fault.ts'
import type { Installation } from './installation.ts'
import { isLong, sceneMs, type Lab } from './lab.ts'

interface Kill {
  point: FaultPoint
  nth: number
}

/** Where rows wait, and then where they do not: the first kill of a scene falls into the first reading of everything. */
const ordinary: Kill[][] = [
  [['sink.after-insert', 3], ['kafka.after-send', 30], ['kafka.after-fence', 3], ['kafka.after-offsets', 12], ['connect.after-commit', 1], ['log.before-append', 20]],
  [['sink.before-insert', 4], ['kafka.after-commit', 30], ['sink.after-claim', 1], ['kafka.mid-restore', 2], ['kafka.after-cache', 12], ['sink.before-claim', 3]],
].map((plan) => plan.map(([point, nth]) => ({ point, nth }) as Kill))

/** Reached at any time, so that each can be had at four places, the next scene beginning with the next one. */
const anyTime = faultPoints.filter((point) => !/^(write|connect)\.|between-slices$|-insert$/.test(point))
const seldom: ReadonlySet<FaultPoint> = new Set(['kafka.after-fence', 'kafka.mid-restore', 'sink.before-claim', 'sink.after-claim'])
/** Reached while everything is read for the first time: the first two of a scene. Those of writes have scenes of their own (writes.ts). */
const early: readonly (readonly [FaultPoint, FaultPoint])[] = [
  ['connect.before-page', 'sink.before-insert'], ['connect.after-page', 'sink.after-insert'], ['connect.before-commit', 'sink.before-insert'],
  ['runtime.between-slices', 'sink.after-insert'], ['connect.after-commit', 'sink.before-insert'],
]

const thorough: Kill[][] = Array.from({ length: 10 }, (_, scene) => {
  const rest = Array.from({ length: 6 }, (_, i) => {
    const at = scene * 6 + i
    const point = anyTime[at % anyTime.length]!
    return { point, nth: 1 + Math.floor(at / anyTime.length) * (seldom.has(point) ? 2 : 9) }
  })
  const [first, second] = early[scene % early.length]!
  return [{ point: first, nth: 1 + Math.floor(scene / early.length) }, { point: second, nth: 1 + Math.floor(scene / 2) }, ...rest]
})

/** One process shares with those that die, one after the other in the same place. */
async function killOneByOne(of: Installation, plan: readonly Kill[]): Promise<void> {
  for (const [i, kill] of plan.entries()) {
    const victim = of.start(1, { fault: { ...kill, signal: 'SIGKILL' } })
    if (i === 0) of.start(0)
    await victim.faulted()
  }
}

export function kills(lab: () => Lab): void {
  describe('a process that shares with another one', () => {
    const plans = isLong ? [...ordinary, ...thorough] : ordinary
    it.each(plans.map((plan) => ({ plan, title: plan.map(({ point, nth }) => `${point} ${nth}`).join(', ') })))('killed at $title', { timeout: sceneMs }, async ({ plan }) => {
      expect(await lab().scene((of) => killOneByOne(of, plan))).toEqual([])
    })

    /** Multiples of the golden section fall evenly and in no order over the first 12 s of a process. */
    const moments = Array.from({ length: isLong ? 4 : 0 }, (_, scene) => Array.from({ length: 6 }, (_, i) => Math.round(12_000 * (((scene * 6 + i) * 0.618034) % 1))))
    it.each(moments)('killed %d, %d, %d, %d, %d and %d ms after its start', { timeout: sceneMs }, async (...plan) => {
      const told = await lab().scene(async (of) => {
        of.start(0)
        for (const ms of plan) {
          const victim = of.start(1)
          await sleep(ms)
          expect({ ...(await victim.kill()), said: victim.said }).toMatchObject({ signal: 'SIGKILL' })
        }
      })
      expect(told).toEqual([])
    })
  })
}
