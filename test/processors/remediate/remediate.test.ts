import { describe, expect, it } from 'vitest'
import { DAY, SECOND, T0, census, changes, commands, decision, findings, give, given, gone, proposal, result, revoke, setting, tick, told, written } from './given.ts'

describe('policy', () => {
  it('lets nothing be written without a setting, and only shows what it observes', () => {
    const none = given([])
    expect(told(none.push(proposal('a'), tick(T0 + SECOND)))).toEqual(['a proposed'])
    const observed = given([setting()])
    observed.push(proposal('a', { kind: 'dormant-account' }))
    const outputs = observed.push(decision('a', 'approve'), tick(T0 + SECOND))
    expect(changes(outputs)).toMatchObject([{ state: 'proposed', mode: 'observe', reason: 'not approved: the policy of billing for dormant-account is observe' }])
    expect(commands(outputs)).toEqual([])
  })

  it('waits for a person where it says approve, and writes by itself where it says auto', () => {
    const driver = given([setting()])
    expect(told(driver.push(proposal('a', { kind: 'unauthorised-grant' }), proposal('b'), tick(T0 + SECOND)))).toEqual(['a proposed', 'b approved', 'b dispatched'])
    const outputs = driver.push(decision('a', 'approve'), tick(T0 + 2 * SECOND))
    expect(changes(outputs)).toMatchObject([{ state: 'approved', by: 'A. Kaya', why: 'she said so' }, { state: 'dispatched', attempt: 1 }])
    expect(commands(outputs)).toMatchObject([{ kind: 'write', account: 'a', write: { finding: 'a', version: 'a-1', attempt: 1, operations: [revoke('a', 'R')] } }])
  })

  it('never takes away by itself what is desired too', () => {
    const driver = given([setting()])
    expect(told(driver.push(proposal('a', { loses: [{ entitlement: 'read', desired: true }] }), tick(T0 + SECOND)))).toEqual(['a proposed'])
    expect(written(driver.push(decision('a', 'approve'), tick(T0 + 2 * SECOND)))).toEqual(['a'])
  })

  it('applies to what waits already when it changes', () => {
    const driver = given([setting()])
    driver.push(proposal('a', { kind: 'unauthorised-grant' }))
    expect(told(driver.push(setting({ policy: { otherwise: 'auto' } })))).toEqual(['a approved'])
  })

  it('takes back what auto approved when it asks or observes, and leaves what a person decided', () => {
    const driver = given([setting({ settleSeconds: 60 })])
    driver.push(proposal('a'), proposal('b'), proposal('c', { kind: 'unauthorised-grant' }), decision('c', 'approve'))
    const outputs = driver.push(setting({ settleSeconds: 60, policy: { otherwise: 'observe' } }))
    expect(changes(outputs)).toMatchObject([{ id: 'a', state: 'proposed', mode: 'observe', by: null }, { id: 'b', state: 'proposed' }, { id: 'c', state: 'approved', by: 'A. Kaya' }])
    expect(written(driver.push(tick(T0 + 61 * SECOND)))).toEqual(['c'])
  })

  it('takes back what the brake holds, and what failed or did not last is not written again by itself', () => {
    const driver = given([setting({ brake: { maxRemovals: 2 } }), census(100)])
    driver.push(proposal('a'), tick(T0 + SECOND))
    driver.push(result(commands(driver.outputs)[0]!, 'failed', T0 + SECOND))
    driver.push(proposal('b'), tick(T0 + 2 * SECOND))
    driver.push(result(commands(driver.outputs)[1]!, 'applied', T0 + 2 * SECOND))
    expect(told(driver.push(proposal('c'), proposal('d'), tick(T0 + 3 * SECOND)))).toEqual(['c approved', 'd approved', 'c held', 'd held'])
    const outputs = driver.push(setting({ policy: {} }))
    expect(told(outputs)).toEqual(expect.arrayContaining(['c proposed', 'd proposed']))
    expect(findings(outputs)).toMatchObject([{ kind: 'held-removals', change: 'closed' }])
    const later = driver.push(tick(T0 + 2 * DAY), tick(T0 + 2 * DAY + SECOND))
    expect(told(later)).toEqual(['a proposed', 'b proposed'])
    expect(written(later)).toEqual([])
  })

  it('leaves what it approved where it is while nothing may be written', () => {
    const driver = given([setting({ settleSeconds: 60 })])
    driver.push(proposal('a'))
    expect(changes(driver.push(setting({ active: false, policy: {} })))).toMatchObject([{ state: 'approved', by: 'policy' }])
    expect(written(driver.push(tick(T0 + 61 * SECOND)))).toEqual([])
    expect(told(driver.push(setting({ policy: {} })))).toEqual(['a proposed'])
  })

  it('is asked anew by newer code about what stood as approved', () => {
    const driver = given([setting({ settleSeconds: 60 })])
    driver.push(proposal('a'))
    const epoch = { type: 'Epoch' as const, processor: 'remediate', version: 5, stateFormat: 1, release: '0.2.0', from: { offset: 0, index: 0 }, resumed: null }
    expect(told(driver.push(epoch))).toEqual([])
    expect(told(driver.push(setting({ policy: {} }), epoch))).toEqual(['a proposed'])
  })

  it('writes nothing while the application is left out of the configuration', () => {
    const driver = given([setting({ active: false })])
    expect(written(driver.push(proposal('a'), tick(T0 + SECOND)))).toEqual([])
  })
})

describe('when it was', () => {
  it('is never before the finding that it follows from, nor before what was told of it last', () => {
    const driver = given([setting()])
    const ahead = T0 + 800
    expect(changes(driver.push(proposal('a', { kind: 'unauthorised-grant', decided: ahead })))).toMatchObject([{ state: 'proposed', at: ahead }])
    expect(changes(driver.push(decision('a', 'approve'), tick(T0 + 500)))).toMatchObject([{ state: 'approved', at: ahead }, { state: 'dispatched', at: ahead }])
    driver.push(tick(T0 + SECOND))
    expect(changes(driver.push(gone('a', null, { decided: T0 + 900 }), result(commands(driver.outputs)[0]!, 'applied', T0)))).toMatchObject([{ state: 'withdrawn', at: T0 + SECOND }])
  })
})

describe('an approval', () => {
  it('is of the version that the person saw', () => {
    const driver = given([setting()])
    driver.push(proposal('a', { kind: 'unauthorised-grant' }), proposal('a', { kind: 'unauthorised-grant', version: 'a-2', operations: [revoke('a', 'S')] }))
    expect(changes(driver.push(decision('a', 'approve')))).toMatchObject([{ state: 'proposed', reason: 'not approved: it has changed since it was looked at' }])
    expect(told(driver.push(decision('a', 'approve', { version: 'a-2' })))).toEqual(['a approved'])
  })

  it('does not cover other operations, but fewer of them', () => {
    const driver = given([setting({ settleSeconds: 60 })])
    const of = (version: string, ...ids: string[]) => proposal('a', { kind: 'unauthorised-grant', version, operations: ids.map((id) => revoke('a', id)) })
    driver.push(of('a-1', 'R', 'S'), decision('a', 'approve'))
    expect(told(driver.push(of('a-2', 'S')))).toEqual(['a approved'])
    expect(told(driver.push(of('a-3', 'T')))).toEqual(['a proposed'])
    expect(written(driver.push(tick(T0 + DAY)))).toEqual([])
  })

  it('is void once something is in the way', () => {
    const driver = given([setting({ settleSeconds: 60 })])
    driver.push(proposal('a'))
    expect(told(driver.push(proposal('a', { version: 'a-2', operations: [], obstacle: 'whose is it?' })))).toEqual(['a proposed'])
    expect(written(driver.push(tick(T0 + DAY)))).toEqual([])
  })

  it('is void once the finding has closed', () => {
    const driver = given([setting({ settleSeconds: 60 })])
    driver.push(proposal('a'))
    expect(told(driver.push(gone('a', T0), tick(T0 + DAY)))).toEqual(['a withdrawn'])
  })

  it('waits so long that the whole wave is there before any of it is written', () => {
    const driver = given([setting({ settleSeconds: 30 })])
    expect(written(driver.push(proposal('a'), tick(T0 + 29 * SECOND)))).toEqual([])
    expect(written(driver.push(tick(T0 + 30 * SECOND)))).toEqual(['a'])
  })
})

describe('a command', () => {
  it('is sent once, leavers first, then what is taken away, and no more at once than may be on the way', () => {
    const driver = given([setting({ maxInFlight: 2 })])
    driver.push(proposal('grant', { kind: 'missing-grant', operations: [give('g', 'R')] }), proposal('expired'), proposal('leaver', { kind: 'leaver-access' }))
    const first = driver.push(tick(T0 + SECOND))
    expect(written(first)).toEqual(['leaver', 'expired'])
    expect(written(driver.push(tick(T0 + 2 * SECOND)))).toEqual([])
    expect(written(driver.push(result(commands(first)[0]!, 'applied', T0 + SECOND), tick(T0 + 3 * SECOND)))).toEqual(['grant'])
  })

  it('is verified by an observation made after the write, before or after its result', () => {
    const driver = given([setting()])
    const [first] = commands(driver.push(proposal('a'), tick(T0 + SECOND)))
    expect(told(driver.push(result(first!, 'applied', T0 + 2 * SECOND)))).toEqual(['a applied'])
    expect(told(driver.push(gone('a', T0 + 3 * SECOND)))).toEqual(['a verified'])
    const [other] = commands(driver.push(proposal('b'), tick(T0 + 4 * SECOND)))
    expect(told(driver.push(gone('b', T0 + 6 * SECOND), result(other!, 'applied', T0 + 5 * SECOND)))).toEqual(['b verified'])
  })

  it('is withdrawn, not verified, where the finding closed for another reason', () => {
    const driver = given([setting()])
    const [first] = commands(driver.push(proposal('a'), tick(T0 + SECOND)))
    driver.push(result(first!, 'applied', T0 + 2 * SECOND))
    expect(told(driver.push(gone('a', T0)))).toEqual(['a withdrawn'])
  })

  it.each([
    ['applied', ['a applied'], ['a approved', 'a dispatched']],
    ['failed', ['a failed'], ['a approved', 'a dispatched']],
    ['refused', ['a failed'], []],
  ] as const)('whose finding closed and is open again when it is %s is followed as if it had never closed', (verdict, atOnce, later) => {
    for (const version of ['a-1', 'a-2']) {
      const driver = given([setting({ confirmSeconds: 60 })])
      const [command] = commands(driver.push(proposal('a'), tick(T0 + SECOND)))
      driver.push(gone('a', T0 + 2 * SECOND), proposal('a', { version }))
      expect(told(driver.push(result(command!, verdict, T0 + 3 * SECOND)))).toEqual(atOnce)
      expect(told(driver.push(tick(T0 + DAY), tick(T0 + 2 * DAY)))).toEqual(later)
    }
  })

  it('that failed is tried again with growing distance, under another id, and given up after its tries', () => {
    const driver = given([setting({ maxTries: 3 })])
    let now = T0
    let [command] = commands(driver.push(proposal('a'), tick((now += SECOND))))
    const ids = [command!.id]
    for (const waitMs of [10 * SECOND, 20 * SECOND]) {
      expect(told(driver.push(result(command!, 'failed', now)))).toEqual(['a failed'])
      expect(commands(driver.push(tick(now + waitMs - 1)))).toEqual([])
      ;[command] = commands(driver.push(tick(now += waitMs), tick(now += SECOND)))
      ids.push(command!.id)
    }
    expect(new Set(ids).size).toBe(3)
    expect(told(driver.push(result(command!, 'failed', now), tick(now + DAY)))).toEqual(['a failed'])
    expect(written(driver.push(decision('a', 'approve'), tick(now + DAY + SECOND)))).toEqual(['a'])
  })

  it('that was refused waits for a person', () => {
    const driver = given([setting()])
    const [command] = commands(driver.push(proposal('a'), tick(T0 + SECOND)))
    expect(told(driver.push(result(command!, 'refused', T0), tick(T0 + DAY)))).toEqual(['a failed'])
  })

  it('hears nothing of the result of an older command, nor of the same one twice', () => {
    const driver = given([setting()])
    const [first] = commands(driver.push(proposal('a'), tick(T0 + SECOND)))
    driver.push(result(first!, 'failed', T0 + SECOND))
    const [second] = commands(driver.push(tick(T0 + 19 * SECOND), tick(T0 + 20 * SECOND)))
    expect(told(driver.push(result(first!, 'applied', T0 + 21 * SECOND)))).toEqual([])
    expect(told(driver.push(result(second!, 'applied', T0 + 21 * SECOND), result(second!, 'applied', T0 + 21 * SECOND)))).toEqual(['a applied'])
  })
})

describe('what is undone', () => {
  it('is corrected again later and later, then contested, and held for a person', () => {
    const driver = given([setting({ maxReversals: 3 })])
    let now = T0
    const round = (n: number, waitMs: number): void => {
      const version = `a-${n}`
      driver.push(proposal('a', { version }))
      if (waitMs > 0) expect(written(driver.push(tick(now + waitMs - 1))), version).toEqual([])
      const [command] = commands(driver.push(tick(now += waitMs + SECOND)))
      driver.push(result(command!, 'applied', now))
      expect(told(driver.push(gone('a', now + 1, { version }), tick(now += SECOND)))).toEqual(['a verified'])
    }
    round(1, 0)
    round(2, 10 * SECOND)
    round(3, 20 * SECOND)
    expect(told(driver.push(proposal('a', { version: 'a-4' }), tick(now + DAY)))).toEqual(['a contested'])
    expect(written(driver.push(decision('a', 'approve', { version: 'a-4' }), tick(now + 2 * DAY)))).toEqual(['a'])
  })

  it('counts as undone too where the finding never closes after the write', () => {
    const driver = given([setting({ maxReversals: 2, confirmSeconds: 60 })])
    const [first] = commands(driver.push(proposal('a'), tick(T0 + SECOND)))
    driver.push(result(first!, 'applied', T0 + SECOND))
    const [second] = commands(driver.push(tick(T0 + 62 * SECOND), tick(T0 + 80 * SECOND)))
    driver.push(result(second!, 'applied', T0 + 80 * SECOND))
    expect(told(driver.push(tick(T0 + 200 * SECOND)))).toEqual(['a contested'])
  })

  it('long ago is forgotten', () => {
    const driver = given([setting({ maxReversals: 1, reversalDays: 7 })])
    const [first] = commands(driver.push(proposal('a'), tick(T0 + SECOND)))
    driver.push(result(first!, 'applied', T0 + SECOND), gone('a', T0 + 2 * SECOND))
    expect(told(driver.push(tick(T0 + 8 * DAY), proposal('a', { version: 'a-2' })))).toEqual(['a approved'])
  })
})

describe('the brake', () => {
  const wave = (n: number) => Array.from({ length: n }, (_, i) => proposal(`a${i}`, { kind: 'leaver-access' }))

  it('holds all of a wave of removals above its number, not one of them written, and says so', () => {
    const driver = given([setting({ brake: { maxRemovals: 5 }, settleSeconds: 5 })])
    driver.push(...wave(6), proposal('grant', { kind: 'missing-grant', operations: [give('g', 'R')] }))
    const outputs = driver.push(tick(T0 + 10 * SECOND))
    expect(written(outputs)).toEqual(['grant'])
    expect(told(outputs).filter((one) => one.endsWith('held'))).toHaveLength(6)
    expect(findings(outputs)).toMatchObject([{ kind: 'held-removals', change: 'opened', home: 'source/billing', app: 'billing' }])
    expect(findings(outputs)[0]?.detail).toContain('6 planned removals in billing')
  })

  it('lets as many through as it allows', () => {
    const driver = given([setting({ brake: { maxRemovals: 5 } })])
    expect(written(driver.push(...wave(5), tick(T0 + SECOND)))).toHaveLength(5)
  })

  it('counts what was sent within its window', () => {
    const driver = given([setting({ brake: { maxRemovals: 5, windowSeconds: 3_600 } })])
    driver.push(...wave(4), tick(T0 + SECOND))
    driver.push(proposal('b'), proposal('c'))
    expect(written(driver.push(tick(T0 + 60 * SECOND)))).toEqual([])
    const later = given([setting({ brake: { maxRemovals: 5, windowSeconds: 3_600 } })])
    later.push(...wave(4), tick(T0 + SECOND))
    later.push(proposal('b'), proposal('c'))
    expect(written(later.push(tick(T0 + 2 * 3_600 * SECOND)))).toEqual(['b', 'c'])
  })

  it('holds a share of the application’s accounts, of more than two', () => {
    const driver = given([setting({ brake: { maxRemovals: 1_000, maxRemovalShare: 0.1 } }), census(20)])
    expect(written(driver.push(...wave(2), tick(T0 + SECOND)))).toHaveLength(2)
    expect(written(driver.push(proposal('b'), tick(T0 + 2 * SECOND)))).toEqual([])
  })

  it('lets go of what it holds when a person releases it with a name and a reason, and closes its finding', () => {
    const driver = given([setting({ brake: { maxRemovals: 1 } })])
    driver.push(...wave(3), tick(T0 + SECOND))
    const outputs = driver.push(decision(null, 'release'), tick(T0 + 2 * SECOND))
    expect(written(outputs)).toHaveLength(3)
    expect(changes(outputs)[0]).toMatchObject({ state: 'approved', by: 'A. Kaya', why: 'she said so' })
    expect(findings(outputs)).toMatchObject([{ change: 'closed', closedAs: 'resolved' }])
    expect(written(driver.push(proposal('b'), tick(T0 + 3 * SECOND))), 'a release is not for ever').toEqual(['b'])
    expect(written(driver.push(proposal('c'), tick(T0 + 4 * SECOND)))).toEqual([])
  })

  it('holds nothing until the date of a release', () => {
    const driver = given([setting({ brake: { maxRemovals: 1 } })])
    driver.push(decision(null, 'release', { until: T0 + DAY }))
    expect(written(driver.push(...wave(4), tick(T0 + SECOND)))).toHaveLength(4)
  })

  it('closes its finding when what it held is planned otherwise and nothing is held any more', () => {
    const driver = given([setting({ brake: { maxRemovals: 0 } })])
    driver.push(proposal('a'), tick(T0 + SECOND))
    expect(findings(driver.push(proposal('a', { version: 'a-2', operations: [revoke('a', 'S')] }))).map(({ change }) => change)).toEqual(['closed'])
    expect(findings(driver.push(tick(T0 + 2 * SECOND))).map(({ change }) => change)).toEqual(['reopened'])
  })

  it('closes its finding when what it held has gone', () => {
    const driver = given([setting({ brake: { maxRemovals: 1 } })])
    driver.push(...wave(2), tick(T0 + SECOND))
    const outputs = driver.push(gone('a0', T0), gone('a1', T0))
    expect(told(outputs)).toEqual(['a0 withdrawn', 'a1 withdrawn'])
    expect(findings(outputs).map(({ change }) => change)).toEqual(['changed', 'closed'])
  })
})
