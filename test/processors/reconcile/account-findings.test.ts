import { describe, expect, it } from 'vitest'
import type { AccountFact } from '../../../schemas/wire/facts.ts'
import {
  alone, at, baselines, DAY, desired, entry, findings, given, gone, grant, held, lapse, mark, policy, reason, service, settings, T0, tick,
  told, world,
} from './given.ts'

const credential = (more: object): AccountFact['credentials'][number] => ({
  id: 'k1', kind: 'api-key', created: null, lastUsed: null, expires: null, ...more,
})

describe('grants that should not be', () => {
  it('opens unauthorised-grant, closes it when it is desired, and reopens it with its first since', () => {
    const driver = given([...world(), desired('ann', []), tick(T0 + 5)])
    const [opened] = findings(driver.push(held('ann', 'a', [grant('pay', { valid: T0 - 9 })], { observed: T0 * 1_000 + 1_999 })))
    expect(opened).toMatchObject({
      kind: 'unauthorised-grant', severity: 'high', change: 'opened', home: 'identity/ann', identity: 'ann', app: 'billing', account: 'a',
      entitlement: 'pay', object: null, since: T0 + 5, opened: T0 + 5, decided: T0 + 5, valid: T0 - 9, observed: T0 + 1,
      closedAs: null, successor: null, detail: 'Account a in billing holds pay, which nothing that was approved or assigned explains.',
    })
    const [closed] = findings(driver.push(tick(T0 + 10), desired('ann', [entry('pay')])))
    expect(closed).toMatchObject({ id: opened!.id, change: 'closed', closedAs: 'resolved', since: T0 + 5, opened: T0 + 5, decided: T0 + 10 })
    const [again] = findings(driver.push(tick(T0 + 20), desired('ann', [])))
    expect(again).toMatchObject({ id: opened!.id, change: 'reopened', closedAs: null, since: T0 + 5, opened: T0 + 20, decided: T0 + 20 })
    expect(driver.table('closed').size).toBe(0)
  })

  it('names the facts that led to it and the record in hand', () => {
    const driver = given([...world(), desired('ann', [])])
    const [opened] = findings(driver.push(held('ann', 'a', ['pay'])))
    expect(opened).toMatchObject({ causes: [at(8), at(7)], cause: at(8) })
    const [changed] = findings(driver.push(desired('ann', [], { lapsed: [lapse('pay')] })))
    expect(changed).toMatchObject({ change: 'changed', causes: [at(8), at(9)], cause: at(9) })
    const [closed] = findings(driver.push(held('ann', 'a', [])))
    expect(closed).toMatchObject({ change: 'closed', causes: [at(10), at(9)], cause: at(10) })
  })

  it.each([
    ['expired-grant', lapse('pay', { why: 'expired', reason: reason('REQ-7') }), 'but request REQ-7 expired on 2026-03-01.'],
    ['unauthorised-grant', lapse('pay'), 'but business role clerk no longer gives it since 2026-03-01.'],
    ['unauthorised-grant', lapse('pay', { why: 'denied', reason: reason('D-1', { kind: 'decision', by: 'eve' }) }), 'but decision D-1 by eve revoked it on 2026-03-01.'],
    ['unauthorised-grant', lapse('pay', { why: 'denied', reason: reason('REQ-7') }), 'but request REQ-7 was revoked on 2026-03-01.'],
    ['unauthorised-grant', lapse('pay', { why: 'ended', reason: reason('REQ-7') }), 'but the identity that had it by request REQ-7 ended on 2026-03-01.'],
  ])('opens %s for what lapsed, and says why', (kind, lapsed, why) => {
    const { outputs } = given([...world(), desired('ann', [], { lapsed: [lapsed] }), held('ann', 'a', ['pay'])])
    expect(findings(outputs)).toMatchObject([{ kind, severity: 'high', detail: `Account a in billing holds pay, ${why}` }])
  })

  it('turns an unauthorised grant into an expired one when it had been desired meanwhile', () => {
    const driver = given([...world(), desired('ann', []), held('ann', 'a', ['pay']), desired('ann', [entry('pay')])])
    expect(told(driver.push(desired('ann', [], { lapsed: [lapse('pay', { why: 'expired' })] })))).toEqual(['opened expired-grant a/pay'])
  })

  it('opens unmapped-entitlement by its native name, and closes it when the catalogue names it', () => {
    const driver = given([...world(), desired('ann', [entry('pay')]), held('ann', 'a', [grant('N1', { native: 'N1', mapped: false })])])
    expect(findings(driver.outputs).at(-1)).toMatchObject({
      kind: 'unmapped-entitlement', severity: 'medium', entitlement: 'N1',
      detail: 'Account a in billing holds N1, which the catalogue of billing does not name.',
    })
    expect(told(driver.push(held('ann', 'a', [grant('pay', { native: 'N1' })])))).toEqual([
      'closed missing-grant pay', 'closed unmapped-entitlement a/N1',
    ])
  })
})

describe('leavers', () => {
  const ended = (end: number | null) => desired('ann', [], { status: 'ended', end, lapsed: end === null ? [] : [lapse('pay', { why: 'ended', at: end })] })

  it('opens one critical leaver-access for each active account, after the allowed delay, in place of findings for each grant', () => {
    const driver = given([...world(60), desired('ann', [entry('pay')]), held('ann', 'a', ['pay', 'see']), held('ann', 'b', []), held('ann', 'c', [], { status: 'disabled' })])
    expect(told(driver.push(tick(T0 + 10_000), ended(T0)))).toEqual([])
    const then = driver.push(tick(T0 + 60_000))
    expect(told(then)).toEqual(['closed unauthorised-grant a/see', 'opened leaver-access a', 'opened leaver-access b'])
    expect(findings(then)[1]).toMatchObject({ severity: 'critical', detail: 'Account a in billing is active, but its identity ann ended on 2026-03-01.', valid: T0 })
    expect(told(driver.push(held('ann', 'a', ['pay'], { status: 'disabled' })))).toEqual(['closed leaver-access a'])
    expect(told(driver.push(held('ann', 'a', ['pay'])))).toEqual(['reopened leaver-access a'])
  })

  it('rests on the end and on whose account it is: it waits for the key book, and for nothing else', () => {
    const driver = given([...settings(), ended(T0), held('ann', 'a', ['pay'])])
    expect(told(driver.outputs)).toEqual([])
    expect(told(driver.push(mark('keys', 'hr')))).toEqual(['opened leaver-access a'])
  })

  it('counts the delay from when an end without a date was first heard of', () => {
    const driver = given([...world(60), held('ann', 'a', []), tick(T0 + 30_000), ended(null), tick(T0 + 50_000), ended(null)])
    expect(told(driver.push(tick(T0 + 89_999)))).toEqual([])
    expect(told(driver.push(tick(T0 + 90_000)))).toEqual(['opened leaver-access a'])
  })

  it('does not wait for an end date that lies ahead of an end', () => {
    const { outputs } = given([...world(), held('ann', 'a', []), desired('ann', [], { status: 'ended', end: T0 + 9 * DAY })])
    expect(told(outputs)).toEqual(['opened leaver-access a'])
  })

  it('closes when the identity is back', () => {
    const driver = given([...world(), ended(T0), held('ann', 'a', ['pay'])])
    expect(told(driver.push(desired('ann', [entry('pay')])))).toEqual(['closed leaver-access a'])
  })
})

describe('whose account it is', () => {
  it.each<[string, AccountFact, string[], string]>([
    ['orphaned', alone('a', ['pay', grant('X', { mapped: false })]), ['opened orphaned-account a'], 'Account a in billing belongs to no known identity.'],
    ['contested', alone('a', ['pay'], { match: 'contested', candidates: ['bob', 'ann'] }), ['opened ambiguous-match a'], 'Account a in billing is claimed by ann, bob.'],
    ['unowned', service('s', ['pay'], { owner: null, ownerState: 'none' }), ['opened unowned-nhi s'], 'Service account s in billing has no owner who is accountable for it.'],
    ['an unowned key', service('s', ['pay'], { kind: 'apikey', owner: null, ownerState: 'none' }), ['opened unowned-nhi s'], 'API key s in billing has no owner who is accountable for it.'],
    ['of a contested owner', service('s', [], { ownerState: 'contested', candidates: ['ann', 'bob'] }), ['opened ambiguous-match s'], 'The owner of service account s in billing is claimed by ann, bob.'],
  ])('opens exactly one finding for an account that is %s, none for its grants', (_what, fact, expected, detail) => {
    const { outputs } = given([...world(), fact])
    expect(told(outputs)).toEqual(expected)
    expect(findings(outputs)[0]).toMatchObject({ detail, identity: null, home: fact.home })
  })

  it('opens nothing for an owned account, and shows a disabled orphan', () => {
    expect(told(given([...world(), service('s', [])]).outputs)).toEqual([])
    expect(told(given([...world(), alone('a', ['pay'], { status: 'disabled' })]).outputs)).toEqual(['opened orphaned-account a'])
  })

  it('is nobody’s where it is linked to somebody whom no source has told of, once all have, until one does', () => {
    const linked = held('zoe', 'a', ['pay', grant('X', { mapped: false })], { match: 'linked' })
    const driver = given([...settings(), linked, mark('keys', 'hr')])
    expect(told(driver.outputs)).toEqual([])
    expect(findings(driver.push(mark('desired', 'hr')))).toMatchObject([
      { kind: 'orphaned-account', change: 'opened', identity: 'zoe', detail: 'Account a in billing is linked to identity zoe, whom no source has told of.' },
    ])
    expect(told(driver.push(desired('zoe', [entry('pay')]))).sort()).toEqual(['closed orphaned-account a', 'opened unmapped-entitlement a/X'])
  })

  it('waits with orphaned and unowned for desire and keys, with contested for keys', () => {
    const facts = [alone('a', []), service('s', [], { ownerState: 'none' }), alone('c', [], { match: 'contested' })]
    const driver = given([...settings(), ...facts, mark('keys', 'hr')])
    expect(told(driver.outputs)).toEqual(['opened ambiguous-match c'])
    expect(told(driver.push(mark('desired', 'hr'))).sort()).toEqual(['opened orphaned-account a', 'opened unowned-nhi s'])
    expect(told(given([...settings(), ...facts, mark('desired', 'hr')]).outputs)).toEqual([])
  })

  it('goes from orphaned to contested to nothing, one at a time', () => {
    const driver = given([...world(), alone('s', [], { kind: 'token', match: 'not-a-person', ownerState: 'none' })])
    expect(told(driver.push(service('s', [], { kind: 'token', ownerState: 'contested' })))).toEqual(['closed unowned-nhi s', 'opened ambiguous-match s'])
    expect(told(driver.push(service('s', [], { kind: 'token' })))).toEqual(['closed ambiguous-match s'])
  })

  it('opens ambiguous-match at an identity too, and judges the grants there as usual', () => {
    const { outputs } = given([...world(), held('ann', 'a', ['pay'], { match: 'contested', candidates: ['ann', 'bob'] })])
    expect(told(outputs)).toEqual(['opened ambiguous-match a', 'opened unauthorised-grant a/pay'])
  })
})

describe('what became old', () => {
  it('opens stale-credential when a credential expires, by a tick, and closes it when it is gone', () => {
    const driver = given([...world(), service('s', [], { credentials: [credential({ expires: T0 + DAY })] })])
    expect(told(driver.push(tick(T0 + DAY - 1)))).toEqual([])
    const then = driver.push(tick(T0 + DAY))
    expect(findings(then)).toMatchObject([
      { kind: 'stale-credential', severity: 'medium', account: 's', object: 'k1', detail: 'Credential api-key k1 of service account s in billing expired on 2026-03-02.' },
    ])
    expect(told(driver.push(service('s', [])))).toEqual(['closed stale-credential s/k1'])
  })

  it.each([
    [{ credentialMaxAgeDays: 30 }, { created: T0 - 30 * DAY }, 'was created on 2026-01-30, longer ago than the 30 days that policy allows.'],
    [{ credentialUnusedDays: 10 }, { created: T0 - 30 * DAY, lastUsed: T0 - 10 * DAY }, 'was last used on 2026-02-19, longer ago than the 10 days that policy allows.'],
    [{ credentialUnusedDays: 10 }, { created: T0 - 10 * DAY }, 'was never used since it was created on 2026-02-19, longer ago than the 10 days that policy allows.'],
  ])('opens one stale-credential by policy %j', (limits, dates, why) => {
    const { outputs } = given([...world(), policy(limits), service('s', [], { credentials: [credential(dates), credential({ id: 'k2' })] })])
    expect(findings(outputs)).toMatchObject([{ object: 'k1', detail: `Credential api-key k1 of service account s in billing ${why}` }])
  })

  it('opens dormant-account for an active account by its last use, else by its creation', () => {
    const used = { created: T0 - 400 * DAY, lastUsed: T0 - 89 * DAY }
    const driver = given([...world(), policy({ dormantAfterDays: 90 }), service('s', [], used), service('n', [], { created: T0 - 90 * DAY }), service('d', [], { ...used, lastUsed: 0, status: 'disabled' }), service('q', [])])
    expect(findings(driver.outputs)).toMatchObject([
      { kind: 'dormant-account', severity: 'low', account: 'n', detail: 'Service account n in billing was never used since it was created on 2025-12-01, longer ago than the 90 days that policy allows.' },
    ])
    expect(findings(driver.push(tick(T0 + DAY)))).toMatchObject([
      { account: 's', detail: 'Service account s in billing was last used on 2025-12-02, longer ago than the 90 days that policy allows.' },
    ])
    expect(told(driver.push(service('s', [], { ...used, lastUsed: T0 })))).toEqual(['closed dormant-account s'])
  })
})

describe('what an account should not show', () => {
  it('opens one exposed-secret for each field, says where and what to do, and closes it when the field is clean', () => {
    const driver = given([...world(), service('s', [], { exposed: ['display', 'owner', 'values.note', 'credential.id'] })])
    expect(findings(driver.outputs).map(({ kind, severity, home, account, object, detail }) => [kind, severity, home, account, object, detail])).toEqual([
      ['credential.id', 'the id of a credential'], ['display', 'its display name'], ['owner', 'the name of its owner'], ['values.note', 'its attribute note'],
    ].map(([field, where]) => ['exposed-secret', 'high', 'account/billing/s', 's', field, `Service account s in billing shows what looks like a secret in ${where}, masked here: rotate it, and clean that field in billing.`]))
    expect(told(driver.push(service('s', [], { exposed: ['owner'] })))).toEqual(['closed exposed-secret s/credential.id', 'closed exposed-secret s/display', 'closed exposed-secret s/values.note'])
    expect(told(driver.push(service('s', [])))).toEqual(['closed exposed-secret s/owner'])
    expect(told(driver.push(service('s', [], { exposed: ['owner'] })))).toEqual(['reopened exposed-secret s/owner'])
  })

  it('waits for no baseline, and concerns a disabled account and one that is nobody’s as well', () => {
    const exposed = ['display']
    const driver = given([...settings(), held('ann', 'a', [], { status: 'disabled', exposed }), alone('b', [], { whole: false, exposed })])
    expect(told(driver.outputs)).toEqual(['opened exposed-secret a/display', 'opened exposed-secret b/display'])
    expect(told(driver.push(gone('account/billing/b', 'b')))).toEqual(['closed as gone exposed-secret b/display'])
    const [moved] = findings(driver.push(gone('identity/ann', 'a', { reason: 'moved', to: 'identity/bob' })))
    const [opened] = findings(driver.push(held('bob', 'a', [], { movedFrom: 'identity/ann', exposed })))
    expect(moved).toMatchObject({ closedAs: 'moved', successor: opened!.id })
  })
})

describe('severity', () => {
  it('is what policy says; a change of policy changes what is open', () => {
    const driver = given([...world(), policy({ severities: { 'orphaned-account': 'low' } }), alone('a', [])])
    expect(findings(driver.outputs)).toMatchObject([{ severity: 'low' }])
    expect(findings(driver.push(policy({ severities: { 'orphaned-account': 'critical' } })))).toMatchObject([{ change: 'changed', severity: 'critical', since: T0 }])
    expect(findings(driver.push(policy()))).toMatchObject([{ change: 'changed', severity: 'high' }])
  })
})

describe('an open finding whose baseline is taken away', () => {
  it('stays as it is while its condition seems to hold, and closes on positive evidence', () => {
    const driver = given([...world(), desired('ann', []), held('ann', 'a', ['pay', 'see'])])
    const more = { apps: ['billing'], feeds: ['hr', 'roles'].map((name) => ({ name, class: 'identities', brake: {} })), partitions: { raw: 1, intent: 1, facts: 1 } }
    const sweep = driver.push({ type: 'Setting', name: 'sources', revision: 1_000_000, digest: '', value: JSON.stringify(more) })
    expect(told(sweep)).toEqual([])
    expect(told(driver.push(desired('ann', [], { lapsed: [lapse('pay')] })))).toEqual([])
    expect(told(driver.push(desired('ann', [entry('pay')])))).toEqual(['closed unauthorised-grant a/pay'])
    expect(told(driver.push(held('ann', 'a', ['pay'])))).toEqual(['closed unauthorised-grant a/see'])
    expect(told(driver.push(held('ann', 'a', ['pay', 'run'])))).toEqual([])
    expect(told(driver.push(...baselines([], ['roles'])))).toEqual(['opened unauthorised-grant a/run'])
  })
})
