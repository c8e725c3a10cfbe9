import { describe, expect, it } from 'vitest'
import { app, at, baselines, DAY, desired, entry, given, gone, held, lag, lapse, mark, MINUTE, service, settings, sources, T0, tick, world } from './given.ts'

const seen = (ms: number) => ({ observed: ms * 1_000 + 500 })

describe('lag of a grant', () => {
  it('is one sample when what was desired is seen, from the desire to the observation', () => {
    const driver = given([...world(3_600), held('ann', 'a', []), tick(T0 + MINUTE), desired('ann', [entry('pay', { from: T0 + MINUTE })])])
    const then = driver.push(tick(T0 + 5 * MINUTE), held('ann', 'a', ['pay'], seen(T0 + 4 * MINUTE)))
    expect(lag(then)).toEqual([{
      type: 'LagSample', home: 'identity/ann', app: 'billing', entitlement: 'pay', direction: 'grant', desired: T0 + MINUTE,
      observed: T0 + 4 * MINUTE, lagMs: 3 * MINUTE, decided: T0 + 5 * MINUTE, cause: at(11),
    }])
    expect(lag(driver.push(held('ann', 'a', ['pay', 'see'])))).toEqual([])
  })

  it('counts from the baseline where the desire is older', () => {
    const driver = given([...settings(3_600), desired('ann', [entry('pay', { from: 0 })]), ...baselines()])
    expect(lag(driver.push(held('ann', 'a', ['pay'], seen(T0 + 7))))).toMatchObject([{ desired: T0, observed: T0 + 7, lagMs: 7 }])
  })

  it('is never negative', () => {
    const driver = given([...world(3_600), desired('ann', [entry('pay', { from: T0 })])])
    expect(lag(driver.push(held('ann', 'a', ['pay'], seen(T0 - 9))))).toMatchObject([{ lagMs: 0 }])
  })

  it('has no sample of what was there at first sight, whichever came first', () => {
    const facts = [desired('ann', [entry('pay')]), held('ann', 'a', ['pay'])]
    expect(lag(given([...settings(), ...facts, ...baselines()]).outputs)).toEqual([])
    expect(lag(given([...settings(), ...facts.toReversed(), ...baselines()]).outputs)).toEqual([])
    expect(lag(given([...world(), ...facts.toReversed()]).outputs)).toEqual([])
  })

  it('has no sample of a desire that is given up, or that is seen on a disabled account', () => {
    const driver = given([...world(3_600), desired('ann', [entry('pay')])])
    expect(lag(driver.push(held('ann', 'a', ['pay'], { status: 'disabled' }), desired('ann', [], { lapsed: [lapse('pay')] })))).toEqual([])
  })

  it('has no sample where the desire goes as the grant comes, in one fact', () => {
    const driver = given([...world(3_600), service('s', [], { entries: [entry('pay', { from: T0 })] })])
    expect(lag(driver.push(service('s', ['pay'])))).toEqual([])
  })

  it('has no sample where another app is seen', () => {
    const driver = given([...world(3_600), app('payroll'), sources(['billing', 'payroll']), mark('observed', 'payroll'), desired('ann', [entry('pay')])])
    expect(lag(driver.push(held('ann', 'a', ['pay'], { app: 'payroll' })))).toEqual([])
  })

  it('counts for service accounts by their own entries', () => {
    const driver = given([...world(3_600), service('s', [], { entries: [entry('pay', { from: T0 })] })])
    expect(lag(driver.push(service('s', ['pay'], { entries: [entry('pay', { from: T0 })], ...seen(T0 + 5) })))).toMatchObject([{ home: 'account/billing/s', lagMs: 5 }])
  })
})

describe('lag of a revocation', () => {
  const start = [...world(3_600), held('ann', 'a', ['pay']), desired('ann', [entry('pay')]), tick(T0 + DAY), desired('ann', [], { lapsed: [lapse('pay', { at: T0 + DAY })] })]

  it.each([
    ['the grant is gone', held('ann', 'a', [], seen(T0 + DAY + 9))],
    ['the account is disabled', held('ann', 'a', ['pay'], { status: 'disabled', ...seen(T0 + DAY + 9) })],
    ['the account is deleted', gone('identity/ann', 'a', seen(T0 + DAY + 9))],
  ])('is one sample when %s', (_how, record) => {
    const driver = given(start)
    expect(lag(driver.outputs)).toEqual([])
    expect(lag(driver.push(record))).toMatchObject([{ direction: 'revoke', desired: T0 + DAY, observed: T0 + DAY + 9, lagMs: 9 }])
    expect(lag(driver.push(record))).toEqual([])
  })

  it('has no sample where the account moved or its app retired, or the grant is desired again', () => {
    expect(lag(given(start).push(gone('identity/ann', 'a', { reason: 'moved', to: 'identity/bob' })))).toEqual([])
    expect(lag(given(start).push(gone('identity/ann', 'a', { reason: 'retired' })))).toEqual([])
    expect(lag(given(start).push(desired('ann', [entry('pay')]), held('ann', 'a', [])))).toEqual([])
  })

  it('waits for the last account that holds it', () => {
    const driver = given([...start, held('ann', 'b', ['pay'])])
    expect(lag(driver.push(held('ann', 'a', [])))).toEqual([])
    expect(lag(driver.push(held('ann', 'b', [])))).toHaveLength(1)
  })
})
