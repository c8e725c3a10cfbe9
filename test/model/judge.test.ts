import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FindingKind } from '../../schemas/wire/results.ts'
import {
  endsAsTheModelSays, interleavingChangesNothing, kindsOf, loadingOrderChangesNothing, reloadingChangesNothing, stages,
  unchangedIsSilent, withoutProofIsSilent, type Check,
} from './checks.ts'
import { histories, loads } from './histories.ts'
import type { History } from './history.ts'

/** GRANTLINE_LONG=1 plays many more, other ones each time; without it they are always the same. */
const long = process.env['GRANTLINE_LONG'] === '1'
const factor = long ? 40 : 1
const timeoutMs = long ? 7_200_000 : 120_000

function holds(check: Check, arbitrary: fc.Arbitrary<History>, numRuns: number): void {
  const property = fc.property(arbitrary, (history) => {
    const wrong = check(history, stages)
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  })
  const found = fc.check(property, { numRuns: numRuns * factor, ...(long ? {} : { seed: 20_260_101 }) })
  if (!found.failed) return
  const { seed, counterexamplePath, counterexample, errorInstance } = found
  throw new Error(`${String(errorInstance)}\nseed ${seed}, path ${counterexamplePath}\n${JSON.stringify(counterexample?.[0], null, 1)}`)
}

describe('after any history', () => {
  it('findings and access are what the model says of the end', () => holds(endsAsTheModelSays, histories, 150), timeoutMs)
  it('another interleaving changes nothing', () => holds(interleavingChangesNothing, histories, 30), timeoutMs)
  it('a reload after every record changes no output', () => holds(reloadingChangesNothing, histories, 20), timeoutMs)
  it('complete runs of an unchanged world tell nothing', () => holds(unchangedIsSilent, histories, 30), timeoutMs)
  it('runs that prove nothing close nothing and open nothing', () => holds(withoutProofIsSilent, histories, 30), timeoutMs)

  it('every kind of finding occurs', () => {
    const seen = new Set(fc.sample(histories, { seed: 20_260_102, numRuns: 60 }).flatMap(kindsOf))
    expect([...seen].sort()).toEqual([...FindingKind.options].sort())
  }, timeoutMs)
})

describe('a world that stands still while it is loaded', () => {
  it('ends as the model says', () => holds(endsAsTheModelSays, loads, 40), timeoutMs)
  it('ends the same, whichever source is read first', () => holds(loadingOrderChangesNothing, loads, 30), timeoutMs)
})
