import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultPoints, type FaultPoint } from '../../src/core/fault.ts'
import { Company, unordered } from './company.ts'
import { differences, type Outcome } from './outcome.ts'
import { audit, killAfter, killAt, runToEnd, type Reached } from './processes.ts'

/**
 * The whole product on the example, killed and started again. Each sequence has a company of its own: two kills while everything is
 * read for the first time, one full pass; then a week passes, two more kills, one full pass. What is there in the end has to be what
 * an undisturbed run gives. GRANTLINE_LONG=1: each fault point at each of the four places, and 50 random moments instead of 10.
 */
const isLong = process.env['GRANTLINE_LONG'] === '1'
const randomKills = isLong ? 50 : 10
const killsOfSequence = 4
const sequenceMs = 300_000
/** Those of the other log, and of writes to applications, have suites of their own. */
const points = faultPoints.filter((point) => !point.startsWith('kafka.') && !point.startsWith('write.'))

let undisturbed: Outcome
let company: Company
/** Of the first pass and of that after the week: how often each point was reached, and how long it took, ms. */
const passes: { reached: Reached; tookMs: number }[] = []
const fired = new Set<FaultPoint>()

async function pass(of: Company): Promise<{ reached: Reached; tookMs: number }> {
  const began = performance.now()
  const reached = await runToEnd(of)
  return { reached, tookMs: performance.now() - began }
}

/** Kills 0 and 1 fall into the first pass, 2 and 3 into the one after the week. */
async function sequence(kill: (of: Company, place: number) => Promise<void>, kills = killsOfSequence): Promise<void> {
  const disturbed = await Company.open()
  try {
    for (let place = 0; place < kills; place++) {
      if (place === 2) await goOn(disturbed)
      await kill(disturbed, place)
    }
    if (kills <= 2) await goOn(disturbed)
    await runToEnd(disturbed)
    expect(differences(undisturbed, await audit(disturbed), unordered)).toEqual([])
  } finally {
    await disturbed.close()
  }
}

async function goOn(disturbed: Company): Promise<void> {
  await runToEnd(disturbed)
  disturbed.passWeek()
}

/** The first kill of a pass comes in its midst, the second soon after the restart: less and less is left to do. */
async function killAtPoint(of: Company, place: number, point: FaultPoint): Promise<void> {
  const times = passes[place < 2 ? 0 : 1]!.reached[point] ?? 0
  expect(times, `${point} in an undisturbed pass`).toBeGreaterThan(1)
  await killAt(of, { point, nth: place % 2 === 0 ? Math.ceil(times / 3) : 2 })
  fired.add(point)
}

beforeAll(async () => {
  company = await Company.open()
  passes.push(await pass(company))
  company.passWeek()
  passes.push(await pass(company))
  undisturbed = await audit(company)
}, sequenceMs)
afterAll(() => company.close())

describe('the product on examples/acme', () => {
  it('undisturbed, gives findings and access to compare with, and nothing is wrong with them', () => {
    expect(undisturbed.open.length).toBeGreaterThan(40)
    expect(undisturbed.access.length).toBeGreaterThan(900)
    expect(undisturbed.closed.length).toBeGreaterThan(2)
    expect(undisturbed.faults).toEqual([])
  })

  // one point of each of the four groups in a sequence, each time at another place
  const shifts = isLong ? [0, 1, 2, 3] : [0]
  const plans = shifts.flatMap((shift) =>
    [0, 1, 2, 3].map((member) => [0, 1, 2, 3].map((place) => points[((place + member + shift) % 4) * 4 + member]!)),
  )
  it.each(plans.map((kills) => ({ kills, title: kills.join(', ') })))('killed at $title', { timeout: sequenceMs }, async ({ kills }) => {
    await sequence((of, place) => killAtPoint(of, place, kills[place]!))
  })

  it('was killed at every fault point that there is', () => {
    expect([...fired].sort()).toEqual([...points].sort())
  })

  const sizes = Array.from({ length: Math.ceil(randomKills / killsOfSequence) }, (_, i) => Math.min(killsOfSequence, randomKills - i * killsOfSequence))
  const moments = sizes.map((kills, i) => ({ kills, first: i * killsOfSequence, title: `${kills} moments of a pass, number ${i + 1}` }))
  it.each(moments)('killed at $title', { timeout: sequenceMs }, async ({ kills, first }) => {
    await sequence((of, place) => killAtMoment(of, place, first + place), kills)
  })
})

/** Multiples of the golden section fall evenly and in no order over a pass. One that ended before shows how long a pass takes by now. */
async function killAtMoment(of: Company, place: number, moment: number): Promise<void> {
  const share = 0.25 + 0.7 * ((moment * 0.618034) % 1)
  // after a kill less is left to do
  let ms = share * passes[place < 2 ? 0 : 1]!.tookMs * (place % 2 === 0 ? 1 : 0.7)
  for (let attempt = 0; attempt < 5; attempt++) {
    const end = await killAfter(of, ms)
    if (end === 'killed') return
    ms = 0.7 * Math.min(ms, end.tookMs)
  }
  throw new Error(`the process always ended before it could be killed, the last time within ${Math.round(ms / 0.7)} ms`)
}
