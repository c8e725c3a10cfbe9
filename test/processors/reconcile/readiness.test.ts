import { describe, expect, it } from 'vitest'
import type { Baseline } from '../../../schemas/wire/facts.ts'
import { alone, app, DAY, desired, entry, findings, given, mark, policy, reference, sources, T0, tick, told } from './given.ts'

const partitions = { raw: 2, intent: 3, facts: 1 }
const wide = () => [tick(T0 + 10), app('billing'), policy(), sources(['billing'], ['hr', 'roles'], partitions)]
const stage = (name: Baseline['stage'], source: string): Baseline[] => {
  const writers = name === 'observed' ? partitions.raw : partitions.intent
  const vias = name === 'keys' ? [0, 1] : [null]
  return Array.from({ length: writers }, (_, writer) => vias.map((via) => mark(name, source, { writer, via, at: T0 + writer }))).flat()
}
const feeds = () => ['hr', 'roles'].flatMap((feed) => [...stage('desired', feed), ...stage('keys', feed)])

describe('readiness', () => {
  it('needs the desired and keys mark of every feed from every writer, none may be missing', () => {
    const marks = feeds()
    for (const last of marks) {
      const driver = given([...wide(), alone('a', []), ...marks.filter((one) => one !== last)])
      expect(told(driver.outputs)).toEqual([])
      expect(told(driver.push(last))).toEqual(['opened orphaned-account a'])
    }
  })

  it('does not count a mark twice, nor one of another writer or class', () => {
    const [first, second] = stage('observed', 'billing')
    const driver = given([...wide(), ...feeds(), desired('ann', [entry('pay')]), first!, first!, { ...first!, at: T0 + 9 }])
    expect(told(driver.push({ ...second!, class: 'grants' }, { ...second!, writer: 7 }, { ...second!, source: 'payroll' }))).toEqual([])
    expect(told(driver.push(second!))).toEqual(['opened missing-grant pay'])
  })

  it('counts marks that came before the sources did', () => {
    const [time, setting, rules, what] = wide()
    const driver = given([time!, setting!, rules!, ...feeds(), ...stage('observed', 'billing'), alone('a', []), desired('ann', [entry('pay')])])
    expect(told(driver.outputs)).toEqual([])
    expect(told(driver.push(what!))).toEqual(['opened orphaned-account a', 'opened missing-grant pay'])
  })

  it('counts anew when the sources change, apps as well as feeds', () => {
    const [observed] = stage('observed', 'billing')
    const driver = given([...wide(), ...feeds(), observed!, desired('ann', [entry('pay')])])
    expect(told(driver.outputs)).toEqual([])
    expect(told(driver.push(sources(['billing'], ['hr', 'roles'], { ...partitions, raw: 1 })))).toEqual(['opened missing-grant pay'])
  })

  it('dates an app’s baseline by the last of its first marks', () => {
    const driver = given([...wide(), app('billing', 1), ...feeds(), desired('ann', [entry('pay')]), ...stage('observed', 'billing')])
    driver.push(...stage('observed', 'billing').map((one) => ({ ...one, at: T0 + 5_000 })))
    expect(told(driver.push(tick(T0 + 1_000)))).toEqual([])
    expect(findings(driver.push(tick(T0 + 1_001)))).toMatchObject([{ kind: 'missing-grant' }])
  })

  it('of the feeds is heard of at every home that it matters to, also at those without an account', () => {
    const marks = feeds()
    const left = [desired('bob', [], { status: 'ended', end: T0 - DAY }), reference('bob', 's')]
    const before = [...wide(), ...stage('observed', 'billing'), desired('ann', [entry('pay')]), ...left]
    const driver = given([...before, ...marks.slice(0, -1)])
    expect(told(driver.outputs)).toEqual([])
    expect(told(driver.push(marks.at(-1)!)).sort()).toEqual(['opened missing-grant pay', 'opened owner-left s'])
  })

  it('is never there without a feed: nobody has said what should be', () => {
    expect(told(given([tick(T0), app('billing'), policy(), sources(['billing'], []), alone('a', ['pay'])]).outputs)).toEqual([])
  })
})
