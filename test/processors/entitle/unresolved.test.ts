import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entitle } from '../../../processors/entitle/entitle.ts'
import type { IntentObject } from '../../../processors/entitle/objects.ts'
import { classOf, subjectOf } from '../../../processors/entitle/objects.ts'
import type { IntentRecord } from '../../../schemas/wire/intent.ts'
import type { SyncRun } from '../../../schemas/wire/results.ts'
import { compareKeys } from '../../../src/core/order.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'
import type { Driver } from './given.ts'
import { aboutAccount, assignment, decision, feedOf, of, person, request, role, runOf, started, tick } from './given.ts'

const epoch: IntentRecord = { type: 'Epoch', processor: 'entitle', version: entitle.version, stateFormat: 1, release: '0', from: { offset: 0, index: 0 }, resumed: null }
let runs = 100

/** That somebody vouches for the people and the roles. */
const vouched: IntentRecord[] = ['hr', 'roles'].map((source) => ({ type: 'Ruling', source, kind: 'baseline', run: null, by: 'admin', reason: 'checked', at: 1_000 }))

/** What a run of the feed tells that shows nothing and proves nothing. */
function told(driver: Driver, type: IntentObject['type'], first: readonly IntentRecord[] = vouched): SyncRun['unresolved'] {
  driver.push(...first)
  const name = { Identity: 'identities', BusinessRole: 'business-roles', RoleAssignment: 'role-assignments', AccessRequest: 'requests', Decision: 'decisions', AccountLink: 'links' } as const
  driver.catchUp()
  return of(driver.push(...runOf(name[type], [], { run: ++runs, verdict: 'unknown' })), 'SyncRun').at(-1)!.unresolved
}

describe('a run of a feed', () => {
  it('tells whom it names that no feed of identities has told of, until one does', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'crm:a'), request('r2', 'P99', 'crm:a'), request('r3', 'P99', 'crm:b'), decision('d1', 'P98', 'crm:a', 'revoke', 300))
    expect(told(driver, 'AccessRequest')).toEqual({ count: 1, some: ['identity/P99'] })
    expect(told(driver, 'Decision')).toEqual({ count: 1, some: ['identity/P98'] })
    driver.push(person('P99'))
    expect(told(driver, 'AccessRequest')).toBeNull()
    expect(told(driver, 'Decision')).toEqual({ count: 1, some: ['identity/P98'] })
  })

  it('tells roles that it assigns and nobody defines', () => {
    const driver = started()
    driver.push(person('ann'), person('bob'), assignment('a1', 'ann', 'R7'), assignment('a2', 'bob', 'R7'), assignment('a3', 'bob', 'R8'))
    expect(told(driver, 'RoleAssignment')).toEqual({ count: 2, some: ['role/R7', 'role/R8'] })
    driver.push(role('R7', ['crm:a']))
    expect(told(driver, 'RoleAssignment')).toEqual({ count: 1, some: ['role/R8'] })
    driver.push(role('R7', [], { removed: true, observed: 2_000_000 }))
    expect(told(driver, 'RoleAssignment')).toEqual({ count: 2, some: ['role/R7', 'role/R8'] })
  })

  it('tells nothing before the people, and of roles before the roles, were told of once', () => {
    const driver = started()
    driver.push(...runOf('requests', [request('r1', 'P99', 'crm:a')], { run: 1 }), ...runOf('role-assignments', [assignment('a1', 'ann', 'R7')], { run: 1 }))
    expect(of(driver.outputs, 'SyncRun').map(({ unresolved }) => unresolved)).toEqual([null, null])
    driver.push(...runOf('identities', [person('ann')], { run: 1 }))
    expect(told(driver, 'AccessRequest', [])).toEqual({ count: 1, some: ['identity/P99'] })
    expect(told(driver, 'RoleAssignment', [])).toBeNull()
    driver.push(...runOf('business-roles', [], { run: 1 }))
    expect(told(driver, 'RoleAssignment', [])).toEqual({ count: 1, some: ['role/R7'] })
  })

  it('tells nobody who has left, nothing that has ended, and nothing that is gone', () => {
    const driver = started()
    driver.push(person('ann', { status: 'ended', end: 500 }), request('r1', 'ann', 'crm:a'), request('r2', 'old', 'crm:a', { until: 900 }), request('r3', 'P99', 'crm:a'))
    driver.push(request('r3', 'P99', 'crm:a', { removed: true, observed: 2_000_000 }))
    expect(told(driver, 'AccessRequest')).toBeNull()
  })

  it('tells what ends until then, of whom nobody told and of whom somebody did', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'P99', 'crm:a', { until: 5_000 }), request('r2', 'P99', 'crm:a', { until: 7_000 }), request('r3', 'P98', 'crm:a', { until: 7_000 }))
    driver.push(assignment('a1', 'ann', 'R7', { until: 5_000 }), assignment('a2', 'ann', 'R8', { until: 7_000 }), assignment('a3', 'P97', 'R8', { until: 9_000 }), tick(6_000))
    expect(told(driver, 'AccessRequest')).toEqual({ count: 2, some: ['identity/P98', 'identity/P99'] })
    expect(told(driver, 'RoleAssignment')).toEqual({ count: 2, some: ['identity/P97', 'role/R8'] })
    driver.push(person('P98'), person('P97'), tick(7_000))
    expect(told(driver, 'AccessRequest')).toBeNull()
    expect(told(driver, 'RoleAssignment')).toEqual({ count: 1, some: ['role/R8'] })
    driver.push(tick(9_000))
    expect(told(driver, 'RoleAssignment')).toBeNull()
    expect(['timers', 'unresolved', 'unresolved-counted', 'unresolved-at'].map((name) => driver.table(name).size)).toEqual([0, 0, 0, 0])
  })

  it('tells nothing once the feed is retired that was vouched for, nor before it is known which feeds there are', () => {
    const driver = started()
    driver.push(...vouched)
    driver.catchUp()
    driver.push({ type: 'Ruling', source: 'hr', kind: 'retire', run: null, by: 'admin', reason: 'left', at: 2_000 }, request('r1', 'P99', 'crm:a'))
    expect(told(driver, 'AccessRequest', [])).toBeNull()
    const unset = new ProcessorDriver(entitle)
    unset.push(tick(1_000), request('r1', 'P99', 'crm:a'))
    expect(told(unset, 'AccessRequest', [])).toBeNull()
  })

  it('writes nothing where somebody is derived anew who names the same', () => {
    const driver = started()
    driver.push(person('ann'), assignment('a1', 'ann', 'R7', { until: 5_000 }), request('r1', 'P99', 'crm:a'))
    const before = driver.table('unresolved-at')
    driver.rewrite('unresolved-at', (row: object) => ({ ...row, untouched: true }))
    driver.push(person('ann', { display: 'Ann', observed: 2_000_000 }), request('r2', 'P99', 'crm:b'))
    expect([...driver.table('unresolved-at')]).toEqual([...before].map(([key, row]) => [key, { ...(row as object), untouched: true }]))
  })

  it('tells it whichever of it was in the state of an older version', () => {
    const driver = started()
    driver.push(person('ann'), assignment('a1', 'ann', 'R7'), request('r1', 'P99', 'crm:a'), request('r2', '', 'erp:a', aboutAccount('svc')))
    for (const table of ['unresolved', 'unresolved-counted', 'unresolved-at']) driver.forget(table)
    expect(told(driver, 'AccessRequest')).toBeNull()
    driver.push(epoch)
    expect(told(driver, 'AccessRequest')).toEqual({ count: 1, some: ['identity/P99'] })
    expect(told(driver, 'RoleAssignment')).toEqual({ count: 1, some: ['role/R7'] })
  })
})

const who = fc.constantFrom('ann', 'bob', 'cid', 'dan')
const which = fc.constantFrom('sales', 'plant', 'staff')
const until = fc.constantFrom(null, 900, 5_000, 6_000)
/** Several versions of each object, in the order of their stamps. */
const world = fc.array(fc.oneof(
  fc.record({ id: who, removed: fc.boolean() }).map(({ id, removed }): IntentObject => person(id, { removed })),
  fc.record({ id: which, removed: fc.boolean() }).map(({ id, removed }): IntentObject => role(id, ['crm:a'], { removed })),
  fc.record({ id: fc.nat(4), who, which, until, removed: fc.boolean() }).map(({ id, who: identity, which: name, ...rest }): IntentObject => assignment(`a${id}`, identity, name, rest)),
  fc.record({ id: fc.nat(4), who, until, removed: fc.boolean() }).map(({ id, who: identity, ...rest }): IntentObject => request(`r${id}`, identity, 'crm:a', rest)),
), { maxLength: 25 }).map((objects) => objects.map((object, i): IntentObject => ({ ...object, observed: (i + 1) * 10_000 })))

it('is what a look at all that is said finds', () => {
  fc.assert(fc.property(world, fc.constantFrom(1_000, 5_000, 5_500, 6_000), fc.nat(25), fc.boolean(), (objects, now, early, reload) => {
    const driver = started({ reload })
    driver.push(...objects.slice(0, early), tick(now), ...objects.slice(early), tick(now))
    const last = [...new Map(objects.map((object) => [`${object.type}/${object.id}`, object])).values()]
    const people = new Set(objects.flatMap((object) => (object.type === 'Identity' ? [`identity/${object.id}`] : [])))
    const roles = new Set(last.flatMap((object) => (object.type === 'BusinessRole' && !object.removed ? [object.id] : [])))
    for (const type of ['RoleAssignment', 'AccessRequest'] as const) {
      const names = new Set(last.flatMap((object) => {
        if (object.type !== type || object.removed || (object.until !== null && object.until <= now)) return []
        const subject = subjectOf(object)!
        if (!people.has(subject)) return [subject]
        return object.type === 'RoleAssignment' && !roles.has(object.role) ? [`role/${object.role}`] : []
      }))
      const some = [...names].sort(compareKeys)
      expect(told(driver, type) ?? { count: 0, some: [] }, feedOf[type]).toEqual({ count: some.length, some: some.slice(0, 5) })
    }
  }), { numRuns: 150 })
})

const step = fc.oneof(
  { weight: 6, arbitrary: world.map((objects) => ({ does: 'say' as const, objects: objects.slice(0, 2) })) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('say' as const), objects: fc.tuple(fc.nat(4), who, fc.boolean()).map(([id, name, ofAccount]) => [request(`r${id}`, ofAccount ? '' : name, 'erp:a', ofAccount ? aboutAccount(name) : {})]) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('run' as const), objects: world, ends: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constantFrom(400, 2_500).map((by) => ({ does: 'wait' as const, by })) },
  { weight: 1, arbitrary: fc.constantFrom('hr', 'roles', 'assignments', 'requests').map((source) => ({ does: 'retire' as const, source })) },
)

it('is what deriving all anew finds, whatever happened', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), fc.constantFrom(1, 3, 1_000), fc.boolean(), (steps, rows, reload) => {
    const driver = started({ reload, budget: () => rows })
    let [stamp, now, run] = [1_000_000, 1_000, 0]
    for (const one of steps) {
      if (one.does === 'wait') driver.push(tick((now += one.by)))
      else if (one.does === 'retire') driver.push({ type: 'Ruling', source: one.source, kind: 'retire', run: null, by: 'admin', reason: 'left', at: now })
      else if (one.does === 'say') driver.push(...one.objects.map((object): IntentObject => ({ ...object, observed: (stamp += 1_000) })))
      else {
        const first = one.objects[0]?.type ?? 'AccessRequest'
        const shown = one.objects.filter(({ type, removed }) => type === first && !removed)
        const records = runOf(classOf[first], [...new Map(shown.map((object) => [object.id, object])).values()], { run: ++run, begin: (stamp += 1_000) })
        driver.push(...(one.ends ? records : records.slice(0, 2)))
      }
    }
    driver.push(tick(now))
    driver.catchUp()
    const tables = (): unknown[] => ['unresolved', 'unresolved-counted', 'unresolved-at', 'timers'].map((name) => new Map([...driver.table(name)].map(([key, row]) => [key, sorted(row)])))
    const before = tables()
    for (const name of ['unresolved', 'unresolved-counted', 'unresolved-at']) driver.forget(name)
    driver.push(epoch)
    expect(before).toEqual(tables())
  }), { numRuns: 300 })
})

/** The names of a row in an order of their own: they lie there as they came. */
const sorted = (row: unknown): unknown => (typeof row === 'object' && row !== null && 'named' in row ? { ...row, named: (row.named as string[][]).map(String).sort() } : row)
