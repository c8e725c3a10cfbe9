import { describe, expect, test } from 'vitest'
import type { RawRecord } from '../../../schemas/wire/raw.ts'
import {
  World, account, app, begin, defined, end, entitlement, group, manifest, natives, ofType, role, setting, snapshot,
} from './world.ts'

const admin = [role('admin'), [entitlement('read'), entitlement('write')]] as const
const staff = [group('staff'), [role('admin'), entitlement('door')]] as const
const ann = { roles: [group('staff')], direct: ['read'] }

function loaded(): World {
  const world = new World()
  world.push(setting(), ...snapshot({ run: 1, from: 10_000_000, definitions: [admin, staff], accounts: { ann } }))
  return world
}

const definitionsEnd = (run: number, observed: number, count: number, verdict: 'complete' | 'partial' = 'complete'): RawRecord => ({
  type: 'DefinitionsEnd', source: app, run, observed, manifest: manifest('definitions', count, { verdict }),
})

describe('definitions of a run', () => {
  test('give effective grants, each with its paths', () => {
    expect(loaded().fact('ann')).toMatchObject({
      whole: true,
      unknown: [],
      grants: [
        { native: 'door', direct: false, paths: [['group:staff']] },
        { native: 'read', direct: true, paths: [[], ['group:staff', 'role:admin']] },
        { native: 'write', direct: false, paths: [['group:staff', 'role:admin']] },
      ],
    })
  })

  test('take effect together at their end, once for each account, with the time of the definition that showed the grant', () => {
    const world = loaded()
    const staged = world.push(
      begin(2, 20_000_000, ['definitions', 'accounts']),
      defined(role('admin'), [entitlement('read')], 20_001_000, 2),
      defined(group('staff'), [role('admin'), entitlement('gate')], 20_002_000, 2),
    )
    expect(staged).toEqual([])
    const outputs = world.push(definitionsEnd(2, 20_003_000, 2))
    expect(ofType(outputs, 'AccountFact')).toHaveLength(1)
    expect(world.fact('ann')).toMatchObject({ grants: [{ native: 'gate' }, { native: 'read' }], grantsSince: [20_002, 10_000] })
    expect(outputs[0]?.record).toMatchObject({ cause: { topic: 'raw', partition: 0, offset: 10, index: 0 }, sources: [{ offset: 5 }] })
  })

  test('that are unchanged write no row and give no fact', () => {
    const world = loaded()
    const before = [world.plain.table('definitions'), world.plain.table('staged'), world.plain.table('generations')]
    const [start, ...rest] = snapshot({ run: 2, from: 20_000_000, definitions: [admin, staff], accounts: { ann } })
    world.push(start as RawRecord, ...rest.slice(0, 2))
    expect(world.plain.table('staged').size).toBe(0)
    expect(world.push(...rest.slice(2)).map(({ record }) => record.type)).toEqual(['SyncRun'])
    expect([world.plain.table('definitions'), world.plain.table('staged'), world.plain.table('generations')]).toEqual(before)
  })

  test('of a partial class: what was seen applies, nothing is removed', () => {
    const world = loaded()
    const outputs = world.push(
      begin(2, 20_000_000, ['definitions', 'accounts']), defined(role('admin'), [entitlement('audit')], 20_000_001, 2),
      definitionsEnd(2, 20_000_002, 1, 'partial'), account('ann', 20_000_003, ann, 2), end(2, 20_000_004, [manifest('accounts', 1)]),
    )
    expect(natives(world.fact('ann'))).toEqual(['audit', 'door', 'read'])
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict: 'partial', absent: 0 }])
  })

  test('of which fewer arrived than the manifest says: the same', () => {
    const world = loaded()
    const outputs = world.push(
      begin(2, 20_000_000, ['definitions', 'accounts']), defined(role('admin'), [entitlement('audit')], 20_000_001, 2),
      definitionsEnd(2, 20_000_002, 2), account('ann', 20_000_003, ann, 2),
      end(2, 20_000_004, [manifest('accounts', 1), manifest('definitions', 2)]),
    )
    expect(natives(world.fact('ann'))).toEqual(['audit', 'door', 'read'])
    const reason = 'partition 0 received 1 records of definitions, the manifest says 2'
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict: 'partial', reason }])
  })

  test('that a complete run does not show go at its end, after the accounts', () => {
    const world = loaded()
    const records = snapshot({ run: 2, from: 20_000_000, definitions: [staff], accounts: { ann } })
    expect(ofType(world.push(...records.slice(0, -1)), 'AccountFact')).toEqual([])
    const outputs = world.push(records.at(-1) as RawRecord)
    expect(outputs.map(({ record }) => record.type)).toEqual(['AccountFact', 'SyncRun'])
    expect(world.fact('ann')).toMatchObject({ whole: false, unknown: ['role:admin'], grants: [{ native: 'door' }, { native: 'read' }] })
  })

  test('an account that goes in the same run hears nothing of it', () => {
    const world = loaded()
    const outputs = world.push(...snapshot({ run: 2, from: 20_000_000, definitions: [staff], accounts: {} }))
    expect(outputs.map(({ record }) => record.type)).toEqual(['AccountGone', 'SyncRun'])
  })

  test('stay where the run does not declare them, though it says that there were none', () => {
    const world = loaded()
    const outputs = world.push(
      begin(2, 20_000_000, ['accounts']), definitionsEnd(2, 20_000_001, 0), account('ann', 20_000_002, ann, 2),
      end(2, 20_000_003, [manifest('accounts', 1)]),
    )
    expect(outputs.map(({ record }) => record.type)).toEqual(['SyncRun'])
    expect(world.plain.table('definitions').size).toBe(2)
  })

  test('a run whose definitions never ended drops them', () => {
    const world = loaded()
    const outputs = world.push(
      begin(2, 20_000_000, ['definitions', 'accounts']), defined(role('admin'), [], 20_000_001, 2), account('ann', 20_000_003, ann, 2),
      end(2, 20_000_004, [manifest('accounts', 1), manifest('definitions', 1)]),
    )
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict: 'partial', reason: 'the run ended without an end of its definitions' }])
    expect(world.fact('ann')?.grants).toHaveLength(3)
    expect(world.plain.table('staged').size).toBe(0)
  })

  test('what an abandoned run has staged never takes effect', () => {
    const world = loaded()
    world.push(begin(2, 20_000_000, ['definitions']), defined(role('admin'), [], 20_000_001, 2), begin(3, 21_000_000, ['definitions']))
    expect(world.plain.table('staged').size).toBe(0)
    const late = [defined(role('admin'), [], 20_000_002, 2), definitionsEnd(2, 20_000_003, 1), definitionsEnd(3, 21_000_001, 0)]
    expect(world.push(...late)).toEqual([])
    expect(world.fact('ann')?.grants).toHaveLength(3)
  })

  test('several records of one role add up where they are not whole', () => {
    const world = new World()
    world.push(setting(), begin(1, 10, ['definitions']),
      defined(role('r'), [entitlement('a')], 11, 1, { whole: false }), defined(role('r'), [entitlement('b')], 12, 1, { whole: false }),
      definitionsEnd(1, 13, 2), account('ann', 14, { roles: [role('r')] }))
    expect(natives(world.fact('ann'))).toEqual(['a', 'b'])
    world.push(begin(2, 20, ['definitions']), defined(role('r'), [entitlement('c')], 21, 2, { whole: false }), definitionsEnd(2, 22, 1))
    expect(natives(world.fact('ann'))).toEqual(['a', 'b', 'c'])
  })
})

describe('definitions outside a run', () => {
  test('an event is in force at once', () => {
    const world = loaded()
    world.push(defined(role('admin'), [entitlement('audit')], 20_000_000, null))
    expect(natives(world.fact('ann'))).toEqual(['audit', 'door', 'read'])
    world.push(defined(role('admin'), [], 21_000_000, null, { removed: true }))
    expect(world.fact('ann')).toMatchObject({ unknown: ['role:admin'] })
  })

  test('an older one changes nothing, an equal one tells nothing', () => {
    const world = loaded()
    expect(world.push(defined(role('admin'), [], 9_000_000, null), defined(...admin, 20_000_000, null))).toEqual([])
    expect(world.push(defined(role('admin'), [], 19_000_000, null))).toEqual([])
  })

  test('a page of the open run does not undo a newer event', () => {
    const world = loaded()
    world.push(begin(2, 20_000_000, ['definitions']), defined(role('admin'), [entitlement('audit')], 20_000_009, null))
    expect(world.push(defined(...admin, 20_000_001, 2), definitionsEnd(2, 20_000_010, 1))).toEqual([])
    expect(natives(world.fact('ann'))).toEqual(['audit', 'door', 'read'])
  })

  test('a page that was read before a removal does not bring the definition back; a later one does, and its stamp goes', () => {
    const world = loaded()
    const removal = defined(role('admin'), [], 20_000_009, null, { removed: true })
    world.push(removal, begin(2, 20_000_000, ['definitions']), defined(...admin, 20_000_001, 2), definitionsEnd(2, 20_000_010, 1))
    expect(world.fact('ann')).toMatchObject({ unknown: ['role:admin'] })
    world.push(defined(...admin, 20_000_008, null))
    expect(world.fact('ann')).toMatchObject({ unknown: ['role:admin'] })
    world.push(defined(...admin, 20_000_011, null))
    expect(world.fact('ann')).toMatchObject({ unknown: [] })
    expect(world.plain.table('removed-definitions').size).toBe(0)
  })

  test('a complete run of definitions that began later than a removal forgets its stamp', () => {
    const world = loaded()
    world.push(defined(role('x'), [], 20_000_000, null, { removed: true }))
    world.push(...snapshot({ run: 2, from: 19_000_000, definitions: [admin, staff], accounts: { ann } }))
    expect(world.plain.table('removed-definitions').size).toBe(1)
    world.push(...snapshot({ run: 3, from: 21_000_000, definitions: [admin, staff], accounts: { ann } }))
    expect(world.plain.table('removed-definitions').size).toBe(0)
  })
})

describe('expansion', () => {
  test('a role that comes after its accounts makes their facts whole', () => {
    const world = new World()
    world.push(setting(), account('ann', 10, { roles: [role('late')] }))
    expect(world.fact('ann')).toMatchObject({ whole: false, unknown: ['role:late'], grants: [] })
    world.push(defined(role('late'), [entitlement('x')], 5_000, null))
    expect(world.fact('ann')).toMatchObject({ whole: true, unknown: [], grants: [{ native: 'x' }], grantsSince: [5] })
  })

  test('cycles end', () => {
    const world = new World()
    world.push(setting(), defined(role('a'), [role('b')], 1, null), defined(role('b'), [role('a'), role('b'), entitlement('x')], 2, null),
      account('ann', 10, { roles: [role('a')] }))
    expect(world.fact('ann')).toMatchObject({ whole: true, grants: [{ native: 'x', paths: [['role:a', 'role:b']] }] })
  })

  test('names come from the catalogue, several native ids may share one, and what has none is unmapped', () => {
    const world = new World()
    world.push(setting({ identityMapping: false, catalogue: { 'n/2': 'Read', n1: 'Read', '__proto__x': 'P' } }),
      account('ann', 10, { direct: ['n1', 'n/2', '__proto__', 'constructor'] }))
    expect(world.fact('ann')?.grants.map(({ entitlement: name, native, mapped }) => [name, native, mapped])).toEqual([
      ['Read', 'n/2', true], ['Read', 'n1', true], ['__proto__', '__proto__', false], ['constructor', 'constructor', false],
    ])
  })

  test('a grant that went and came back is held since then', () => {
    const world = new World()
    world.push(setting(), account('ann', 1_000_000, { direct: ['a', 'b'] }))
    world.push(account('ann', 2_000_000, { direct: ['a'] }), account('ann', 3_000_000, { direct: ['a', 'b'] }))
    expect(world.fact('ann')).toMatchObject({ grants: [{ native: 'a' }, { native: 'b' }], grantsSince: [1_000, 3_000] })
  })
})
