import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entitle, entitleAt } from '../../../processors/entitle/entitle.ts'
import type { IntentObject } from '../../../processors/entitle/objects.ts'
import type { IntentRecord } from '../../../schemas/wire/intent.ts'
import { compareKeys } from '../../../src/core/order.ts'
import type { DriverOptions } from '../../support/processor-driver.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'
import type { Driver } from './given.ts'
import { aboutAccount, assignment, decision, desired, link, noBrake, of, person, request, role, runOf, tick } from './given.ts'

const ids = ['ann', 'bob', 'cid']
const time = fc.integer({ min: 1, max: 40 }).map((n) => n * 100)
const until = fc.option(time, { nil: null })
const who = fc.constantFrom(...ids)
const roleId = fc.constantFrom('sales', 'plant', 'staff')
const entitlement = fc.constantFrom('crm:read', 'crm:write', 'erp:post')
const attributes = fc.record({ department: fc.constantFrom('sales', 'plant'), site: fc.constantFrom('north', 'south') })
/** Stamps before the first tick, at 1,000 ms: what is due by them has begun. */
const observed = fc.integer({ min: 1, max: 900 }).map((ms) => ms * 1000)
const valid = fc.option(fc.integer({ min: 1, max: 900 }), { nil: null })
const removed = fc.integer({ min: 0, max: 9 }).map((n) => n === 0)
const facet = { observed, valid, removed }

const identities = fc.record({
  id: who, start: fc.option(time, { nil: null }), end: until, attributes, ...facet, ended: fc.boolean(),
  keys: fc.array(fc.record({ space: fc.constantFrom('mail', 'number'), key: fc.constantFrom('A', 'b', 'C'), since: fc.option(time, { nil: null }) }), { maxLength: 3 }),
}).map(({ id, ended, ...rest }): IntentObject => person(id, rest.removed || ended ? { ...rest, status: 'ended', end: 500 } : { ...rest }))
const roles = fc.record({
  id: roleId, grants: fc.uniqueArray(entitlement, { maxLength: 3 }), ...facet, when: fc.oneof(fc.constant({}), attributes, fc.constant({ site: 'north' })),
}).map(({ id, grants, ...rest }): IntentObject => role(id, grants, rest))
const assignments = fc.record({ id: fc.constantFrom('a1', 'a2', 'a3'), who, roleId, from: time, until, ...facet })
  .map(({ id, who: identity, roleId: of, ...rest }): IntentObject => assignment(id, identity, of, rest))
const aboutWhom = fc.oneof({ weight: 3, arbitrary: who.map((identity) => ({ subject: { identity, app: null, account: null } })) }, { weight: 1, arbitrary: fc.constantFrom('svc', 'api').map(aboutAccount) })
const requests = fc.record({ id: fc.constantFrom('r1', 'r2', 'r3', 'r4'), aboutWhom, entitlement, from: time, until, ...facet })
  .map(({ id, aboutWhom: about, entitlement: name, ...rest }): IntentObject => request(id, '', name, { ...rest, ...about }))
const decisions = fc.record({ id: fc.constantFrom('d1', 'd2', 'd3'), aboutWhom, entitlement, verdict: fc.constantFrom('keep', 'revoke'), at: time, ...facet })
  .map(({ id, aboutWhom: about, entitlement: name, verdict, at, ...rest }): IntentObject => decision(id, '', name, verdict as 'keep', at, { ...rest, ...about }))
const links = fc.record({ id: fc.constantFrom('l1', 'l2', 'l3'), account: fc.constantFrom('svc', 'api'), who, relation: fc.constantFrom('holder', 'owner'), ...facet })
  .map(({ id, account, who: identity, relation, ...rest }): IntentObject => link(id, account, identity, { ...rest, relation: relation as 'holder' }))

const nameOf = ({ type, id }: IntentObject): string => `${type}/${id}`
/** One version of each object: which came first of several is what the order is for. */
const world = fc.uniqueArray(fc.oneof(identities, identities, roles, assignments, requests, decisions, links), { maxLength: 16, selector: nameOf })
const ticks = fc.array(fc.integer({ min: 10, max: 45 }).map((n) => tick(n * 100)), { maxLength: 4 })

/** One derivation with a record about somebody, three with any other: what is to be done for several people lags behind. */
const slow = entitleAt({ perSubject: 1, perMark: 40 })
const paces = [['as fast as usual', entitle], ['with work that lags behind', slow]] as const

function run(records: readonly IntentRecord[], type = entitle, options: DriverOptions = {}): Driver {
  const driver = new ProcessorDriver(type, options)
  driver.push(noBrake, tick(1_000), ...records)
  driver.catchUp()
  return driver
}

/** The last word on every subject, without which record said it. */
function lastWords(driver: Driver): string[] {
  const last = new Map<string, string>()
  for (const { record } of driver.outputs) {
    if (record.type !== 'Desired' && record.type !== 'KeyBook' && record.type !== 'AccountIntent') continue
    const name = record.type === 'AccountIntent' ? record.id : record.identity
    const text = JSON.stringify(record, (key, value: unknown) => (['cause', 'sources', 'source', 'revision'].includes(key) ? undefined : value))
    last.set(`${record.type}/${name}`, text)
  }
  return [...last].sort(([a], [b]) => compareKeys(a, b)).map(([name, text]) => `${name} ${text}`)
}

describe.each(paces)('the order of arrival, %s', (_name, type) => {
  it('changes no last word: people, roles, requests and decisions in any order, with time passing in between', () => {
    fc.assert(fc.property(
      world.chain((objects) => fc.tuple(fc.constant(objects), fc.shuffledSubarray(objects, { minLength: objects.length }), ticks, fc.infiniteStream(fc.nat()))),
      ([objects, shuffled, passing, places]) => {
        const mixed: IntentRecord[] = [...shuffled]
        for (const at of passing) mixed.splice((places.next().value as number) % (mixed.length + 1), 0, at)
        const end = tick(5_000)
        expect(said(run([...mixed, end], type))).toEqual(said(run([...objects, end])))
      },
    ), { numRuns: 150 })
  })
})

/** Of accounts that nobody has anything to say about any more it is the same to say so and to say nothing. */
function said(driver: Driver): string[] {
  return lastWords(driver).filter((text) => !text.includes('"link":null,"owner":null,"entries":[],"lapsed":[]'))
}

/** Any history: several versions of objects, runs that are complete or cut short, ticks. */
const history = fc.array(fc.oneof(
  { weight: 4, arbitrary: fc.oneof(identities, roles, assignments, requests, decisions, links).map((object): IntentRecord[] => [object]) },
  { weight: 1, arbitrary: fc.integer({ min: 10, max: 45 }).map((n) => [tick(n * 100)]) },
  { weight: 2, arbitrary: fc.record({ complete: fc.boolean(), brakes: fc.boolean(), objects: fc.oneof(
    fc.array(identities, { maxLength: 4 }).map((objects) => ['identities', objects] as const), fc.array(roles, { maxLength: 4 }).map((objects) => ['business-roles', objects] as const),
    fc.array(requests, { maxLength: 4 }).map((objects) => ['requests', objects] as const),
  ) }).map(({ complete, objects: [name, objects] }) => runOf(name, objects, { run: 0, begin: 0, verdict: complete ? 'complete' : 'partial' })) },
), { maxLength: 14 }).map((steps) => steps.flatMap((records, step) => numbered(records, step + 1)))

/** Each step is observed after the one before it. */
const numbered = (records: readonly IntentRecord[], step: number): IntentRecord[] => records.map((record) => {
  const later = 'observed' in record ? { ...record, observed: record.observed + step * 1_000_000 } : record
  return 'run' in later && later.run !== null ? { ...later, run: step } : later
})

/** Everybody has a role, and roles are edited while time passes and other things are said of the same people. */
const edits = fc.array(fc.oneof(
  { weight: 3, arbitrary: roles.map((object): IntentRecord[] => [object]) },
  { weight: 2, arbitrary: fc.integer({ min: 10, max: 45 }).map((n) => [tick(n * 100)]) },
  { weight: 3, arbitrary: fc.oneof(identities, assignments, requests).map((object): IntentRecord[] => [object]) },
  { weight: 1, arbitrary: fc.array(assignments, { maxLength: 3 }).map((objects) => runOf('role-assignments', objects, { run: 0, begin: 0 })) },
), { minLength: 4, maxLength: 20 }).map((steps) => [...everybody, ...steps.flatMap((records, step) => numbered(records, step + 1))])
const everybody: IntentRecord[] = ['abe', ...ids, 'dot', 'eve'].flatMap((id) => [
  person(id, { observed: 1, attributes: { department: 'sales', site: 'north' } }), assignment(`of-${id}`, id, 'staff', { observed: 1 }), assignment(`also-${id}`, id, 'plant', { observed: 1 }),
])

describe('work that lags behind', () => {
  it('changes nothing of what anybody has in the end, and why; of edits that follow each other sooner only the last is seen', () => {
    const held = (driver: Driver): string[] => [...ids, 'abe', 'dot', 'eve'].map((id) => {
      const { status, entries } = desired(driver, id)
      return `${id} ${status} ${entries.map(({ app, entitlement, reasons }) => `${app}:${entitlement} ${reasons.map((reason) => reason.id).join(' ')}`).join(', ')}`
    })
    fc.assert(fc.property(edits, (records) => {
      expect(held(run(records, slow))).toEqual(held(run(records)))
    }), { numRuns: 60 })
  })

  it('lags in such histories', () => {
    const lagged = fc.sample(edits, { numRuns: 60, seed: 7 }).filter((records) => {
      const driver = new ProcessorDriver(slow)
      driver.push(noBrake, tick(1_000))
      return records.filter((record) => driver.push(record).length > 0 && driver.lags).length > 1
    })
    expect(lagged.length).toBeGreaterThan(20)
  })
})

describe.each(paces)('reloading and slicing, %s', (_name, type) => {
  it('changes no output and no state: a new instance after every record and slice, slices of any size', () => {
    fc.assert(fc.property(fc.oneof(history, edits), fc.infiniteStream(fc.integer({ min: 1, max: 3 })), (records, sizes) => {
      const whole = run(records, type)
      const pieces = run(records, type, { reload: true, budget: () => sizes.next().value as number })
      expect(pieces.outputs).toEqual(whole.outputs)
      expect(pieces.dump()).toBe(whole.dump())
    }), { numRuns: 80 })
  })

  it('runs into something: such histories send every kind of output', () => {
    const seen = new Set(fc.sample(history, { numRuns: 60, seed: 7 }).flatMap((records) => run(records, type).outputs.map(({ record }) => record.type)))
    expect([...seen].sort()).toEqual(['AccountIntent', 'Baseline', 'DeadLetter', 'Desired', 'KeyBook', 'KeysBaseline', 'SyncRun'])
  })

  it('only ever grows revisions, and repeats nothing that it said', () => {
    fc.assert(fc.property(history, (records) => {
      const { outputs } = run(records, type)
      for (const id of ids) {
        const revisions = of(outputs, 'KeyBook').filter(({ identity }) => identity === id).map(({ revision }) => revision)
        expect(revisions).toEqual(revisions.map((_, i) => i + 1))
        const words = of(outputs, 'Desired').filter(({ identity }) => identity === id)
          .map((record) => JSON.stringify(record, (key, value: unknown) => (['cause', 'sources', 'source'].includes(key) ? undefined : value)))
        words.forEach((word, i) => expect(word).not.toBe(words[i - 1]))
      }
    }), { numRuns: 60 })
  })
})
