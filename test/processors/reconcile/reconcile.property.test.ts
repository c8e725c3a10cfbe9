import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reconcile, reconcileAt } from '../../../processors/reconcile/reconcile.ts'
import type { FactRecord } from '../../../schemas/wire/facts.ts'
import type { DriverOptions, Output, ProcessorDriver } from '../../support/processor-driver.ts'
import { accessNow, app, DAY, given, mark, MINUTE, openFindings, policy, setting, T0, tick, withTimesWithin } from './given.ts'
import { interleaved, shuffleKeys, subjects, surroundings } from './worlds.ts'

/** What is open, apart from times and causes. */
function open(outputs: readonly Output[]): unknown[] {
  return [...openFindings(outputs)]
    .map(([id, { kind, severity, home, identity, app: of, account, entitlement, object, detail }]) => [id, kind, severity, home, identity, of, account, entitlement, object, detail])
    .sort()
}

const end = tick(T0 + 400 * DAY)

/** One home with each record: what concerns several of them lags behind. */
const paces = [['as fast as usual', reconcile], ['with work that lags behind', reconcileAt({ perSubject: 1, perMark: 1 })]] as const

/** All of it, and what lags behind in the end. */
function played(records: readonly FactRecord[], type = reconcile, options: DriverOptions = {}): ProcessorDriver<'facts'> {
  const driver = given(records, options, type)
  driver.catchUp()
  return driver
}

describe.each(paces)('the order of arrival, %s', (_name, type) => {
  it('changes neither what is open in the end nor the final access', () => {
    let seen = 0
    fc.assert(
      fc.property(subjects, shuffleKeys, shuffleKeys, (facts, one, other) => {
        const all = [...surroundings(), ...facts]
        const final = all.map((versions) => versions.at(-1)!)
        const plain = given([tick(T0), ...final, end]).outputs
        seen += openFindings(plain).size
        for (const keys of [one, other]) {
          const { outputs } = played([tick(T0), ...interleaved(all, keys), end], type)
          expect(open(outputs)).toEqual(open(plain))
          expect(accessNow(outputs)).toEqual(accessNow(plain))
        }
      }),
      { numRuns: 80 },
    )
    expect(seen).toBeGreaterThan(160)
  })

  it('opens nothing that rests on an absence before the last baseline is there', () => {
    const resting = new Set(['unauthorised-grant', 'expired-grant', 'missing-grant', 'orphaned-account', 'unowned-nhi'])
    fc.assert(
      fc.property(subjects, shuffleKeys, fc.nat(), (facts, keys, n) => {
        const marks = surroundings().flat().filter((one) => one.type === 'Baseline' && one.stage !== 'observed')
        const without = surroundings().filter(([one]) => one!.type !== 'Baseline' || JSON.stringify(one) !== JSON.stringify(marks[n % marks.length]))
        const { outputs } = played([tick(T0), ...interleaved([...without, ...facts], keys), end], type)
        expect([...openFindings(outputs).values()].filter(({ kind }) => resting.has(kind))).toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})

describe('facts of releases that told since when in each grant', () => {
  const asBefore = (record: FactRecord): FactRecord => (record.type === 'AccountFact' ? withTimesWithin(record) : record)

  it('are judged, and told of, as facts of today', () => {
    fc.assert(
      fc.property(subjects, shuffleKeys, fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }), (facts, keys, old) => {
        const records = [tick(T0), ...interleaved([...surroundings(), ...facts], keys), end]
        const mixed = records.map((record, i) => (old[i % old.length]! ? asBefore(record) : record))
        expect(played(mixed).outputs).toEqual(played(records).outputs)
      }),
      { numRuns: 60 },
    )
  })

  it('tell nothing new where they say the same', () => {
    fc.assert(
      fc.property(subjects, (facts) => {
        const finals = [...surroundings(), ...facts].map((versions) => versions.at(-1)!)
        const accounts = finals.filter((record) => record.type === 'AccountFact')
        const before = [tick(T0), ...finals.map(asBefore), end]
        expect(played([...before, ...accounts]).outputs).toEqual(played(before).outputs)
      }),
      { numRuns: 40 },
    )
  })
})

describe.each(paces)('where transactions end, %s', (_name, type) => {
  it('changes no output: a reload after every record and slice, with any budget', () => {
    fc.assert(
      fc.property(subjects, shuffleKeys, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 9 }), (facts, keys, budgets) => {
        const changes: FactRecord[][] = [
          [tick(T0 + MINUTE), tick(T0 + DAY), tick(T0 + 2 * DAY)],
          [policy({ dormantAfterDays: 1 }), policy({ severities: { 'orphaned-account': 'low' } })],
          [app('billing', 600), app('billing', 60)],
          [setting('sources', { apps: [], feeds: [], partitions: { raw: 1, intent: 1, facts: 1 } })],
          [{ type: 'Epoch', processor: 'reconcile', version: 2, stateFormat: 1, release: '0.2.0', from: { offset: 0, index: 0 }, resumed: null }],
          [{ type: 'Ruling', source: 'billing', kind: 'retire', run: null, by: 'eve', reason: 'sold', at: T0 }, mark('observed', 'billing', { at: T0 + DAY })],
        ]
        const records = [tick(T0), ...interleaved([...surroundings(), ...facts, ...changes], keys), end]
        let n = 0
        const torn = played(records, type, { reload: true, budget: () => budgets[n++ % budgets.length]! })
        const whole = played(records, type)
        expect(torn.outputs).toEqual(whole.outputs)
        expect(torn.dump()).toBe(whole.dump())
      }),
      { numRuns: 40 },
    )
  })
})
