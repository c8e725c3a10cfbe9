import { describe, expect, it } from 'vitest'
import { access, alone, at, baselines, desired, entry, given, gone, grant, held, mark, setting, settings, T0, tick, world } from './given.ts'

describe('access', () => {
  it('is published of an account as it first appears, and as it changes: only what changed, by entitlement', () => {
    const driver = given([...world(), held('ann', 'a', ['see', 'pay'], { valid: T0 - 3, observed: T0 * 1_000 + 2_999 }), desired('ann', [])])
    expect(access(driver.outputs)).toEqual([{
      type: 'AccessChange', home: 'identity/ann', identity: 'ann', app: 'billing', account: 'a', kind: 'human', status: 'active', gone: false,
      set: ['pay', 'see'].map((entitlement) => ({ entitlement, native: `n-${entitlement}`, verdict: 'unauthorised', direct: true, since: T0, valid: null, paths: [[]] })),
      removed: [], valid: T0 - 3, observed: T0 + 2, decided: T0, cause: at(7),
    }])
    expect(access(driver.push(held('ann', 'a', ['pay', 'run'])))).toMatchObject([{ set: [{ entitlement: 'run' }], removed: ['see'] }])
    expect(access(driver.push(desired('ann', [entry('pay')])))).toMatchObject([{ set: [{ entitlement: 'pay', verdict: 'matched' }], removed: [] }])
    expect(access(driver.push(held('ann', 'a', [])))).toMatchObject([{ set: [], removed: ['pay', 'run'] }])
  })

  it('sets all grants of a name where one of them changed or went', () => {
    const two = [grant('pay', { native: 'p1' }), grant('pay', { native: 'p2' })]
    const driver = given([...world(), held('ann', 'a', two)])
    expect(access(driver.push(held('ann', 'a', two.slice(1))))).toMatchObject([{ set: [{ native: 'p2' }], removed: [] }])
    expect(access(driver.push(held('ann', 'a', two.toReversed())))).toMatchObject([{ set: [{ native: 'p1' }, { native: 'p2' }], removed: [] }])
    expect(access(driver.push(held('ann', 'a', two)))).toEqual([])
  })

  it('is published of an account without grants, and when its status changes', () => {
    const driver = given([...world(), alone('a', [])])
    expect(access(driver.outputs)).toMatchObject([{ home: 'account/billing/a', identity: null, status: 'active', set: [], removed: [] }])
    expect(access(driver.push(alone('a', [], { status: 'disabled' })))).toMatchObject([{ status: 'disabled', set: [], removed: [] }])
  })

  it('ends with the account, once', () => {
    const driver = given([...world(), held('ann', 'a', ['pay'])])
    expect(access(driver.push(gone('identity/ann', 'a', { observed: T0 * 1_000 + 7_000 })))).toMatchObject([{ gone: true, observed: T0 + 7, set: [], removed: [] }])
    expect(driver.push(gone('identity/ann', 'a'))).toEqual([])
    expect(access(driver.push(held('ann', 'a', ['pay'])))).toMatchObject([{ gone: false, set: [{ entitlement: 'pay' }] }])
  })
})

describe('what is unchanged', () => {
  it('emits nothing: not a fact, a mark, a setting, a tick, nor a newer sight of the same account', () => {
    const facts = [desired('ann', [entry('pay')]), held('ann', 'a', ['pay', 'see']), alone('o', ['x'])]
    const driver = given([...world(), ...facts])
    expect(driver.push(...facts, held('ann', 'a', ['pay', 'see'], { observed: T0 * 1_000 + 99_000, lastUsed: T0 }))).toEqual([])
    expect(driver.push(...baselines(), mark('observed', 'billing', { at: T0 + 9 }), tick(T0 + 60_000))).toEqual([])
    expect(driver.push(...settings(), setting('app/other', {}))).toEqual([])
  })

  it('writes no state where a mark or a tick says nothing new', () => {
    const driver = given([...world(600), desired('ann', [entry('pay')]), held('ann', 'a', ['pay', 'see'])])
    const before = driver.dump()
    driver.push(...baselines(), mark('observed', 'billing', { at: T0 + 9 }), mark('observed', 'billing', { class: 'grants' }), tick(T0 + 60_000))
    expect(driver.dump()).toBe(before)
  })
})
