import { describe, expect, it } from 'vitest'
import { entitleAt } from '../../../processors/entitle/entitle.ts'
import type { IntentRecord } from '../../../schemas/wire/intent.ts'
import type { Output } from '../../support/processor-driver.ts'
import { assignment, brief, briefLapses, desired, of, person, request, role, runOf, started, tick, types } from './given.ts'
import type { Driver } from './given.ts'

/** Each record brings on one person or account of what lags behind. */
const slow = entitleAt({ perSubject: 1, perMark: 1 })
const ids = ['ann', 'bob', 'cid', 'dot', 'eve']

/** Five people with one role, which grants `crm:a`. */
function five(): Driver {
  const driver = started({}, slow)
  driver.push(role('clerk', ['crm:a']), ...ids.flatMap((id): IntentRecord[] => [person(id), assignment(`of-${id}`, id, 'clerk')]))
  driver.catchUp()
  return driver
}

const edit = (observed = 2_000_000, grants = ['crm:b']): IntentRecord => role('clerk', grants, { observed, valid: observed / 1_000 })
const concerned = (outputs: readonly Output[]): string[] => of(outputs, 'Desired').map(({ identity }) => identity)

describe('an edit that concerns many', () => {
  it('is overtaken by somebody who leaves: what the edit took ended with the edit, the rest with the end', () => {
    const driver = five()
    driver.push(tick(2_000))
    expect(concerned(driver.push(edit()))).toEqual([])
    driver.push(tick(3_000))
    const overtaking = driver.push(person('eve', { status: 'ended', end: 2_500, observed: 3_000_000 }))
    expect(concerned(overtaking)).toEqual(['eve', 'eve', 'bob'])
    expect(briefLapses(of(overtaking, 'Desired')[0]!.lapsed)).toEqual(['crm:a withdrawn@2000 business-role:clerk'])
    expect(briefLapses(desired(driver, 'eve').lapsed)).toEqual(['crm:a withdrawn@2000 business-role:clerk', 'crm:b ended@2500 business-role:clerk'])
    expect(concerned(driver.catchUp())).toEqual(['cid', 'dot'])
    expect(brief(desired(driver, 'dot').entries)).toEqual(['crm:b 2000- business-role:clerk'])
  })

  it('is overtaken by what is asked for, and by what falls due', () => {
    const driver = five()
    driver.push(request('r1', 'dot', 'crm:x', { until: 2_500 }), tick(2_000), edit())
    expect(concerned(driver.push(request('r2', 'eve', 'crm:y')))).toEqual(['eve', 'eve', 'ann'])
    const due = driver.push(tick(3_000))
    expect(concerned(due)).toEqual(['dot', 'bob'])
    expect(briefLapses(desired(driver, 'dot').lapsed)).toEqual(['crm:a withdrawn@2000 business-role:clerk', 'crm:x expired@2500 request:r1'])
    expect(concerned(driver.catchUp())).toEqual(['cid'])
  })

  it('and another one after it: each comes to everybody', () => {
    const driver = five()
    driver.push(tick(2_000), edit(), tick(3_000), edit(3_000_000, ['crm:c']))
    driver.catchUp()
    for (const id of ids) expect(brief(desired(driver, id).entries)).toEqual(['crm:c 3000- business-role:clerk'])
    expect([driver.table('role-changes').size, driver.table('swept-roles').size, driver.table('later').size]).toEqual([0, 0, 0])
  })

  it('comes to those whom a role names by their attributes alone, and to nobody else', () => {
    const driver = started({}, slow)
    driver.push(...ids.map((id, n): IntentRecord => person(id, { attributes: { site: n < 3 ? 'north' : 'south' } })))
    driver.push(role('here', ['crm:h'], { when: { site: 'north' } }))
    expect(concerned(driver.catchUp())).toEqual(['ann', 'bob', 'cid'])
  })
})

describe('a run of a feed', () => {
  it('is vouched for when all that it changed is derived, and not before', () => {
    const driver = five()
    const [begin, one, definitionsEnd, end] = runOf('business-roles', [role('clerk', ['crm:b'])], { run: 1 })
    driver.push(begin!, one!)
    expect(concerned(driver.push(definitionsEnd!))).toEqual([])
    expect(types(driver.push(end!))).toEqual(['Desired'])
    expect(types(driver.catchUp())).toEqual([...ids.slice(1).map(() => 'Desired'), 'SyncRun', 'Baseline', 'KeysBaseline'])
  })

  it('may be followed by the next one of that feed before it is finished; each tells its own absences', () => {
    const driver = five()
    const assignments = ids.map((id) => assignment(`of-${id}`, id, 'clerk'))
    driver.push(...runOf('role-assignments', assignments, { run: 1 }))
    driver.catchUp()
    driver.push(tick(30_000), edit(30_000_000))
    driver.push(...runOf('role-assignments', assignments.slice(0, 3), { run: 4 }), ...runOf('role-assignments', assignments.slice(0, 2), { run: 5 }))
    expect(driver.lags).toBe(true)
    driver.catchUp()
    expect(of(driver.outputs, 'SyncRun').map(({ run, absent }) => [run, absent])).toEqual([[1, 0], [4, 2], [5, 1]])
    for (const id of ids.slice(2)) expect(desired(driver, id).entries).toEqual([])
  })

  it('that speaks of many is overtaken too: each person is derived once, with the time at which it changed', () => {
    const driver = five()
    const given = ids.map((id) => request(`r-${id}`, id, 'crm:x'))
    const [begin, definitionsEnd, ...rest] = runOf('requests', given, { run: 1 })
    driver.push(begin!, definitionsEnd!, ...rest)
    const overtaking = driver.push(person('eve', { status: 'ended', end: 900, observed: 3_000_000 }))
    expect(concerned(overtaking).filter((id) => id === 'eve')).toEqual(['eve', 'eve'])
    expect(concerned(driver.catchUp()).filter((id) => id === 'eve')).toEqual([])
    for (const id of ids.slice(0, 4)) expect(brief(desired(driver, id).entries)).toEqual(['crm:a 200- business-role:clerk', 'crm:x 200- request:r-' + id])
    expect(driver.table('postponed').size).toBe(0)
    expect(driver.table('settling').size).toBe(0)
  })
})
