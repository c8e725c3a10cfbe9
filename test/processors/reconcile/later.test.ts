import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reconcile, reconcileAt } from '../../../processors/reconcile/reconcile.ts'
import type { FactRecord } from '../../../schemas/wire/facts.ts'
import type { ProcessorType } from '../../../src/ports/processor.ts'
import type { Output, ProcessorDriver } from '../../support/processor-driver.ts'
import {
  app, baselines, DAY, desired, entry, findings, given, held, lag, mark, MINUTE, policy, setting, settings, sources, T0, tick, told, world,
} from './given.ts'
import { interleaved, shuffleKeys, subjects, surroundings } from './worlds.ts'

/** Each record judges one home of what lags behind. */
const slow = reconcileAt({ perSubject: 1, perMark: 1 })
const ids = ['ann', 'bob', 'cid', 'dot', 'eve']

const five = (grants: string[] = ['pay']): FactRecord[] => ids.map((id) => held(id, id[0]!, grants, { lastUsed: T0 }))
/** Nothing lags behind when it begins. */
function settled(records: readonly FactRecord[], type: ProcessorType<'facts'> = slow): ProcessorDriver<'facts'> {
  const driver = given(records, {}, type)
  driver.catchUp()
  return driver
}

const homes = (outputs: readonly Output[]): string[] => findings(outputs).map(({ identity }) => identity!)

describe('a policy that concerns everybody', () => {
  /** Revisions grow as settings are made. */
  const edit = (): FactRecord => policy({ severities: { 'unauthorised-grant': 'low' } })

  it('is overtaken by somebody who leaves, who is judged by it first; each home is told of it once', () => {
    const driver = settled([...world(), ...five()])
    expect(homes(driver.push(edit()))).toEqual(['ann'])
    const overtaking = driver.push(desired('eve', [], { status: 'ended', end: T0 - DAY }))
    expect(told(overtaking)).toEqual([
      'changed unauthorised-grant e/pay', 'closed unauthorised-grant e/pay', 'opened leaver-access e', 'changed unauthorised-grant b/pay',
    ])
    expect(homes(driver.catchUp())).toEqual(['cid', 'dot'])
    expect([...driver.table('later'), ...driver.table('carry-on')]).toEqual([])
  })

  it('and another one after it: each comes to every home, and of the two the last one holds', () => {
    const driver = settled([...world(), ...five()])
    driver.push(edit(), tick(T0 + MINUTE), policy({ severities: { 'unauthorised-grant': 'critical' } }))
    driver.catchUp()
    const last = new Map(findings(driver.outputs).map(({ identity, severity }) => [identity, severity]))
    expect([...last]).toEqual(ids.map((id) => [id, 'critical']))
  })
})

describe('time that comes to everybody', () => {
  const idle = [...world(), policy({ dormantAfterDays: 20 }), ...five([])]

  it('is overtaken by a fact; its home is judged by the time first', () => {
    const driver = settled(idle)
    expect(told(driver.push(tick(T0 + 21 * DAY)))).toEqual(['opened dormant-account a'])
    expect(told(driver.push(held('eve', 'e', [], { lastUsed: T0 + 21 * DAY })))).toEqual([
      'opened dormant-account e', 'closed dormant-account e', 'opened dormant-account b',
    ])
    expect(told(driver.catchUp())).toEqual(['opened dormant-account c', 'opened dormant-account d'])
    expect(driver.table('later').size).toBe(0)
  })

  it('overtakes news: who left is told when the allowed delay ends, wherever a sweep is', () => {
    const driver = settled([...world(60), ...five(), desired('eve', [], { status: 'ended', end: T0 })])
    driver.push(policy({ severities: { 'unauthorised-grant': 'low' } }))
    expect(told(driver.push(tick(T0 + MINUTE)))).toEqual(['closed unauthorised-grant e/pay', 'opened leaver-access e'])
    expect(told(driver.catchUp())).toEqual(['b', 'c', 'd'].map((id) => `changed unauthorised-grant ${id}/pay`))
  })
})

describe('a baseline', () => {
  it('begins the lag of what is desired, also where the application is seen to do it before its sweep has come there', () => {
    const driver = settled([...settings(), ...baselines([]), ...ids.map((id) => desired(id, [entry('pay')]))])
    driver.push(mark('observed', 'billing'))
    expect(lag(driver.push(held('eve', 'e', ['pay'], { observed: (T0 + 7) * 1_000 })))).toMatchObject([{ home: 'identity/eve', lagMs: 7 }])
  })

  it('of each of many applications is a pass over the homes for many of them at once', () => {
    const names = Array.from({ length: 300 }, (_, i) => `app${i}`)
    const crowd = Array.from({ length: 60 }, (_, i) => desired(`p${i}`, [entry('pay', { app: names[i * 5]! })]))
    const driver = settled([tick(T0), ...names.map((name) => app(name)), policy(), sources(names), ...baselines([]), ...crowd])
    driver.push(...names.map((name) => mark('observed', name)))
    let ticks = 0
    for (; driver.lags; ticks++) driver.push(tick(T0))
    expect(told(driver.outputs)).toHaveLength(60)
    // what is left of one pass, and another one for what came meanwhile
    expect(ticks).toBeLessThanOrEqual(2 * crowd.length)
  })
})

const edits = (): FactRecord[][] => [
  [tick(T0 + 2 * DAY)], [tick(T0 + 400 * DAY)],
  [policy({ dormantAfterDays: 1, credentialMaxAgeDays: 1 })], [policy({ severities: { 'unauthorised-grant': 'low', 'missing-grant': 'high' } })],
  [app('billing', 600)], [app('billing', 0, { state: 'retired' })],
  [setting('sources', { apps: [], feeds: [], partitions: { raw: 1, intent: 1, facts: 1 } })],
  [{ type: 'Epoch', processor: 'reconcile', version: 2, stateFormat: 1, release: '0.2.0', from: { offset: 0, index: 0 }, resumed: null }],
  [{ type: 'Ruling', source: 'billing', kind: 'retire', run: null, by: 'eve', reason: 'sold', at: T0 }],
]
const marks = baselines(['billing', 'payroll'], ['hr', 'roles'])

/** Everything that is told of each home, in order, but for which record brought it. */
function toldOfEach({ outputs }: ProcessorDriver<'facts'>): Record<string, string[]> {
  const each: Record<string, string[]> = {}
  for (const { topic, record } of outputs) {
    if ('home' in record) (each[record.home] ??= []).push(`${topic} ${JSON.stringify(record, (key, value: unknown) => (key === 'cause' ? undefined : value))}`)
  }
  return each
}

/** Something comes to all homes, and then facts to some; a mark that comes is not there before. */
const histories = fc.record({ facts: subjects, keys: shuffleKeys, news: fc.nat() })
  .map(({ facts, keys, news: n }) => {
    const all = surroundings().flat()
    const later = [...edits(), ...marks.map((one): FactRecord[] => [one])]
    const news = later[n % later.length]!
    const isNews = (record: FactRecord): boolean => JSON.stringify(record) === JSON.stringify(news[0])
    const before = [...all.filter((record) => !isNews(record)), ...facts.map(([first]) => first!)]
    return { before: [tick(T0 + DAY), ...before], then: [...news, ...interleaved(facts.map((versions) => versions.slice(1)), keys)] }
  })

describe('what lags behind', () => {
  it('changes nothing of what any home is told, nor the order, while time stands', () => {
    let overtaken = 0
    fc.assert(fc.property(histories, ({ before, then }) => {
      const [fast, lagging] = [settled(before, reconcile), settled(before)] as const
      fast.push(...then)
      for (const record of then) {
        lagging.push(record)
        if (lagging.lags) overtaken++
      }
      lagging.catchUp()
      expect(toldOfEach(lagging)).toEqual(toldOfEach(fast))
    }), { numRuns: 100 })
    expect(overtaken).toBeGreaterThan(200)
  })
})
