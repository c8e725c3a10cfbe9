import { describe, expect, it } from 'vitest'
import type { Revocation } from '../../../schemas/wire/common.ts'
import type { Proposal } from '../../../schemas/wire/actions.ts'
import { findingId } from '../../../processors/reconcile/finding-id.ts'
import type { Output } from '../../support/processor-driver.ts'
import { accessNow, app, baselines, DAY, desired, entry, findings, given, gone, held, lag, lapse, openFindings, policy, reason, alone, sources, T0, tick, told, world } from './given.ts'

const revoke = (entitlement: string, at = T0): Revocation => ({ app: 'billing', entitlement, reason: reason('D-1', { kind: 'decision', by: 'eve', from: at }) })
const open = (outputs: readonly Output[]): string[] => [...openFindings(outputs).values()].map(({ kind, account, entitlement }) => [kind, account, entitlement].filter((part) => part !== null).join(' ')).sort()
const proposals = (outputs: readonly Output[]): Proposal[] => outputs.map(({ record }) => record).filter((one) => one.type === 'Proposal')

describe('what is said of one account of a person', () => {
  it('lets that account hold what was approved for it, and no other', () => {
    const driver = given([...world(), desired('ann', []), held('ann', 'a', ['pay'], { entries: [entry('pay')] }), held('ann', 'adm', ['pay'])])
    expect(open(driver.outputs)).toEqual(['unauthorised-grant adm pay'])
    expect(accessNow(driver.outputs)).toMatchObject({ 'identity/ann billing/a pay n-pay': 'matched', 'identity/ann billing/adm pay n-pay': 'unauthorised' })
  })

  it('takes from that account what a decision speaks against, and says who decided', () => {
    const driver = given([...world(), desired('ann', [entry('pay')]), held('ann', 'a', ['pay'], { revoked: [revoke('pay')] }), held('ann', 'adm', ['pay'])])
    expect(open(driver.outputs)).toEqual(['unauthorised-grant a pay'])
    expect([...openFindings(driver.outputs).values()].map(({ detail }) => detail)).toEqual(['Account a in billing holds pay, but decision D-1 by eve revoked it on 2026-03-01.'])
  })

  it('is not made up for on another account once it is gone there, and is no missing grant', () => {
    const driver = given([...world(), desired('ann', [entry('pay')]), held('ann', 'a', ['pay'], { revoked: [revoke('pay')] }), held('ann', 'adm', [])])
    driver.push(held('ann', 'a', [], { revoked: [revoke('pay')] }))
    expect(open(driver.outputs)).toEqual([])
    // an account that is out of use speaks for none that is not
    driver.push(held('ann', 'a', [], { revoked: [revoke('pay')], status: 'disabled' }))
    expect(open(driver.outputs)).toEqual(['missing-grant pay'])
    driver.push(held('ann', 'a', [], { revoked: [revoke('pay')], status: 'disabled' }), gone('identity/ann', 'adm'))
    expect(open(driver.outputs)).toEqual([])
  })

  it('ends only what began before the decision', () => {
    const later = entry('pay', { reasons: [reason('R-old'), reason('R-new', { from: T0 + DAY })] })
    const driver = given([...world(), tick(T0 + 2 * DAY), desired('ann', [later]), held('ann', 'a', ['pay'], { revoked: [revoke('pay')] })])
    expect(open(driver.outputs)).toEqual([])
  })

  it('is ended by a decision about the person', () => {
    const driver = given([...world(), desired('ann', []), held('ann', 'a', ['pay'], { entries: [entry('pay')] })])
    expect(open(driver.outputs)).toEqual([])
    driver.push(desired('ann', [], { revoked: [revoke('pay')] }))
    expect(open(driver.outputs)).toEqual(['unauthorised-grant a pay'])
  })

  it('waits for the person to begin, and ends with them', () => {
    const driver = given([...world(), desired('ann', [], { status: 'planned', start: T0 + DAY }), held('ann', 'a', ['pay'], { entries: [entry('pay')] })])
    expect(open(driver.outputs)).toEqual(['unauthorised-grant a pay'])
    driver.push(tick(T0 + DAY), desired('ann', [], { start: T0 + DAY }))
    expect(open(driver.outputs)).toEqual([])
    driver.push(tick(T0 + 2 * DAY), desired('ann', [], { status: 'ended', start: T0 + DAY, end: T0 + 2 * DAY }))
    expect(open(driver.outputs)).toEqual(['leaver-access a'])
  })

  it('is missed at that account, and corrected there', () => {
    const settled = { assign: { pay: 'role:payer' } }
    const driver = given([
      ...world(), app('billing', 0, { corrections: settled }), desired('ann', []), held('ann', 'a', ['pay']), held('ann', 'adm', [], { entries: [entry('pay')] }),
    ])
    expect(open(driver.outputs)).toEqual(['missing-grant adm pay', 'unauthorised-grant a pay'])
    expect(findings(driver.outputs).find(({ kind }) => kind === 'missing-grant')!.detail).toBe('Account adm in billing should hold pay by request REQ-pay since 2026-02-28, but does not.')
    expect(proposals(driver.outputs).filter(({ kind }) => kind === 'missing-grant').flatMap(({ operations }) => operations)).toMatchObject([{ name: 'grant', account: 'adm', ref: { kind: 'role', id: 'payer' } }])
    driver.push(held('ann', 'adm', ['pay'], { entries: [entry('pay')], observed: (T0 + 5_000) * 1_000 }))
    expect(open(driver.outputs)).toEqual(['unauthorised-grant a pay'])
  })

  it('is nothing where it is another application’s, though an account there has the same name', () => {
    const driver = given([
      tick(T0), app('billing', 0, { corrections: { assign: { pay: 'role:payer' } } }), app('payroll'), policy(), sources(['billing', 'payroll']), ...baselines(['billing', 'payroll']),
      desired('ann', []), held('ann', 'a', [], { app: 'payroll', entries: [entry('pay')], revoked: [revoke('see')] }), held('ann', 'a', []),
    ])
    expect([open(driver.outputs), proposals(driver.outputs)]).toEqual([[], []])
  })

  it('is not missed at an account that is out of use while another is in use', () => {
    const off = held('ann', 'old', [], { entries: [entry('pay')], status: 'disabled' })
    const driver = given([...world(), desired('ann', []), off, held('ann', 'a', [])])
    expect(open(driver.outputs)).toEqual([])
    driver.push(gone('identity/ann', 'a'))
    expect([...openFindings(driver.outputs).values()].map(({ detail }) => detail)).toEqual(['Account old in billing should hold pay by request REQ-pay since 2026-02-28, but is disabled.'])
  })

  it('is told once where the person should have it, too', () => {
    const driver = given([...world(), desired('ann', [entry('pay')]), held('ann', 'a', [], { entries: [entry('pay')] }), held('ann', 'adm', [])])
    expect(open(driver.outputs)).toEqual(['missing-grant a pay'])
  })

  it('goes with the account to whose it turns out to be: the finding there is the one that the last one names', () => {
    const driver = given([...world(), desired('ann', []), desired('bob', []), alone('a', [], { entries: [entry('pay')] })])
    expect(open(driver.outputs)).toContain('missing-grant pay')
    driver.push(gone('account/billing/a', 'a', { reason: 'moved', to: 'identity/ann' }), held('ann', 'a', [], { entries: [entry('pay')], movedFrom: 'account/billing/a' }))
    const closed = findings(driver.outputs).find(({ kind, change }) => kind === 'missing-grant' && change === 'closed')!
    expect(openFindings(driver.outputs).get(closed.successor!)).toMatchObject({ home: 'identity/ann', account: 'a', entitlement: 'pay' })
    driver.push(gone('identity/ann', 'a', { reason: 'moved', to: 'identity/bob' }), held('bob', 'a', [], { entries: [entry('pay')], movedFrom: 'identity/ann' }))
    expect([...openFindings(driver.outputs).keys()]).toEqual([findingId('identity/bob', { kind: 'missing-grant', app: 'billing', account: 'a', entitlement: 'pay', object: null })])
  })

  it('is measured until the application is seen to have done it', () => {
    const driver = given([...world(), desired('ann', [entry('pay')]), held('ann', 'a', ['pay'], { revoked: [revoke('pay', T0)] })])
    driver.push(held('ann', 'a', [], { revoked: [revoke('pay', T0)], observed: (T0 + 7_000) * 1_000 }))
    expect(lag(driver.outputs)).toMatchObject([{ direction: 'revoke', entitlement: 'pay', desired: T0, lagMs: 7_000 }])
    driver.push(held('ann', 'a', [], { entries: [entry('see', { from: T0 + 8_000 })], observed: (T0 + 8_000) * 1_000 }), tick(T0 + 8_000))
    driver.push(held('ann', 'a', ['see'], { entries: [entry('see', { from: T0 + 8_000 })], observed: (T0 + 9_000) * 1_000 }))
    expect(lag(driver.outputs).slice(1)).toMatchObject([{ direction: 'grant', entitlement: 'see', lagMs: 1_000 }])
  })

  describe('is measured at that account alone', () => {
    const seen = (days: number): { observed: number } => ({ observed: (T0 + days * DAY) * 1_000 })

    it('where another may keep what is revoked on it', () => {
      const driver = given([...world(), desired('ann', [entry('pay')]), held('ann', 'a', ['pay'], { revoked: [revoke('pay')] }), held('ann', 'adm', ['pay'])])
      driver.push(held('ann', 'a', [], { revoked: [revoke('pay')], ...seen(1) }))
      expect(lag(driver.outputs)).toMatchObject([{ direction: 'revoke', entitlement: 'pay', desired: T0, lagMs: DAY }])
      driver.push(held('ann', 'adm', [], seen(90)))
      expect(lag(driver.outputs)).toHaveLength(1)
    })

    it('where another gets what was approved for it', () => {
      const approved = { entries: [entry('pay', { from: T0 })] }
      const driver = given([...world(), desired('ann', []), held('ann', 'a', [], approved), held('ann', 'adm', [])])
      driver.push(held('ann', 'adm', ['pay'], seen(1)))
      expect(lag(driver.outputs)).toEqual([])
      driver.push(held('ann', 'a', ['pay'], { ...approved, ...seen(2) }))
      expect(lag(driver.outputs)).toMatchObject([{ direction: 'grant', entitlement: 'pay', desired: T0, lagMs: 2 * DAY }])
    })

    it('where another holds what lapsed on it', () => {
      const driver = given([...world(), desired('ann', []), held('ann', 'a', [], { lapsed: [lapse('pay')] }), held('ann', 'adm', ['pay'])])
      driver.push(held('ann', 'adm', [], seen(90)))
      expect(lag(driver.outputs)).toEqual([])
    })

    it('though something else begins to be said of it meanwhile, and of none that is given up', () => {
      const driver = given([...world(), desired('ann', [], { lapsed: [lapse('pay')] }), held('ann', 'a', ['pay'])])
      driver.push(held('ann', 'a', ['pay'], { entries: [entry('see')], ...seen(1) }))
      expect(lag(driver.outputs)).toEqual([])
      driver.push(held('ann', 'a', [], seen(2)))
      expect(lag(driver.outputs)).toMatchObject([{ direction: 'revoke', entitlement: 'pay', desired: T0, lagMs: 2 * DAY }])
    })
  })

  it('closes nothing that was told before it was known', () => {
    const driver = given([...world(), desired('ann', []), held('ann', 'a', ['pay'])])
    driver.push(held('ann', 'a', ['pay'], { entries: [entry('pay')] }))
    expect(told(driver.outputs)).toEqual(['opened unauthorised-grant a/pay', 'closed unauthorised-grant a/pay'])
  })
})
