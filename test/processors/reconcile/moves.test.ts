import { describe, expect, it } from 'vitest'
import type { AccountFact } from '../../../schemas/wire/facts.ts'
import { findingId } from '../../../processors/reconcile/finding-id.ts'
import { access, accessNow, alone, app, at, baselines, DAY, desired, findings, given, gone, grant, held, policy, settings, T0, tick, told, world } from './given.ts'

const key = { kind: 'unauthorised-grant', app: 'billing', account: 'a', entitlement: 'pay', object: null } as const

describe('an account that moves', () => {
  it('closes its findings at the old home as moved, naming the successor', () => {
    const driver = given([...world(), desired('ann', []), held('ann', 'a', ['pay'])])
    const then = driver.push(gone('identity/ann', 'a', { reason: 'moved', to: 'identity/bob', observed: T0 * 1_000 + 5_000 }))
    expect(findings(then)).toMatchObject([
      { change: 'closed', closedAs: 'moved', successor: findingId('identity/bob', key), observed: T0 + 5, causes: [at(9)], cause: at(9) },
    ])
    expect(access(then)).toMatchObject([{ home: 'identity/ann', account: 'a', gone: true, set: [], removed: [], observed: T0 + 5 }])
  })

  it('names no successor where that kind can not be at the new home', () => {
    const driver = given([...world(), alone('a', []), desired('ann', [], { status: 'ended', end: T0 }), held('ann', 'b', [])])
    const moved = { reason: 'moved', to: 'identity/bob' } as const
    expect(findings(driver.push(gone('account/billing/a', 'a', moved)))).toMatchObject([{ kind: 'orphaned-account', closedAs: 'moved', successor: null }])
    expect(findings(driver.push(gone('identity/ann', 'b', { ...moved, to: 'account/billing/b' })))).toMatchObject([{ kind: 'leaver-access', closedAs: 'moved', successor: null }])
    expect(driver.push(gone('identity/ann', 'b', { ...moved, to: 'account/billing/b' }))).toEqual([])
  })

  it('opens at the new home under the id that the old one named, as old as the grant', () => {
    const { outputs } = given([
      ...world(), tick(T0 + DAY), desired('bob', []),
      held('bob', 'a', [grant('pay', { since: T0 - 7 * DAY }), grant('new', { since: T0 + 2 * DAY })], { movedFrom: 'identity/ann' }),
    ])
    expect(findings(outputs).map(({ id, entitlement, since, opened }) => [id, entitlement, since, opened])).toEqual([
      [findingId('identity/bob', { ...key, entitlement: 'new' }), 'new', T0 + DAY, T0 + DAY],
      [findingId('identity/bob', key), 'pay', T0 - 7 * DAY, T0 + DAY],
    ])
  })

  it('is as old as the oldest of the native permissions behind a name', () => {
    const natives = [3, 7, 5].map((days) => grant('pay', { native: `p${days}`, since: T0 - days * DAY, valid: T0 - days }))
    const { outputs } = given([...world(), desired('bob', []), held('bob', 'a', natives, { movedFrom: 'identity/ann' })])
    expect(findings(outputs)).toMatchObject([{ since: T0 - 7 * DAY, valid: T0 - 7 }])
  })

  it('keeps its age until the finding opens, though other facts come between', () => {
    const driver = given([...settings(), tick(T0 + DAY), desired('bob', []), held('bob', 'a', [grant('pay', { since: T0 - 7 * DAY })], { movedFrom: 'identity/ann' })])
    driver.push(held('bob', 'a', [grant('pay', { since: T0 - 7 * DAY })], { lastUsed: T0 }))
    expect(findings(driver.push(...baselines()))).toMatchObject([{ since: T0 - 7 * DAY, opened: T0 + DAY }])
  })

  it('is as old as its account where the finding is the account’s', () => {
    const { outputs } = given([...world(), tick(T0 + DAY), alone('a', [], { since: T0 - 3 * DAY, movedFrom: 'identity/ann' })])
    expect(findings(outputs)).toMatchObject([{ kind: 'orphaned-account', since: T0 - 3 * DAY, opened: T0 + DAY }])
  })

  it('is no older than its cause: a leaver’s end, a dormancy', () => {
    const { outputs } = given([
      ...world(), policy({ dormantAfterDays: 1 }), tick(T0 + 5 * DAY), desired('bob', [], { status: 'ended', end: T0 + 2 * DAY }),
      held('bob', 'a', [], { since: T0 - 7 * DAY, movedFrom: 'identity/ann', lastUsed: T0 + 3 * DAY }),
    ])
    expect(findings(outputs).map(({ kind, since }) => [kind, since])).toEqual([['dormant-account', T0 + 4 * DAY], ['leaver-access', T0 + 2 * DAY]])
  })

  it('is as old as the contest where several claim it, and no older than its account', () => {
    const claimed = (contestedSince: number | null, more: object = {}) => ({ match: 'contested' as const, candidates: ['ann', 'bob'], contestedSince, since: T0 - 7 * DAY, movedFrom: 'account/billing/a', ...more })
    const since = (...facts: AccountFact[]): unknown => findings(given([...world(), tick(T0 + DAY), ...facts]).outputs).map((one) => [one.kind, one.since])
    expect(since(held('ann', 'a', [], claimed(T0 - 2 * DAY)))).toEqual([['ambiguous-match', T0 - 2 * DAY]])
    expect(since(held('ann', 'a', [], claimed(T0 - 9 * DAY)))).toEqual([['ambiguous-match', T0 - 7 * DAY]])
    expect(since(held('ann', 'a', [], claimed(T0 + 2 * DAY)))).toEqual([['ambiguous-match', T0 + DAY]])
    expect(since(alone('a', [], claimed(T0 - 2 * DAY, { movedFrom: 'identity/ann' })))).toEqual([['ambiguous-match', T0 - 2 * DAY]])
    // what came here long ago is contested since now; older releases did not tell since when
    expect(since(held('ann', 'a', [], { since: T0 - 7 * DAY, movedFrom: 'account/billing/a' }), held('ann', 'a', [], claimed(T0 + DAY, { movedFrom: null })))).toEqual([['ambiguous-match', T0 + DAY]])
    expect(since(held('ann', 'a', [], claimed(null)))).toEqual([['ambiguous-match', T0 - 7 * DAY]])
  })

  it('dates a conflict of duties from when both sides were held', () => {
    const rule = { id: 'R', name: 'r', left: [{ app: 'billing', entitlement: 'enter' }], right: [{ app: 'billing', entitlement: 'pay' }] }
    const driver = given([...world(), policy({ sod: [rule] }), desired('bob', []), held('bob', 'b', [grant('enter', { since: T0 - 5 * DAY })])])
    const then = driver.push(held('bob', 'a', [grant('pay', { since: T0 - 3 * DAY })], { movedFrom: 'identity/ann' }))
    expect(findings(then)).toMatchObject([{ kind: 'sod-conflict', since: T0 - 3 * DAY }, { kind: 'unauthorised-grant' }])
  })

  it('reopens with its first since when it comes back', () => {
    const driver = given([...world(), desired('ann', []), held('ann', 'a', ['pay']), gone('identity/ann', 'a', { reason: 'moved', to: 'identity/bob' })])
    expect(findings(driver.push(tick(T0 + DAY), held('ann', 'a', ['pay'], { movedFrom: 'identity/bob' })))).toMatchObject([{ change: 'reopened', since: T0, opened: T0 + DAY }])
  })

  it('closes what its own home found of it as a whole, too', () => {
    const rule = { id: 'R', name: 'r', left: [{ app: 'billing', entitlement: 'enter' }], right: [{ app: 'billing', entitlement: 'pay' }] }
    const driver = given([...world(), policy({ sod: [rule] }), alone('a', ['enter', 'pay'])])
    const then = driver.push(gone('account/billing/a', 'a', { reason: 'moved', to: 'identity/ann' }))
    expect(told(then)).toEqual(['closed as moved orphaned-account a', 'closed as moved sod-conflict R'])
    expect(driver.table('homes').size + driver.table('accounts').size + driver.table('due').size).toBe(0)
  })

  it('belongs to one home only, whichever of the two hears first', () => {
    const leave = gone('identity/ann', 'a', { reason: 'moved', to: 'identity/bob' })
    const arrive = held('bob', 'a', ['pay'], { movedFrom: 'identity/ann' })
    const start = [...world(), app('billing'), desired('ann', []), desired('bob', []), held('ann', 'a', ['pay'])]
    expect(accessNow(given([...start, leave, arrive]).outputs)).toEqual(accessNow(given([...start, arrive, leave]).outputs))
  })
})
