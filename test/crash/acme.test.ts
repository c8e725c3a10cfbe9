import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultPoints, type FaultPoint } from '../../src/core/fault.ts'
import { Company, unordered } from './company.ts'
import { differences, type Outcome } from './outcome.ts'
import { audit, exhaustAt, killAfter, killAt, runToEnd } from './processes.ts'

/**
 * The whole product on the example, killed and started again. Each sequence has a company of its own: up to four kills while everything
 * is read for the first time, one full pass; then a week passes, up to four more kills, one full pass. What is there in the end has to
 * be what an undisturbed run gives. GRANTLINE_LONG=1 (`npm run test:crash`): each fault point at eight places, and 50 random moments
 * instead of 6.
 */
const isLong = process.env['GRANTLINE_LONG'] === '1'
const randomKills = isLong ? 50 : 6
const killsOfPass = 4
const killsOfSequence = 2 * killsOfPass
const sequenceMs = 900_000
/** Those of the other log, and of writes to applications, have suites of their own. */
const points = faultPoints.filter((point) => !point.startsWith('kafka.') && !point.startsWith('write.'))

let undisturbed: Outcome
let company: Company
interface Pass {
  /** points, in their order */
  reached: readonly string[]
  tookMs: number
}
/** The first, and the one after the week. */
const passes: Pass[] = []
const fired = new Set<FaultPoint>()

async function pass(of: Company): Promise<Pass> {
  const began = performance.now()
  const reached = await runToEnd(of)
  return { reached, tookMs: performance.now() - began }
}

/** Half of the kills fall into the first pass, half into the one after the week. `kill` hears which of its pass it is. */
async function sequence(kills: number, kill: (of: Company, n: number, pass: 0 | 1, nth: number) => Promise<void>, threads = 1): Promise<void> {
  const disturbed = await Company.open({ threads })
  const first = Math.ceil(kills / 2)
  try {
    for (let n = 0; n < first; n++) await kill(disturbed, n, 0, n)
    await runToEnd(disturbed)
    disturbed.passWeek()
    for (let n = first; n < kills; n++) await kill(disturbed, n, 1, n - first)
    await runToEnd(disturbed)
    expect(differences(undisturbed, await audit(disturbed), unordered)).toEqual([])
  } finally {
    await disturbed.close()
  }
}

/** The first kill of a pass comes in its midst, later ones sooner after the restart: less and less is left to do. */
async function killAtPoint(of: Company, point: FaultPoint, pass: 0 | 1, nth: number): Promise<void> {
  const times = passes[pass]!.reached.filter((one) => one === point).length
  expect(times, `${point} in an undisturbed pass`).toBeGreaterThan(1)
  await killAt(of, { point, nth: Math.max(2, Math.ceil(times / (3 * of.threads * 2 ** nth))) })
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

  // every other point, so that each sequence has some of runtime, log, connectors and sink; in a long run at every place
  const shifts = isLong ? Array.from({ length: killsOfSequence }, (_, shift) => shift) : [0]
  const halves = [0, 1].map((half) => points.filter((_, i) => i % 2 === half))
  const plans = shifts.flatMap((shift) => halves.map((half) => [...half.slice(shift % half.length), ...half.slice(0, shift % half.length)]))
  it.each(plans.map((plan) => ({ plan, title: plan.join(', ') })))('killed at $title', { timeout: sequenceMs }, async ({ plan }) => {
    await sequence(plan.length, (of, n, pass, nth) => killAtPoint(of, plan[n]!, pass, nth))
  })

  it('was killed at every fault point that there is', () => {
    expect([...fired].sort()).toEqual([...points].sort())
  })

  it('with its tasks in two threads, killed in them', { timeout: sequenceMs }, async () => {
    const plan = points.filter((point) => point.startsWith('runtime.') || point.startsWith('log.'))
    await sequence(plan.length, (of, n, pass, nth) => killAtPoint(of, plan[n]!, pass, nth), 2)
  })

  it('out of memory in the midst of each pass', { timeout: sequenceMs }, async () => {
    await sequence(2, async (of, _n, pass) => {
      const { reached } = passes[pass]!
      const point = 'runtime.after-commit'
      const nth = Math.floor(reached.filter((one) => one === point).length / 4)
      expect(nth).toBeGreaterThan(1)
      await exhaustAt(of, { point, nth })
    })
  })

  const sizes = Array.from({ length: Math.ceil(randomKills / killsOfSequence) }, (_, i) => Math.min(killsOfSequence, randomKills - i * killsOfSequence))
  const moments = sizes.map((kills, i) => ({ kills, first: i * killsOfSequence, title: `${kills} moments of a pass, number ${i + 1}` }))
  it.each(moments)('killed at $title', { timeout: sequenceMs }, async ({ kills, first }) => {
    await sequence(kills, (of, n, pass, nth) => killAtMoment(of, first + n, pass, nth))
  })
})

/** Multiples of the golden section fall evenly and in no order over a pass. One that ended before shows how long a pass takes by now. */
async function killAtMoment(of: Company, moment: number, pass: 0 | 1, nth: number): Promise<void> {
  const share = 0.25 + 0.7 * ((moment * 0.618034) % 1)
  // after a kill less is left to do
  let ms = share * passes[pass]!.tookMs * 0.7 ** nth
  for (let attempt = 0; attempt < 5; attempt++) {
    const end = await killAfter(of, ms)
    if (end === 'killed') return
    ms = 0.7 * Math.min(ms, end.tookMs)
  }
  throw new Error(`the process always ended before it could be killed, the last time within ${Math.round(ms / 0.7)} ms`)
}
