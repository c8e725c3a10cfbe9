import { describe, expect, it } from 'vitest'
import { reconcile } from '../../../processors/reconcile/reconcile.ts'
import type { FactRecord } from '../../../schemas/wire/facts.ts'
import { alone, app, at, DAY, desired, entry, findings, given, held, policy, service, sources, T0, tick, told, world } from './given.ts'

const crowd = (n: number): FactRecord[] => Array.from({ length: n }, (_, i) => alone(`a${String(i).padStart(3, '0')}`, [], { lastUsed: T0 - 10 * DAY }))

/** Counts the slices and how many homes each of them read at most. */
function sliced(records: readonly FactRecord[], last: FactRecord, rows: number) {
  let slices = 0
  const driver = given(records, { budget: () => (slices++, rows) })
  slices = 0
  const then = driver.push(last)
  return { then, slices }
}

describe('work that grows with the homes', () => {
  it.each<[string, FactRecord[], FactRecord, string]>([
    ['a policy', [...world(), ...crowd(40)], policy({ severities: { 'orphaned-account': 'low' } }), 'changed orphaned-account'],
    ['a baseline', [...world().slice(0, 5), ...crowd(40)], world()[5]!, 'opened orphaned-account'],
    ['a tick', [...world(), policy({ dormantAfterDays: 20 }), ...crowd(40)], tick(T0 + 10 * DAY), 'opened dormant-account'],
  ])('is done in slices after %s, each home once', (_what, records, last, change) => {
    const { then, slices } = sliced(records, last, 8)
    expect(told(then)).toEqual(crowd(40).map((one) => `${change} ${one.type === 'AccountFact' ? one.account : ''}`))
    // A home with one account costs two rows.
    expect(slices).toBeGreaterThanOrEqual(10)
    expect(slices).toBeLessThanOrEqual(14)
    const offset = records.length
    expect(findings(then).every(({ cause }) => cause.offset === offset)).toBe(true)
  })

  it('passes over homes that an app does not concern', () => {
    const records = [...world(), app('payroll'), sources(['billing', 'payroll']), ...crowd(40), held('ann', 'p', [], { app: 'payroll' }), desired('bob', [entry('x', { app: 'payroll' })])]
    const { slices } = sliced(records, app('payroll', 60), 8)
    expect(slices).toBeLessThanOrEqual(7)
  })

  it('needs no more than one row a slice to come to an end', () => {
    const records = [...world(), held('ann', 'a', ['x']), held('ann', 'b', ['x']), held('ann', 'c', ['x']), ...crowd(3), desired('ann', [])]
    const { then } = sliced(records, policy({ severities: { 'unauthorised-grant': 'low' } }), 1)
    expect(told(then)).toEqual(['a', 'b', 'c'].map((id) => `changed unauthorised-grant ${id}/x`))
  })
})

describe('an epoch', () => {
  const epoch = { type: 'Epoch', processor: 'reconcile', version: 2, stateFormat: 1, release: '0.2.0', from: { offset: 0, index: 0 }, resumed: null } as const

  it('judges every home anew, in slices, and says nothing where nothing differs', () => {
    const { then, slices } = sliced([...world(), ...crowd(40)], epoch, 8)
    expect(then).toEqual([])
    expect(slices).toBeGreaterThanOrEqual(10)
  })

  it('of another processor is passed over', () => {
    expect(sliced([...world(), ...crowd(40)], { ...epoch, processor: 'normalise' }, 8).slices).toBe(1)
  })
})

describe('time', () => {
  it('is told of every change as it was decided, with the tick as its cause', () => {
    const driver = given([...world(), policy({ dormantAfterDays: 20 }), service('s', [], { lastUsed: T0 })])
    expect(findings(driver.push(tick(T0 + 21 * DAY)))).toMatchObject([{ decided: T0 + 21 * DAY, since: T0 + 21 * DAY, causes: [at(8)], cause: at(9) }])
  })

  it('keeps one timer for each home, and none for one that is gone', () => {
    const driver = given([...world(600), policy({ dormantAfterDays: 20 }), service('s', [], { lastUsed: T0 }), service('s', [], { lastUsed: T0 + DAY })])
    expect(driver.table('due').size).toBe(1)
    driver.push({ type: 'AccountGone', home: 'account/billing/s', app: 'billing', account: 's', reason: 'deleted', to: null, observed: 0, sources: [], cause: at(0) })
    expect(driver.table('due').size).toBe(0)
  })
})

describe('the processor', () => {
  it('refuses what only the runtime may see', () => {
    const driver = given(world())
    expect(() => driver.push({ type: 'Part', id: 'x', part: 0, of: 1, bytes: new Uint8Array() })).toThrow('puts records together')
  })

  it('keys every output by its home', () => {
    const { outputs } = given([...world(), desired('ann', [entry('see')]), held('ann', 'a', ['pay'])])
    expect(outputs.length).toBeGreaterThan(2)
    expect(outputs.every(({ key, record }) => 'home' in record && key === record.home)).toBe(true)
    expect(outputs.every(({ topic }) => reconcile.outputs.includes(topic))).toBe(true)
  })
})
