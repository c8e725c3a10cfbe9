import { describe, expect, it } from 'vitest'
import { access, alone, app, baselines, desired, entry, given, grant, held, lapse, MINUTE, openFindings, policy, service, settings, sources, T0, tick, told, verdicts, world } from './given.ts'

describe('verdicts of grants', () => {
  it('is matched where it is desired and held directly, matched-indirectly where only through something else', () => {
    const { outputs } = given([
      ...world(),
      held('ann', 'a', ['pay', grant('see', { direct: false, paths: [['role:clerk']] })]),
      desired('ann', [entry('pay'), entry('see')]),
    ])
    expect(verdicts(outputs)).toEqual({ pay: 'matched', see: 'matched-indirectly' })
    expect(openFindings(outputs).size).toBe(0)
  })

  it('is matched for every native permission behind a name if one of them is direct', () => {
    const { outputs } = given([
      ...world(),
      desired('ann', [entry('pay')]),
      held('ann', 'a', [grant('pay', { native: 'p1', direct: false, paths: [['group:g']] }), grant('pay', { native: 'p2' })]),
    ])
    expect(access(outputs)[0]!.set.map(({ native, verdict }) => [native, verdict])).toEqual([['p1', 'matched'], ['p2', 'matched']])
  })

  it('is unauthorised where nothing desires it, with one finding however many native permissions it has', () => {
    const { outputs } = given([...world(), desired('ann', []), held('ann', 'a', [grant('pay', { native: 'p1' }), grant('pay', { native: 'p2' })])])
    expect(access(outputs)[0]!.set.map(({ verdict }) => verdict)).toEqual(['unauthorised', 'unauthorised'])
    expect(told(outputs)).toEqual(['opened unauthorised-grant a/pay'])
  })

  it('is undecided where the catalogue has no name for it', () => {
    const { outputs } = given([...world(), desired('ann', []), held('ann', 'a', [grant('X9', { native: 'X9', mapped: false })])])
    expect(verdicts(outputs)).toEqual({ X9: 'undecided' })
  })

  it('is never satisfied by an entry that happens to have the native name of an unmapped grant', () => {
    const { outputs } = given([...world(), desired('ann', [entry('X9')]), held('ann', 'a', [grant('X9', { native: 'X9', mapped: false })])])
    expect(verdicts(outputs)).toEqual({ X9: 'undecided' })
    expect(told(outputs).sort()).toEqual(['opened missing-grant X9', 'opened unmapped-entitlement a/X9'])
  })

  it('is undecided before the baselines of desire and keys, matched at once', () => {
    const { outputs } = given([...settings(), desired('ann', [entry('see')]), held('ann', 'a', ['pay', 'see'])])
    expect(verdicts(outputs)).toEqual({ pay: 'undecided', see: 'matched' })
    expect(told(outputs)).toEqual([])
  })

  it('is pending for the allowed delay after a lapse, then unauthorised, by ticks alone', () => {
    const driver = given([...world(600), desired('ann', [], { lapsed: [lapse('pay')] }), held('ann', 'a', ['pay'])])
    expect(verdicts(driver.outputs)).toEqual({ pay: 'pending' })
    expect(driver.push(tick(T0 + 10 * MINUTE - 1))).toEqual([])
    const then = driver.push(tick(T0 + 10 * MINUTE))
    expect(verdicts(then)).toEqual({ pay: 'unauthorised' })
    expect(told(then)).toEqual(['opened unauthorised-grant a/pay'])
  })

  it('is judged by the delay of its own application', () => {
    const records = [
      ...settings(600), app('payroll', 0), sources(['billing', 'payroll']), ...baselines(['billing', 'payroll']),
      desired('ann', [], { lapsed: [lapse('pay'), lapse('run', { app: 'payroll' })] }),
    ]
    const { outputs } = given([...records, held('ann', 'a', ['pay']), held('ann', 'a', ['run'], { app: 'payroll' })])
    expect(verdicts(outputs)).toEqual({ pay: 'pending', run: 'unauthorised' })
  })

  it('is undecided, and nothing is found, for an application without a setting; the setting decides', () => {
    const strange = held('ann', 'a', ['pay'], { app: 'payroll' })
    const driver = given([...world(), sources(['billing', 'payroll']), ...baselines(['payroll']), desired('ann', []), strange])
    expect(verdicts(driver.outputs)).toEqual({ pay: 'undecided' })
    expect(told(driver.outputs)).toEqual([])
    const then = driver.push(app('payroll'))
    expect(verdicts(then)).toEqual({ pay: 'unauthorised' })
    expect(told(then)).toEqual(['opened unauthorised-grant a/pay'])
  })

  it('shows the verdict of a disabled account without a finding for it', () => {
    const { outputs } = given([
      ...world(),
      held('ann', 'a', ['pay', 'see', grant('X', { mapped: false })], { status: 'disabled' }),
      desired('ann', [entry('see')]),
    ])
    expect(verdicts(outputs)).toEqual({ pay: 'unauthorised', see: 'matched', X: 'undecided' })
    expect(told(outputs)).toEqual(['opened missing-grant see'])
  })

  it('is unauthorised for whoever ended, whatever the name of the grant', () => {
    const ended = desired('ann', [], { status: 'ended', end: T0, lapsed: [lapse('pay', { why: 'ended' })] })
    const { outputs } = given([...world(), ended, held('ann', 'a', ['pay', 'see', grant('X', { mapped: false })])])
    expect(verdicts(outputs)).toEqual({ pay: 'unauthorised', see: 'unauthorised', X: 'unauthorised' })
  })

  it('stays pending for whoever ended until the account itself is leaver access, though the access lapsed earlier', () => {
    const ended = desired('ann', [], { status: 'ended', end: T0, lapsed: [lapse('pay', { why: 'ended', at: T0 - 5 * MINUTE })] })
    const driver = given([...world(60), tick(T0 + 1), held('ann', 'a', ['pay']), ended])
    expect(verdicts(driver.outputs)).toEqual({ pay: 'pending' })
    expect(told(driver.push(tick(T0 + MINUTE)))).toEqual(['opened leaver-access a'])
  })

  it('judges an owned service account by its own entries', () => {
    const { outputs } = given([
      ...world(600),
      service('svc', ['pay', 'see', 'run'], { entries: [entry('pay')], lapsed: [lapse('run')] }),
    ])
    expect(verdicts(outputs)).toEqual({ pay: 'matched', see: 'unauthorised', run: 'pending' })
    expect(told(outputs)).toEqual(['opened unauthorised-grant svc/see'])
  })

  it('does not judge the grants of a contested account at its own home', () => {
    const { outputs } = given([...world(), alone('a', ['pay'], { match: 'contested', candidates: ['ann', 'bob'] })])
    expect(verdicts(outputs)).toEqual({ pay: 'undecided' })
    expect(told(outputs)).toEqual(['opened ambiguous-match a'])
  })

  it('says nothing of policy before a policy arrives', () => {
    const driver = given([tick(T0), app('billing'), sources(), ...baselines(), alone('a', [], { lastUsed: 0, match: 'contested' })])
    expect(told(driver.outputs)).toEqual(['opened ambiguous-match a'])
    expect(told(driver.push(policy({ dormantAfterDays: 1 })))).toEqual(['opened dormant-account a'])
  })
})
