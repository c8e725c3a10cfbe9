import { describe, expect, it } from 'vitest'
import { faultPoints } from '../../src/core/fault.ts'
import { Installation, type Times } from './installation.ts'
import { isLong, sceneMs, type Lab } from './lab.ts'
import { takenOverAsleep } from './zombies.ts'

const points = faultPoints.filter((point) => point.startsWith('write.'))
const leaver = 'noah.adler299'

/** The company as it is read first, then a leaver of it corrected by policy, disturbed; in the end that took effect once. */
async function corrected(lab: Lab, disturb: (of: Installation) => Promise<unknown>, times: Partial<Times> = {}): Promise<void> {
  const of = await Installation.open(lab.addresses, times, { corrects: true })
  const { company } = of
  const changes = (): unknown[] => company.portal.store.eventsAfter(0).filter(({ login }) => login === leaver)
  try {
    await of.settle()
    company.passMinutes(10)
    expect(changes()).toEqual([])
    await disturb(of)
    await of.settle()
    expect(company.portal.store.user(leaver)).toMatchObject({ enabled: false, groups: [] })
    expect(changes()).toHaveLength(2)
    const { faults, open } = await of.audit()
    expect(faults).toEqual([])
    expect(open.filter((line) => line.includes(leaver))).toEqual([])
  } finally {
    await of.close()
  }
}

export function writes(lab: () => Lab): void {
  describe('what is written to an application', () => {
    it('takes effect once, and is verified, where each process that goes on with it is killed one point further', { timeout: sceneMs }, async () => {
      await corrected(lab(), async (of) => {
        for (const point of points) await of.start(0, { fault: { point, nth: 1, signal: 'SIGKILL' } }).faulted()
      })
    })

    it.each(isLong ? points : [])('is not written again by one that stopped at %s and wakes up when another one has done it', { timeout: sceneMs }, async (point) => {
      await corrected(lab(), (of) => takenOverAsleep(of, { point, nth: 1 }), { sessionSeconds: 2, transactionSeconds: 30 })
    })
  })
}
