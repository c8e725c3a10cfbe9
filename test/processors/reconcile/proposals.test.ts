import { describe, expect, it } from 'vitest'
import type { Proposal } from '../../../schemas/wire/actions.ts'
import type { Output } from '../../support/processor-driver.ts'
import { DAY, T0, alone, app, baselines, desired, entry, given, grant, gone, held, policy, service, sources, tick } from './given.ts'

const proposals = (outputs: readonly Output[]): Proposal[] => outputs.map(({ record }) => record).filter((one) => one.type === 'Proposal')
const operations = (proposal: Proposal | undefined): string[] =>
  (proposal?.operations ?? []).map(({ name, account, ref, credential }) => [name, account, ref && `${ref.kind}:${ref.id}`, credential].filter((part) => part !== null).join(' '))

const writable = (corrections: object = {}, more: object = {}) => [
  tick(T0), app('billing', 0, { catalogue: { PAY: 'pay', INV: 'inv' }, corrections, ...more }), policy({ dormantAfterDays: 90 }), sources(), ...baselines(),
]

describe('a proposal', () => {
  it('is made of no application that does not say that it may be written', () => {
    expect(proposals(given([tick(T0), app('billing'), policy(), sources(), ...baselines()]).push(held('ann', 'a', ['pay'])))).toEqual([])
  })

  it('revokes a grant at the direct assignments that it comes by, and says what else goes with them', () => {
    const driver = given(writable())
    driver.push(desired('ann', [entry('read')]))
    const [proposal] = proposals(driver.push(held('ann', 'a', [
      grant('pay', { direct: false, paths: [['role:CLERK', 'role:VIEWER'], ['group:fin']] }),
      grant('read', { direct: false, paths: [['group:fin']] }),
      grant('scan', { direct: false, paths: [['role:CLERK']] }),
      grant('both', { paths: [[], ['role:CLERK']] }),
    ], { native: 'A' })).filter(({ record }) => record.type === 'Proposal' && record.entitlement === 'pay'))
    expect(operations(proposal)).toEqual(['revoke A group:fin', 'revoke A role:CLERK'])
    expect(proposal?.loses).toEqual([{ entitlement: 'read', desired: true }, { entitlement: 'scan', desired: false }])
  })

  it('disables a leaver’s account first, then revokes everything direct', () => {
    const driver = given(writable())
    driver.push(held('ann', 'a', [grant('pay', { native: 'PAY' }), grant('inv', { direct: false, paths: [['role:CLERK']] })]))
    const outputs = driver.push(desired('ann', [], { status: 'ended', end: T0 - DAY }))
    expect(operations(proposals(outputs).find(({ kind }) => kind === 'leaver-access'))).toEqual([
      'disable-account a', 'revoke a entitlement:PAY', 'revoke a role:CLERK',
    ])
  })

  it('takes nothing away, nor gives, where others claim the account too, until it is settled whose it is', () => {
    const driver = given(writable())
    const contested = { match: 'contested' as const, candidates: ['ann', 'bob'] }
    const claimed = 'account a in billing is claimed by ann, bob: link it to the one whose it is'
    driver.push(desired('ann', [entry('inv')]))
    const found = proposals(driver.push(held('ann', 'a', [grant('pay', { native: 'PAY' })], contested)))
    expect(found.map((one) => [one.kind, operations(one), one.obstacle])).toEqual([
      ['missing-grant', [], claimed], ['unauthorised-grant', [], claimed],
    ])
    const [left] = proposals(driver.push(desired('ann', [], { status: 'ended', end: T0 - DAY }))).filter(({ kind }) => kind === 'leaver-access')
    expect([operations(left), left?.obstacle]).toEqual([[], claimed])
    const [settled] = proposals(driver.push(held('ann', 'a', [grant('pay', { native: 'PAY' })], { match: 'linked' })))
    expect(operations(settled)).toEqual(['disable-account a', 'revoke a entitlement:PAY'])
  })

  it('gives what is missing on an account that is surely the person’s', () => {
    const driver = given(writable())
    driver.push(held('ann', 'a', [], { match: 'contested', candidates: ['ann', 'bob'] }), held('ann', 'b', [], { status: 'disabled' }))
    expect(proposals(driver.push(desired('ann', [entry('pay')]))).map(operations)).toEqual([['enable-account b', 'grant b entitlement:PAY']])
  })

  it('disables who is nobody’s, and has nothing left to do once that is seen', () => {
    const driver = given(writable())
    expect(proposals(driver.push(alone('a', ['pay']))).map(operations)).toEqual([['disable-account a']])
    const outputs = driver.push(alone('a', ['pay'], { status: 'disabled', observed: (T0 + DAY) * 1_000 }))
    expect(proposals(outputs)).toMatchObject([{ change: 'closed', kind: 'orphaned-account', observed: T0 + DAY }])
    expect(outputs.some(({ record }) => record.type === 'Finding' && record.change === 'closed')).toBe(false)
    expect(proposals(driver.push(alone('a', ['pay']))).map(operations)).toEqual([['disable-account a']])
    expect(proposals(given(writable()).push(alone('b', ['pay'], { status: 'disabled' })))).toEqual([])
  })

  it('grants what is missing by the role that the configuration names, else by the catalogue', () => {
    const driver = given(writable({ assign: { pay: 'role:CLERK' } }))
    driver.push(held('ann', 'a', []))
    const found = proposals(driver.push(desired('ann', [entry('pay'), entry('inv'), entry('unheard')])))
    expect(found.map((one) => [one.entitlement, operations(one), one.obstacle === null])).toEqual([
      ['inv', ['grant a entitlement:INV'], true], ['pay', ['grant a role:CLERK'], true], ['unheard', [], false],
    ])
  })

  it('enables a disabled account before it grants, and says what is in the way where there is none', () => {
    const driver = given(writable())
    driver.push(held('ann', 'a', [], { status: 'disabled' }))
    expect(proposals(driver.push(desired('ann', [entry('pay')]))).map(operations)).toEqual([['enable-account a', 'grant a entitlement:PAY']])
    const [none] = proposals(driver.push(desired('bob', [entry('pay')])))
    expect([operations(none), none?.obstacle]).toEqual([[], 'identity/bob has no account in billing yet: create one there, or say in remedy.newAccount how'])
  })

  it('makes an account first for who has none, named by the person’s keys, where the configuration says how', () => {
    const driver = given(writable({ newAccount: { id: 'u-{email.local}', attributes: { mail: '{email}', who: '{identity} {display}' } } }))
    const [made] = proposals(driver.push(desired('ann', [entry('pay')], { display: 'Ann A.', keys: { email: 'ann@x', personnel: '7' } })))
    expect(made?.operations).toEqual([
      { name: 'create-account', account: 'u-ann', ref: null, credential: null, attributes: { mail: 'ann@x', who: 'ann Ann A.' } },
      { name: 'grant', account: 'u-ann', ref: { kind: 'entitlement', id: 'PAY' }, credential: null, attributes: {} },
    ])
    const [unnamed] = proposals(driver.push(desired('bob', [entry('pay')])))
    expect([operations(unnamed), unnamed?.obstacle]).toEqual([[], 'an account of identity/bob in billing can\'t be named: email.local is not known of this person'])
  })

  it('puts a stale credential out of use, or has it replaced where the configuration says so, told by its dates', () => {
    const old = { id: 'k1', kind: 'api-key', created: T0 - 40 * DAY, lastUsed: null, expires: null }
    const proposed = (corrections: object): Proposal | undefined =>
      proposals(given([...writable(corrections), policy({ credentialMaxAgeDays: 30 })]).push(service('s', [], { credentials: [old] }))).find(({ kind }) => kind === 'stale-credential')
    expect(operations(proposed({}))).toEqual(['disable-credential s k1'])
    expect(proposed({ staleCredential: 'rotate' })?.operations).toEqual([
      { name: 'rotate-credential', account: 's', ref: null, credential: 'k1', attributes: { created: String(T0 - 40 * DAY) } },
    ])
  })

  it('never revokes what is desired because of a conflict of duties', () => {
    const rule = { id: 'r', name: 'r', left: [{ app: 'billing', entitlement: 'pay' }], right: [{ app: 'billing', entitlement: 'inv' }] }
    const driver = given([...writable(), policy({ sod: [rule] })])
    driver.push(desired('ann', [entry('pay'), entry('inv')]))
    const outputs = driver.push(held('ann', 'a', ['pay', 'inv']))
    expect(outputs.map(({ record }) => record.type)).toContain('Finding')
    expect(proposals(outputs).filter(({ change }) => change === 'proposed')).toEqual([])
  })

  it('proposes nothing for a secret that an account shows: only a person can take it out of there', () => {
    const outputs = given(writable()).push(service('s', [], { exposed: ['display', 'credential.id'] }))
    expect(outputs.map(({ record }) => record.type)).toEqual(['AccessChange', 'Finding', 'Finding'])
  })

  it('gets another version when its operations change, and closes with the observation that closed the finding', () => {
    const driver = given(writable())
    const first = proposals(driver.push(desired('ann', []), held('ann', 'a', [grant('pay')])))
    const second = proposals(driver.push(held('ann', 'a', [grant('pay', { direct: false, paths: [['role:R']] })], { observed: (T0 + 5) * 1_000 })))
    const closed = proposals(driver.push(held('ann', 'a', [], { observed: (T0 + 9) * 1_000 })))
    expect([first, second, closed].map((all) => all.map(({ change }) => change))).toEqual([['proposed'], ['proposed'], ['closed']])
    expect(second[0]?.version).not.toBe(first[0]?.version)
    expect(closed[0]).toMatchObject({ finding: first[0]?.finding, version: second[0]?.version, observed: T0 + 9, operations: [] })
    expect(proposals(driver.push(tick(T0 + DAY)))).toEqual([])
  })

  it('closes when the account goes, and when its application may no longer be written', () => {
    const driver = given(writable())
    driver.push(alone('x', ['pay']), alone('y', ['pay']))
    expect(proposals(driver.push(gone('account/billing/x', 'x'))).map(({ change, kind }) => [change, kind])).toEqual([['closed', 'orphaned-account']])
    expect(proposals(driver.push(app('billing'))).map(({ change, account }) => [change, account])).toEqual([['closed', 'y']])
  })
})
