import { describe, expect, it } from 'vitest'
import { absences, alone, desired, given, letters, settings, T0, told, world } from './given.ts'

describe('what can not be believed', () => {
  it.each([
    [alone('a', [], { home: 'source/billing' }), 'billing'],
    [desired('ann', [], { home: 'account/billing/a' }), 'intent'],
    [absences(1, { home: 'identity/ann' }), 'billing'],
    [alone('a', [], { home: 'identity/' }), 'billing'],
  ])('goes to the dead letters where a fact stands at a home of another kind', (record, source) => {
    const driver = given(world())
    const before = driver.dump()
    const then = driver.push(record)
    expect(then).toMatchObject([{ topic: 'dead-letters', key: source }])
    expect(letters(then)).toMatchObject([{ source, stage: 'reconcile', code: 'fact-home', place: 'facts/0 offset 7 record 0', payload: '', at: T0, cause: { offset: 7 } }])
    expect(driver.dump()).toBe(before)
  })

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['another shape', '{"allowedDelaySeconds":-1}', 'allowedDelaySeconds: '],
  ])('goes to the dead letters where a setting is %s; the one before stays in force', (_what, value, why) => {
    const driver = given([...settings(), alone('a', ['pay'])])
    const then = driver.push({ type: 'Setting', name: 'app/billing', revision: 1_000_000, digest: '', value })
    expect(letters(then)).toMatchObject([{ source: 'app/billing', code: 'setting', reason: expect.stringContaining(why) as string }])
    expect(told(driver.push(...world()))).toEqual(['opened orphaned-account a'])
  })

  it('passes over settings of other processors', () => {
    const driver = given(settings())
    const before = driver.dump()
    expect(driver.push({ type: 'Setting', name: 'notifications', revision: 1, digest: '', value: 'x' })).toEqual([])
    expect(driver.dump()).toBe(before)
  })
})
