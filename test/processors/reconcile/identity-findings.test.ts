import { describe, expect, it } from 'vitest'
import {
  absences, app, at, baselines, DAY, desired, entry, findings, given, gone, grant, held, lapse, mark, MINUTE, policy, reason, reference,
  service, settings, sources, T0, tick, told, world,
} from './given.ts'

describe('missing-grant', () => {
  it('is pending for the allowed delay from the desire, then missing by a tick, and closes when it is held', () => {
    const driver = given([...world(600), held('ann', 'a', []), tick(T0 + MINUTE)])
    expect(told(driver.push(desired('ann', [entry('pay', { from: T0 + MINUTE })])))).toEqual([])
    expect(told(driver.push(tick(T0 + 11 * MINUTE - 1)))).toEqual([])
    const then = findings(driver.push(tick(T0 + 11 * MINUTE)))
    expect(then).toMatchObject([{
      kind: 'missing-grant', change: 'opened', severity: 'medium', identity: 'ann', app: 'billing', account: null, entitlement: 'pay',
      valid: T0 + MINUTE, observed: null, causes: [at(9)],
      detail: 'Identity ann should hold pay in billing by request REQ-pay since 2026-03-01, but no active account there does.',
    }])
    expect(told(driver.push(held('ann', 'a', ['pay'])))).toEqual(['closed missing-grant pay'])
    expect(findings(driver.push(held('ann', 'a', [])))).toMatchObject([{ change: 'reopened', since: T0 + 11 * MINUTE }])
    expect(told(driver.push(desired('ann', [])))).toEqual(['closed missing-grant pay'])
  })

  it('counts the delay from the baseline where the desire is older', () => {
    const driver = given([...settings(600), desired('ann', [entry('pay', { from: 0 })]), ...baselines()])
    expect(told(driver.push(tick(T0 + 10 * MINUTE - 1)))).toEqual([])
    expect(told(driver.push(tick(T0 + 10 * MINUTE)))).toEqual(['opened missing-grant pay'])
  })

  it('waits for desire, keys and the app, in any order', () => {
    for (const last of ['desired', 'keys', 'observed'] as const) {
      const marks = baselines()
      const driver = given([...settings(), desired('ann', [entry('pay')]), ...marks.filter(({ stage }) => stage !== last)])
      expect(told(driver.outputs)).toEqual([])
      expect(told(driver.push(...marks.filter(({ stage }) => stage === last)))).toEqual(['opened missing-grant pay'])
    }
  })

  it('is not satisfied by a disabled account, which it names, nor by a service account', () => {
    const { outputs } = given([...world(), held('ann', 'a', ['pay'], { status: 'disabled' }), service('s', ['pay'], { entries: [entry('pay')] }), desired('ann', [entry('pay')])])
    expect(findings(outputs).map(({ detail }) => detail)).toEqual([
      'Identity ann should hold pay in billing by request REQ-pay since 2026-02-28, but the account there (a) is disabled.',
    ])
  })

  it('is not claimed of an account that was not read whole', () => {
    const driver = given([...world(), held('ann', 'a', [], { whole: false, unknown: ['role:x'] }), desired('ann', [entry('pay')])])
    expect(told(driver.outputs)).toEqual([])
    expect(told(driver.push(held('ann', 'a', [])))).toEqual(['opened missing-grant pay'])
    expect(told(driver.push(held('ann', 'a', [], { whole: false })))).toEqual([])
  })

  it('is not claimed of an app that is retired', () => {
    const driver = given([...world(), desired('ann', [entry('pay')])])
    expect(told(driver.push(app('billing', 0, { state: 'retired' })))).toEqual(['closed missing-grant pay'])
  })

  it('waits for a new baseline where a retired app comes back', () => {
    const driver = given([...world(), app('billing', 0, { state: 'retired' }), app('billing'), desired('ann', [entry('pay')])])
    expect(told(driver.outputs)).toEqual([])
    expect(told(driver.push(mark('observed', 'billing')))).toEqual(['opened missing-grant pay'])
  })

  it('stands still when a ruling retires the app, and waits for a new baseline', () => {
    const ruling = { type: 'Ruling', source: 'billing', kind: 'retire', run: null, by: 'eve', reason: 'sold', at: T0 } as const
    const driver = given([...world(), desired('ann', [entry('pay')]), ruling])
    expect(told(driver.push(desired('bob', [entry('pay')])))).toEqual([])
    expect(told(driver.push(mark('observed', 'billing')))).toEqual(['opened missing-grant pay'])
  })

  it('is opened at a service account for what was approved for it', () => {
    const { outputs } = given([...world(), service('s', [], { entries: [entry('pay')] })])
    expect(findings(outputs)).toMatchObject([
      { kind: 'missing-grant', home: 'account/billing/s', detail: 'Account s in billing should hold pay in billing by request REQ-pay since 2026-02-28, but no active account there does.' },
    ])
  })

  it('names the earliest of the reasons', () => {
    const reasons = [reason('B', { kind: 'business-role', from: T0 - 5 }), reason('Z', { from: T0 - 9 })]
    const { outputs } = given([...world(), desired('ann', [entry('pay', { reasons })])])
    expect(findings(outputs)[0]!.detail).toContain('by request Z since')
  })
})

describe('sod-conflict', () => {
  const rule = { id: 'R1', name: 'enter and pay', left: [{ app: 'billing', entitlement: 'enter' }], right: [{ app: 'payroll', entitlement: 'pay' }, { app: 'billing', entitlement: 'pay' }] }
  const both = [tick(T0), app('billing'), app('payroll'), policy({ sod: [rule] }), sources(['billing', 'payroll']), ...baselines(['billing', 'payroll'])]
  const wish = desired('ann', [entry('enter'), entry('pay', { app: 'payroll' })])

  it('opens for two apps together, changes with what is held, closes when one side goes', () => {
    const driver = given([...both, held('ann', 'a', ['enter']), held('ann', 'p', ['pay'], { app: 'payroll' }), wish])
    const conflicts = () => findings(driver.outputs).filter(({ kind }) => kind === 'sod-conflict')
    expect(conflicts()).toMatchObject([{
      change: 'opened', severity: 'high', app: null, account: null, entitlement: null, object: 'R1',
      detail: 'Identity ann holds enter in billing and pay in payroll, which rule R1 (enter and pay) forbids together.',
    }])
    driver.push(held('ann', 'a', ['enter', 'pay']))
    expect(conflicts().at(-1)).toMatchObject({ change: 'changed', detail: expect.stringContaining('and pay in billing, pay in payroll,') as string })
    driver.push(held('ann', 'a', ['enter']), held('ann', 'p', ['pay'], { app: 'payroll', status: 'disabled' }))
    expect(conflicts().at(-1)).toMatchObject({ change: 'closed', closedAs: 'resolved' })
  })

  it('does not join accounts of different homes, and judges a service account by itself', () => {
    const driver = given([...both, service('s', ['enter']), service('t', ['pay'])])
    expect(told(driver.outputs).filter((text) => text.includes('sod'))).toEqual([])
    expect(told(driver.push(service('s', ['enter', 'pay']))).filter((text) => text.includes('sod'))).toEqual(['opened sod-conflict R1'])
  })

  it('waits for the key book: until then an account may turn out to be somebody else’s', () => {
    const keys = mark('keys', 'hr')
    const driver = given([...both.filter((one) => one.type !== 'Baseline' || one.stage !== 'keys'), service('s', ['enter', 'pay'])])
    expect(told(driver.outputs).filter((text) => text.includes('sod'))).toEqual([])
    expect(told(driver.push(keys)).filter((text) => text.includes('sod'))).toEqual(['opened sod-conflict R1'])
  })

  it('is not fooled by an unmapped grant of the same name', () => {
    const { outputs } = given([...both, held('ann', 'a', ['enter', grant('pay', { mapped: false })])])
    expect(told(outputs).filter((text) => text.includes('sod'))).toEqual([])
  })

  it('does not judge an app without a setting', () => {
    const conflicts = (driver: ReturnType<typeof given>) => told(driver.outputs).filter((text) => text.includes('sod'))
    const driver = given([...both.filter((_, i) => i !== 2), held('ann', 'a', ['enter']), held('ann', 'p', ['pay'], { app: 'payroll' })])
    expect(conflicts(driver)).toEqual([])
    driver.push(app('payroll'))
    expect(conflicts(driver)).toEqual(['opened sod-conflict R1'])
  })

  it('closes when policy drops the rule', () => {
    const driver = given([...both, service('s', ['enter', 'pay'])])
    expect(told(driver.push(policy()))).toEqual(['closed sod-conflict R1'])
  })
})

describe('owner-left', () => {
  it('opens at the identity that ended, and closes when another one is accountable', () => {
    const driver = given([...world(), desired('bob', []), reference('bob', 's'), reference('bob', 't', { kind: 'token' })])
    expect(told(driver.outputs)).toEqual([])
    const then = driver.push(desired('bob', [], { status: 'ended', end: T0 - DAY, lapsed: [lapse('pay', { why: 'ended' })] }))
    expect(findings(then)).toMatchObject([
      { kind: 'owner-left', severity: 'high', account: 's', detail: 'Service account s in billing is owned by identity bob, who ended on 2026-02-28.', causes: [at(8), at(10)] },
      { kind: 'owner-left', account: 't', detail: 'Token t in billing is owned by identity bob, who ended on 2026-02-28.' },
    ])
    expect(told(driver.push(reference('bob', 's', { removed: true })))).toEqual(['closed owner-left s'])
    expect(told(driver.push(desired('bob', [])))).toEqual(['closed owner-left t'])
  })

  it('opens for an owner whom no source has told of, once all have, and closes when one does', () => {
    const driver = given([...settings(), reference('b/ob', 's'), mark('keys', 'hr')])
    expect(told(driver.outputs)).toEqual([])
    expect(findings(driver.push(mark('desired', 'hr')))).toMatchObject([
      { kind: 'owner-left', identity: 'b/ob', account: 's', detail: 'Service account s in billing is owned by b/ob, whom no source has told of.' },
    ])
    expect(told(driver.push(desired('b/ob', [])))).toEqual(['closed owner-left s'])
  })
})

describe('held-absences', () => {
  it('opens for what a brake holds, changes with the numbers, closes when it is released, and leaves nothing behind', () => {
    const driver = given([...world(), absences(4)])
    expect(findings(driver.outputs)).toMatchObject([{
      kind: 'held-absences', severity: 'medium', home: 'source/billing', identity: null, app: 'billing', account: null, object: 'accounts/2',
      detail: 'Run 4 of billing no longer shows 300 of 1000 accounts in partition 2: held until a person releases them '
        + '(grantline rule billing --kind release --run 4 --by NAME --reason TEXT) or a run shows them.',
      causes: [at(7)],
    }])
    expect(told(driver.push(absences(5, { absent: 301 }), absences(5, { writer: 3 })))).toEqual(['changed held-absences accounts/2', 'opened held-absences accounts/3'])
    expect(told(driver.push(absences(5, { held: false }), absences(5, { writer: 3, held: false })))).toEqual(['closed held-absences accounts/2', 'closed held-absences accounts/3'])
    expect(driver.table('homes').size).toBe(0)
  })

  it('says where a run shows none at all', () => {
    const driver = given([...world(), absences(4, { absent: 2, present: 2 })])
    expect(findings(driver.outputs)).toMatchObject([{ detail: expect.stringContaining('Run 4 of billing shows none of the 2 accounts in partition 2: held') as string }])
  })
})

describe('an account that goes', () => {
  it('closes its findings as gone and leaves those of the identity', () => {
    const driver = given([...world(), desired('ann', [entry('see')]), held('ann', 'a', ['pay'])])
    expect(told(driver.push(gone('identity/ann', 'a')))).toEqual(['closed as gone unauthorised-grant a/pay'])
    expect(told(driver.push(gone('identity/ann', 'a')))).toEqual([])
  })
})
