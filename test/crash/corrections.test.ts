import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultPoints } from '../../src/core/fault.ts'
import { Company } from './company.ts'
import { audit, killAt, runToEnd } from './processes.ts'

/**
 * A leaver of the example, corrected by policy, while the process is killed at one point of the way after the other: each new one
 * finds the same command, goes on where the last was, and is killed in turn.
 */
const points = faultPoints.filter((point) => point.startsWith('write.'))
const leaver = 'noah.adler299'
const passMs = 300_000

describe('a correction', () => {
  let company: Company
  beforeAll(async () => {
    company = await Company.open({ corrects: true })
    await runToEnd(company)
    company.passMinutes(10)
  }, passMs)
  afterAll(() => company.close())

  it.each(points)('killed at %s', { timeout: passMs }, async (point) => {
    await killAt(company, { point, nth: 1 })
  })

  it('took effect once, is verified, and everything derives again as it was recorded', { timeout: passMs }, async () => {
    await runToEnd(company)
    expect(company.portal.store.user(leaver)).toMatchObject({ enabled: false, groups: [] })
    expect(company.portal.store.eventsAfter(0).filter(({ login }) => login === leaver)).toHaveLength(2)
    const outcome = await audit(company)
    expect(outcome.faults).toEqual([])
    expect(outcome.open.filter((finding) => JSON.stringify(finding).includes(leaver))).toEqual([])
  })
})
