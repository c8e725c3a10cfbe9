import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { week } from '../../examples/acme/week.ts'
import { isCorrected } from '../../examples/acme/world/plants.ts'
import { Acme, answers, nameOf, openFindings, type OpenFinding } from './acme.ts'

const dayMs = 86_400_000
/** an ordinary day, noon UTC */
const firstDay = Date.UTC(2026, 10, 23, 12)

describe('examples/acme', () => {
  let acme: Acme
  let before: OpenFinding[]
  beforeAll(async () => {
    acme = await Acme.open(firstDay)
  })
  afterAll(() => acme.close())

  it('gives exactly the findings of its answer file after one pass', { timeout: 240_000 }, async () => {
    before = await acme.once(openFindings)
    expect(before.map(nameOf).sort()).toEqual(answers('answers.csv'))
    expect(acme.troubles).toEqual([])
  })

  it('changes nothing in a second pass over the same systems but what policy corrects by itself', { timeout: 240_000 }, async () => {
    acme.setNow(firstDay + 10 * 60_000)
    const { again, log } = await acme.once(async (grantline) => ({ again: await openFindings(grantline), log: await grantline.api.summary() }))
    expect(again).toEqual(before.filter((finding) => !isCorrected(finding)))
    expect(log.deadLetters).toEqual([])
  })

  it('gives exactly the findings of the second answer file after a week of changes', { timeout: 600_000 }, async () => {
    const verdicts: string[] = []
    const opened: string[][] = []
    let after = before
    for (const [index, day] of week.entries()) {
      const now = firstDay + (index + 1) * dayMs
      acme.setNow(now)
      day.play({ directory: acme.directory, portal: acme.portal, today: new Date(now).toISOString().slice(0, 10) })
      acme.events.length = 0
      const known = new Set(after.map(({ id }) => id))
      after = await acme.once(openFindings)
      opened.push(after.filter(({ id }) => !known.has(id)).map(nameOf))
      const portal = acme.events.find((event) => event.event === 'run' && event.source === 'portal')
      verdicts.push(portal?.event === 'run' ? portal.result.verdict : 'no run')
    }
    expect(after.map(nameOf).sort()).toEqual(answers('answers-week.csv'))
    // the broken day proves nothing gone, the repaired one does
    expect(verdicts).toEqual(['complete', 'complete', 'complete', 'complete', 'partial', 'complete', 'complete'])
    expect(opened[4]).toEqual([])
    expect(opened[5]).toHaveLength(3)
    // what was open all week is the same finding, first seen on the first day
    const since = new Map(before.map(({ id, since: first }) => [id, first]))
    const kept = after.filter(({ id }) => since.has(id))
    expect(kept.length).toBeGreaterThanOrEqual(20)
    for (const finding of kept) expect(finding.since, nameOf(finding)).toBe(since.get(finding.id))
    expect(acme.troubles).toEqual([])
  })
})
