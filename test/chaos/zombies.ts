import { describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultPoint } from '../../src/core/fault.ts'
import type { Installation, Times } from './installation.ts'
import { isLong, sceneMs, type Lab } from './lab.ts'
import type { Process } from './process.ts'
import type { VariantName } from './variants.ts'

/** What a process says that another one took something from. */
const fenced = /took this task over|was taken over|old epoch/
/** enough to end what it was about to do */
const awakeMs = 4_000
/** shorter than the session */
const shortStopMs = 1_500

interface Stop {
  point: FaultPoint
  nth: number
}

/** The brokers abort a transaction long before the sleeper wakes up, or not before the successor asks for it. */
const transactions: { times: Times; title: string }[] = [
  { times: { sessionSeconds: 2, transactionSeconds: 3 }, title: 'longer than a transaction may be open' },
  { times: { sessionSeconds: 3, transactionSeconds: 120 }, title: 'shorter than a transaction may be open' },
]

const stops: Stop[] = [
  { point: 'kafka.after-offsets', nth: 60 },
  { point: 'runtime.before-commit', nth: 60 },
  ...(isLong
    ? ([
        { point: 'kafka.after-send', nth: 80 }, { point: 'kafka.after-commit', nth: 100 }, { point: 'kafka.after-fence', nth: 10 },
        { point: 'kafka.mid-restore', nth: 5 }, { point: 'kafka.after-cache', nth: 30 }, { point: 'sink.before-insert', nth: 3 },
        { point: 'sink.after-insert', nth: 6 }, { point: 'connect.before-commit', nth: 4 },
      ] as const)
    : []),
]

/** The other points that a process reaches on Kafka alone, in a long run: each for one of the two kinds, one after the other. */
const further: Stop[] = [
  { point: 'runtime.before-process', nth: 200 }, { point: 'log.before-append', nth: 60 }, { point: 'runtime.between-slices', nth: 2 },
  { point: 'log.after-append', nth: 60 }, { point: 'connect.before-page', nth: 3 }, { point: 'log.before-state', nth: 60 }, { point: 'connect.after-page', nth: 3 },
  { point: 'log.after-state', nth: 60 }, { point: 'connect.after-commit', nth: 4 }, { point: 'runtime.after-commit', nth: 60 }, { point: 'sink.before-claim', nth: 3 },
  { point: 'sink.after-claim', nth: 3 },
]

/** So long after a process has started it stops, ms. */
const moments = [300, 1_100, 2_300, 4_700]

/** Another process does all there is to do before the sleeper wakes up. */
export async function takenOverAsleep(of: Installation, stop: Stop, variant: VariantName | null = null): Promise<Process> {
  const sleeper = of.start(0, { variant, fault: { ...stop, signal: 'SIGSTOP' } })
  await sleeper.faulted()
  return await outlived(of, sleeper, variant)
}

async function outlived(of: Installation, sleeper: Process, variant: VariantName | null = null): Promise<Process> {
  const successor = of.start(1, { variant, drain: true })
  await successor.ends()
  await successor.stop()
  sleeper.signal('SIGCONT')
  await sleep(awakeMs)
  await sleeper.stop({ orTakenOver: true })
  return sleeper
}

export function zombies(lab: () => Lab): void {
  describe('a process that stops in the midst and goes on when another one has done its work', () => {
    const scenes = transactions.flatMap((kind, i) =>
      [...stops.filter((_, n) => isLong || n % 2 === i), ...further.filter((_, n) => isLong && n % 2 === i)].map((stop) => ({ ...kind, stop, at: `${stop.point} ${stop.nth}` })),
    )
    it.each(scenes)('at $at, for $title', { timeout: sceneMs }, async ({ times, stop }) => {
      const told = await lab().scene(async (of) => {
        const sleeper = await takenOverAsleep(of, stop)
        expect(sleeper.said).toMatch(fenced)
      }, times)
      expect(told).toEqual([])
    })
  })

  if (isLong) {
    it.each(moments.map((ms, n) => ({ ms, ...transactions[n % 2]! })))('a process that stops $ms ms after its start, for $title, beside one that does its work', { timeout: sceneMs }, async ({ ms, times }) => {
      const told = await lab().scene(async (of) => {
        const sleeper = of.start(0)
        await sleeper.says(/started/)
        await sleep(ms)
        await sleeper.suspend()
        await outlived(of, sleeper)
      }, times)
      expect(told).toEqual([])
    })

    it('a process that stops for less than a session, beside another one, keeps its work', { timeout: sceneMs }, async () => {
      const told = await lab().scene(async (of) => {
        for (const [i, stop] of stops.slice(0, 5).entries()) {
          const sleeper = of.start(1, { fault: { ...stop, nth: i === 0 ? 20 : Math.ceil(stop.nth / 10), signal: 'SIGSTOP' } })
          if (i === 0) of.start(0)
          await sleeper.faulted()
          await sleep(shortStopMs)
          sleeper.signal('SIGCONT')
          await sleeper.says(/started/)
          await sleeper.stop()
          expect(sleeper.said).not.toMatch(/took this task over|was taken over/)
        }
      }, { sessionSeconds: 15, transactionSeconds: 30 })
      expect(told).toEqual([])
    })
  }
}
