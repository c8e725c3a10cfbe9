import { afterEach, describe, expect, it } from 'vitest'
import { type FaultPoint, armFaults } from '../../src/core/fault.ts'
import { FlakySource, makeWorld } from '../support/flaky-source.ts'
import { Lab } from './lab.ts'

afterEach(() => armFaults(null))

const points: FaultPoint[] = ['connect.before-page', 'connect.after-page', 'connect.before-commit', 'connect.after-commit']

/** What a run says, without its number and stamps. */
async function contentOf(lab: Lab, run: number): Promise<string[]> {
  const records = await lab.all('raw')
  return records
    .filter((record) => 'run' in record && record.run === run)
    .map((record) => JSON.stringify(record, (key, value: unknown) => (key === 'run' || key === 'observed' ? 0 : value)))
}

describe.each(points)('a fault at %s', (point) => {
  it.each([1, 2, 3, 5])('the %ith time: the next run is whole, has a higher number, and says what an undisturbed run says', async (time) => {
    const calm = new Lab()
    const lab = new Lab()
    try {
      await calm.snapshot(new FlakySource({ world: makeWorld() }).open)
      let reached = 0
      armFaults((at) => {
        if (at === point && ++reached === time) throw new Error(`fault at ${at}`)
      })
      const source = await lab.source()
      const disturbed = await lab.snapshot(new FlakySource({ world: makeWorld() }).open, { source }).catch((error: unknown) => error)
      const fired = reached >= time
      armFaults(null)
      if (point.endsWith('page') || time === 1) expect(fired).toBe(true)
      if (fired && point.endsWith('commit')) expect(disturbed).toBeInstanceOf(Error)
      if (fired && point.endsWith('page')) expect(disturbed).toMatchObject({ verdict: 'partial', error: { class: 'fatal' } })
      const again = await lab.snapshot(new FlakySource({ world: makeWorld() }).open)
      expect(again.verdict).toBe('complete')
      expect(await contentOf(lab, again.run)).toEqual(await contentOf(calm, 1))
      const begins = (await lab.partition('raw', 0)).flatMap((record) => (record.type === 'RunBegin' ? [record.run] : []))
      expect(begins.at(-1)).toBe(again.run)
      expect(new Set(begins).size).toBe(begins.length)
      const syncs = await lab.of('sync-runs', 'SyncRun')
      expect(syncs.filter(({ phase, run }) => phase === 'begin' && run === again.run)).toHaveLength(1)
      expect(lab.leftovers()).toEqual([])
    } finally {
      calm.dispose()
      lab.dispose()
    }
  })
})
