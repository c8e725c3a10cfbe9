import { describe, expect, it } from 'vitest'
import { sceneMs, type Lab } from './lab.ts'

export function twins(lab: () => Lab): void {
  describe('a second process with the same identity', () => {
    it('on the same data directory is refused; one that takes every task without asking is fenced, or fences the first', { timeout: sceneMs }, async () => {
      const told = await lab().scene(async (of) => {
        const first = of.start(0)
        await first.says(/started/)
        const same = of.start(0)
        expect(await same.ends()).toMatchObject({ code: 3 })
        await same.kill()
        expect(same.said).toMatch(/One process at a time may use this data directory/)

        const outsider = of.start(1, { variant: 'outsideTheGroup' })
        const ended = await Promise.race([first, outsider].map(async (one) => (await one.ends(), one)))
        expect(await ended.ended).toMatchObject({ code: 3 })
        for (const one of [first, outsider]) await one.stop({ orTakenOver: true })
      })
      expect(told).toEqual([])
    })
  })
}
