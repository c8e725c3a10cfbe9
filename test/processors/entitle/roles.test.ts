import { describe, expect, it } from 'vitest'
import { assignment, brief, briefLapses, desired, of, person, role, runOf, started, tick, types } from './given.ts'

describe('business roles of a run', () => {
  it('wait for the end of the definitions and take effect together', () => {
    const driver = started()
    driver.push(person('ann', { attributes: { department: 'sales' } }))
    const [begin, first, second, definitionsEnd, end] = runOf('business-roles', [
      role('sales', ['crm:read'], { when: { department: 'sales' } }), role('all', ['hr:leave'], { when: { department: 'sales' } }),
    ], { run: 1 })
    expect(driver.push(begin!, first!, second!)).toEqual([])
    expect(types(driver.push(definitionsEnd!))).toEqual(['Desired'])
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 100- business-role:sales', 'hr:leave 100- business-role:all'])
    expect(types(driver.push(end!))).toEqual(['SyncRun', 'Baseline', 'KeysBaseline'])
  })

  it('the last record of one role counts, and none older than what was pushed meanwhile', () => {
    const driver = started()
    driver.push(person('ann'), assignment('a1', 'ann', 'clerk'))
    const [begin, first, second, definitionsEnd] = runOf('business-roles', [role('clerk', ['crm:a']), role('clerk', ['crm:b'])], { run: 1 })
    driver.push(begin!, first!, second!, definitionsEnd!)
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:b 200- business-role:clerk'])
    const [again, old, ended] = runOf('business-roles', [role('clerk', ['crm:c'])], { run: 2 })
    driver.push(again!, old!, role('clerk', ['crm:d'], { observed: 21_000_000, valid: 21_000 }), ended!)
    expect(brief(desired(driver, 'ann').entries)).toEqual([])
    driver.push(tick(30_000))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:d 21000- business-role:clerk'])
  })

  it('are dropped if the run is abandoned before their end', () => {
    const driver = started()
    driver.push(person('ann'), assignment('a1', 'ann', 'clerk'))
    const [begin, first] = runOf('business-roles', [role('clerk', ['crm:a'])], { run: 1 })
    driver.push(begin!, first!)
    const outputs = driver.push(...runOf('business-roles', [role('other', ['crm:b'])], { run: 2 }))
    expect(of(outputs, 'SyncRun')).toMatchObject([{ run: 1, verdict: 'partial', reason: 'run 2 began before run 1 ended' }, { run: 2, verdict: 'complete' }])
    expect(driver.table('staged').size).toBe(0)
    expect(desired(driver, 'ann').entries).toEqual([])
  })

  it('disappear by absence from a complete run only', () => {
    const driver = started()
    driver.push(person('ann'), assignment('a1', 'ann', 'clerk'), assignment('a2', 'ann', 'boss'))
    const both = [role('clerk', ['crm:a']), role('boss', ['crm:b'])]
    driver.push(...runOf('business-roles', both, { run: 1 }), ...runOf('business-roles', both.slice(0, 1), { run: 2, verdict: 'partial' }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:a 200- business-role:clerk', 'crm:b 200- business-role:boss'])
    const outputs = driver.push(...runOf('business-roles', both.slice(0, 1), { run: 3 }))
    expect(types(outputs)).toEqual(['Desired', 'SyncRun', 'Baseline', 'KeysBaseline'])
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:a 200- business-role:clerk'])
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['crm:b withdrawn@1000 business-role:boss'])
  })
})

describe('an edit of a business role', () => {
  it('adds a grant from the day of the edit, and withdraws one; what stays goes on', () => {
    const driver = started()
    driver.push(person('ann'), assignment('a1', 'ann', 'clerk'), role('clerk', ['crm:a', 'crm:b']))
    driver.push(role('clerk', ['crm:b', 'crm:c'], { observed: 2_000_000, valid: 900 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:b 200- business-role:clerk', 'crm:c 900- business-role:clerk'])
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['crm:a withdrawn@900 business-role:clerk'])
  })

  it('of its condition begins nothing anew for whom it matched before and does still', () => {
    const driver = started()
    driver.push(person('ann', { attributes: { department: 'sales', site: 'north' } }), person('bob', { attributes: { department: 'sales', site: 'south' } }))
    driver.push(role('sales', ['crm:a'], { when: { department: 'sales' } }))
    driver.push(role('sales', ['crm:a'], { when: { department: 'sales', site: 'north' }, observed: 2_000_000, valid: 900 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:a 100- business-role:sales'])
    expect(briefLapses(desired(driver, 'bob').lapsed)).toEqual(['crm:a withdrawn@900 business-role:sales'])
    driver.push(role('sales', ['crm:a'], { when: { department: 'sales' }, observed: 3_000_000, valid: 950 }))
    expect(brief(desired(driver, 'bob').entries)).toEqual(['crm:a 950- business-role:sales'])
  })

  it('takes a role that first appears after a complete run as new, one of the first run as old as its holders', () => {
    const driver = started()
    driver.push(person('ann'), assignment('a1', 'ann', 'clerk'), assignment('a2', 'ann', 'boss'))
    driver.push(...runOf('business-roles', [role('clerk', ['crm:a'])], { run: 1, begin: 500_000 }))
    driver.push(...runOf('business-roles', [role('clerk', ['crm:a']), role('boss', ['crm:b'])], { run: 2, begin: 900_000 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:a 200- business-role:clerk', 'crm:b 900- business-role:boss'])
  })

  it('goes through many identities in slices and tells only those whom it concerns', () => {
    const people = Array.from({ length: 300 }, (_, i) => person(`p${i}`, { attributes: { department: i % 3 === 0 ? 'sales' : 'plant' } }))
    const driver = started({ budget: () => 7 })
    driver.push(...people, assignment('a1', 'p1', 'sales'))
    const outputs = driver.push(role('sales', ['crm:a'], { when: { department: 'sales' } }))
    expect(of(outputs, 'Desired').map(({ identity }) => identity).sort()).toEqual(['p1', ...Array.from({ length: 100 }, (_, i) => `p${i * 3}`)].sort())
    expect(driver.table('role-changes').size + driver.table('jobs').size).toBe(0)
    const removal = driver.push(role('sales', [], { removed: true, observed: 2_000_000 }))
    expect(of(removal, 'Desired')).toHaveLength(101)
    expect(brief(desired(driver, 'p1').entries)).toEqual([])
  })

  it('with an id that two feeds use gives what both of them say', () => {
    const driver = started()
    driver.push(person('ann'), assignment('a1', 'ann', 'clerk'), role('clerk', ['crm:a', 'crm:c']), role('clerk', ['crm:b', 'crm:c'], { feed: 'other' }))
    expect(brief(desired(driver, 'ann').entries)).toEqual([
      'crm:a 200- business-role:clerk', 'crm:b 200- business-role:clerk', 'crm:c 200- business-role:clerk business-role:clerk',
    ])
  })
})
