import { describe, expect, test } from 'vitest'
import type { RawRecord } from '../../../schemas/wire/raw.ts'
import { normalise } from '../../../processors/normalise/normalise.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'
import {
  World, account, app, begin, defined, end, entitlement, keyBook, manifest, natives, ofType, role, setting, snapshot, tick,
} from './world.ts'

const ann = { roles: [role('r')], direct: ['read'] }
const definitions = [[role('r'), [entitlement('x')]]] as const
const ruling = (kind: 'baseline' | 'retire', source = app): RawRecord => ({ type: 'Ruling', source, kind, run: null, by: 'eve', reason: 'why', at: 5 })

describe('an app that no setting names', () => {
  test('has its accounts refused, with where and what to do, and proves nothing', () => {
    const world = new World()
    const outputs = world.push(tick(7), ...snapshot({ run: 1, from: 10, accounts: { 'a/b': {} } }))
    expect(ofType(outputs, 'DeadLetter')).toMatchObject([
      { source: app, run: 1, stage: 'normalise', code: 'app-unknown', place: 'raw/0@2.0', record: 'crm/a/b', at: 7, cause: { offset: 2 } },
    ])
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict: 'partial' }])
    expect(ofType(outputs, 'Baseline')).toEqual([])
    expect(world.push({ type: 'Seen', app, id: 'a', run: 1 }, defined(role('r'), [], 20, null), ruling('baseline'), ruling('retire'))).toEqual([])
  })

  test('each refusal has its own id', () => {
    const world = new World()
    const letters = ofType(world.push(account('a', 1), account('a', 2)), 'DeadLetter')
    expect(new Set(letters.map(({ id }) => id)).size).toBe(2)
  })
})

describe('an app that is paused or retired', () => {
  test('paused: what was read still applies', () => {
    const world = new World()
    world.push(setting({ state: 'paused' }), account('ann', 1, ann))
    expect(world.fact('ann')).toBeDefined()
  })

  test.each([
    ['by its setting', setting({ state: 'retired' }, 2)],
    ['by a ruling', ruling('retire')],
  ])('retired %s: everything of it goes, another app stays', (_name, record) => {
    const world = new World()
    world.push(setting(), setting({}, 1, 'crm-2'), keyBook('i1', [['email', 'ann@x', 0]]))
    world.push(...snapshot({ run: 1, from: 10, definitions, accounts: { ann, bob: ann, bot: { kind: 'token', owner: 'ann@x' } } }))
    world.push(account('ann', 11, {}, null, 'crm-2'), begin(2, 500, ['accounts']), defined(role('q'), [], 501, 2))
    const outputs = world.push(record)
    expect(ofType(outputs, 'AccountGone').map(({ app: name, account: id, reason }) => [name, id, reason])).toEqual([
      ['crm', 'ann', 'retired'], ['crm', 'bob', 'retired'], ['crm', 'bot', 'retired'],
    ])
    expect(ofType(outputs, 'Reference')).toMatchObject([{ home: 'identity/i1', removed: true }])
    for (const table of ['accounts', 'definitions', 'staged', 'marks', 'watchers']) {
      expect([...world.plain.table(table).keys()].filter((key) => key.includes('crm/')), table).toEqual([])
    }
    expect([...world.plain.table('accounts').keys()]).toEqual(['crm-2/ann'])
    expect(world.push(end(2, 600, [manifest('accounts', 0)]))).toEqual([])
  })

  test('retired: it is read no more, until it is active again, and then needs its baseline anew', () => {
    const world = new World()
    world.push(setting(), ...snapshot({ run: 1, from: 10, accounts: { ann } }), setting({ state: 'retired' }, 2))
    const late = world.push(begin(2, 1_000, ['accounts']), account('ann', 1_001, ann, 2), end(2, 1_002, [manifest('accounts', 1)]))
    expect(ofType(late, 'DeadLetter')).toMatchObject([{ code: 'app-retired' }])
    expect(late).toHaveLength(1)
    world.push(setting({}, 3))
    const outputs = world.push(...snapshot({ run: 2, from: 2_000, accounts: { ann } }))
    expect(ofType(outputs, 'AccountFact')).toHaveLength(1)
    expect(ofType(outputs, 'Baseline')).toHaveLength(3)
  })

  test('retired: what its brake held is held no more', () => {
    const world = new World()
    world.push(setting({ brake: { maxAbsent: 0, maxAbsentShare: 0 } }), ...snapshot({ run: 1, from: 10, accounts: { ann } }))
    expect(ofType(world.push(...snapshot({ run: 2, from: 2_000, accounts: {} })), 'Held')).toMatchObject([{ held: true }])
    expect(ofType(world.push(ruling('retire')), 'Held')).toMatchObject([{ held: false, run: 2 }])
  })
})

describe('baselines', () => {
  const classes = (world: World): string[] => ofType(world.plain.outputs, 'Baseline').map((mark) => mark.class)

  test('the accounts’ mark waits for the assignments and definitions that the app declares', () => {
    const world = new World()
    world.push(setting(), ...snapshot({ run: 1, from: 10, definitions, accounts: { ann }, verdicts: { memberships: 'partial' } }))
    expect(classes(world)).toEqual(['definitions', 'grants'])
    world.push(...snapshot({ run: 2, from: 3_000, definitions, accounts: { ann } }))
    expect(classes(world)).toEqual(['definitions', 'grants', 'memberships', 'accounts'])
    world.push(...snapshot({ run: 3, from: 6_000, definitions, accounts: { ann } }))
    expect(classes(world)).toHaveLength(4)
  })

  test('a filtered run gives none', () => {
    const world = new World()
    world.push(setting(), begin(1, 10, ['accounts'], 'filtered'), end(1, 20, [manifest('accounts', 0)]))
    expect(classes(world)).toEqual([])
  })

  test('a ruling stands in where a source offers no proof', () => {
    const world = new World()
    const verdicts = { accounts: 'unknown', memberships: 'unknown', grants: 'unknown' } as const
    world.push(setting(), ...snapshot({ run: 1, from: 10, accounts: { ann }, verdicts }))
    expect(classes(world)).toEqual([])
    world.push(ruling('baseline'), ruling('baseline'), ruling('baseline', 'hr'))
    expect(classes(world)).toEqual(['memberships', 'grants', 'accounts'])
  })

  test('follow the facts that they vouch for', () => {
    const world = new World()
    world.push(setting(), ...snapshot({ run: 1, from: 10, definitions, accounts: { ann }, surplus: 1 }))
    const outputs = world.push(...snapshot({ run: 2, from: 3_000, definitions: [], accounts: { ann } }))
    expect(outputs.map(({ record }) => record.type)).toEqual(['AccountFact', ...Array<string>(4).fill('Baseline'), 'SyncRun'])
  })

  test('of the key book are passed on, with this partition as the way', () => {
    const driver = new ProcessorDriver(normalise, { partition: 1, partitions: 2 })
    const cause = { topic: 'intent', partition: 3, offset: 1, index: 0 }
    const outputs = driver.push(tick(9), { type: 'KeysBaseline', feed: 'hr', class: 'identities', writer: 3, cause })
    expect(outputs).toEqual([{
      topic: 'facts', key: null,
      record: {
        type: 'Baseline', stage: 'keys', source: 'hr', class: 'identities', writer: 3, via: 1, at: 9,
        cause: { topic: 'raw', partition: 1, offset: 1, index: 0 },
      },
    }])
  })

  test('two partitions judge each for itself', () => {
    const records = (count: number): RawRecord[] => [
      begin(1, 10, ['accounts']), account('ann', 11, {}, 1), end(1, 12, [manifest('accounts', 3, { counts: [1, count] })]),
    ]
    const verdicts = [0, 1].map((partition) => {
      const world = new World({ partition, partitions: 2 })
      const outputs = world.push(setting(), ...records(2))
      return [ofType(outputs, 'SyncRun')[0]?.verdict, ofType(outputs, 'Baseline').map(({ writer }) => writer)]
    })
    expect(verdicts).toEqual([['complete', [0]], ['partial', []]])
  })
})

test('an epoch derives every account anew and tells only what is different', () => {
  const world = new World()
  world.push(setting(), account('ann', 1, ann))
  const epoch = (version: number, processor = 'normalise'): RawRecord => ({ type: 'Epoch', processor, version, stateFormat: 1, release: '0', from: { offset: 0, index: 0 }, resumed: null })
  expect(world.push(epoch(1), epoch(1), epoch(2), epoch(1, 'reconcile'))).toEqual([])
  expect(world.plain.table('epoch').get('normalise')).toBe(2)
})

test('a part is never handed on', () => {
  const driver = new ProcessorDriver(normalise)
  expect(() => driver.push({ type: 'Part', id: 'x', part: 0, of: 1, bytes: new Uint8Array() })).toThrow('the runtime puts parts together')
})

test('ids with slashes of apps whose names begin alike do not mix', () => {
  const world = new World()
  world.push(setting(), setting({}, 1, 'crm-2'), account('x', 1, { direct: ['a'] }), account('2/x', 2, { direct: ['b'] }))
  world.push(account('x', 3, { direct: ['c'] }, null, 'crm-2'))
  world.push(...snapshot({ run: 1, from: 1_000, accounts: { x: { direct: ['a'] } } }))
  expect(natives(world.fact('x'))).toEqual(['a'])
  expect([...world.plain.table('accounts').keys()]).toEqual(['crm/x', 'crm-2/x'])
})
