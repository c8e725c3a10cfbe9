import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entitleAt } from '../../processors/entitle/entitle.ts'
import { normaliseAt } from '../../processors/normalise/normalise.ts'
import { reconcileAt } from '../../processors/reconcile/reconcile.ts'
import type { Pace } from '../../processors/shared/later.ts'
import { LapsedEntry } from '../../schemas/wire/common.ts'
import { AccountFact } from '../../schemas/wire/facts.ts'
import { Finding, FindingKind, GrantVerdict } from '../../schemas/wire/results.ts'
import {
  emptyRunsAreHeld, endsAsTheModelSays, happenings, interleavingChangesNothing, loadingNeverFlaps, loadingOrderChangesNothing, reloadingChangesNothing, stages,
  unchangedIsSilent, withoutProofIsSilent, type Check,
} from './checks.ts'
import { histories, loads } from './histories.ts'
import type { History } from './history.ts'
import { phenomena, phenomenaOf, type Phenomenon } from './phenomena.ts'
import type { Stages } from './topology.ts'

/** GRANTLINE_LONG=1 plays many more, other ones each time; without it they are always the same. */
const long = process.env['GRANTLINE_LONG'] === '1'
const factor = long ? 40 : 1
const slowest: Pace = { perSubject: 1, perMark: 1 }
/** Whatever concerns more than one person or account lags behind. */
const lagging: Stages = { intent: entitleAt(slowest), raw: normaliseAt(slowest), facts: reconcileAt(slowest) }
const timeoutMs = long ? 7_200_000 : 120_000

function holds(check: Check, arbitrary: fc.Arbitrary<History>, numRuns: number, played = stages): void {
  const property = fc.property(arbitrary, (history) => {
    const wrong = check(history, played)
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  })
  const found = fc.check(property, { numRuns: numRuns * factor, ...(long ? {} : { seed: 20_260_101 }) })
  if (!found.failed) return
  const { seed, counterexamplePath, counterexample, errorInstance } = found
  throw new Error(`${String(errorInstance)}\nseed ${seed}, path ${counterexamplePath}\n${JSON.stringify(counterexample?.[0], null, 1)}`)
}

describe('after any history', () => {
  it('findings and access are what the model says of the end', () => holds(endsAsTheModelSays, histories, 100), timeoutMs)
  it('another interleaving changes nothing', () => holds(interleavingChangesNothing, histories, 20), timeoutMs)
  it('a reload after every record changes no output', () => holds(reloadingChangesNothing, histories, 15), timeoutMs)
  it('work that lags behind changes nothing in the end, and a reload no output of it', () => {
    holds(endsAsTheModelSays, histories, 60, lagging)
    holds(reloadingChangesNothing, histories, 10, lagging)
  }, timeoutMs)
  it('complete runs of an unchanged world tell nothing', () => holds(unchangedIsSilent, histories, 20), timeoutMs)
  it('runs that find a source of accounts or people empty take nothing away', () => holds(emptyRunsAreHeld, histories, 25), timeoutMs)
  it('runs that prove nothing close nothing and open nothing', () => holds(withoutProofIsSilent, histories, 25), timeoutMs)

  it('every kind of finding occurs, and everything else that histories are made for', () => {
    const seen = new Set(fc.sample(histories, { seed: 20_260_102, numRuns: 200 }).flatMap(happenings))
    const expected = [
      FindingKind, GrantVerdict, LapsedEntry.shape.why, AccountFact.shape.match, Finding.shape.change, Finding.shape.closedAs.unwrap(),
    ].flatMap(({ options }): string[] => options)
    const others = ['owner owned', 'owner none', 'owner contested', 'account moved', 'account deleted', 'account retired', 'Held', 'Command', 'Reference']
    // Nothing waits in worlds without allowed delays, and nothing is written in them whose brake could hold it.
    const never = ['held-removals', 'pending']
    expect([...expected, ...others].filter((name) => !seen.has(name))).toEqual(never)
  }, timeoutMs)
})

describe('histories', () => {
  it('have each of what makes it hard to say whose an account is and what it may, many times', () => {
    const counts = new Map(phenomena.map((phenomenon): [Phenomenon, number] => [phenomenon, 0]))
    for (const history of fc.sample(histories, { seed: 20_260_101, numRuns: 100 })) for (const phenomenon of phenomenaOf(history)) counts.set(phenomenon, counts.get(phenomenon)! + 1)
    expect([...counts].filter(([, times]) => times < 5)).toEqual([])
  })
})

describe('a world that stands still while it is loaded', () => {
  it('ends as the model says', () => holds(endsAsTheModelSays, loads, 30), timeoutMs)
  it('ends the same, whichever source is read first', () => holds(loadingOrderChangesNothing, loads, 30), timeoutMs)
  it('opens no finding for want of something that still comes', () => holds(loadingNeverFlaps, loads, 60), timeoutMs)
  it('nor where work lags behind', () => holds(loadingNeverFlaps, loads, 40, lagging), timeoutMs)
})
