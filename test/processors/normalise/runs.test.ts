import { describe, expect, test } from 'vitest'
import { World, account, app, begin, end, gone, manifest, natives, ofType, role, setting, snapshot, tick } from './world.ts'

const people = { ann: { roles: [], direct: ['read'] }, bob: { roles: [], direct: ['write'] }, cid: { roles: [], direct: ['read'] } }
const { ann, bob } = people

/** A world whose app was read once, completely. */
function loaded(value: Parameters<typeof setting>[0] = {}): World {
  const world = new World()
  world.push(tick(1_000), setting(value), ...snapshot({ run: 1, from: 10_000, accounts: people }))
  return world
}

describe('a complete snapshot', () => {
  test('gives one fact for each account, the marks once, and one row of its own', () => {
    const world = loaded()
    expect(ofType(world.plain.outputs, 'AccountFact').map((fact) => fact.account)).toEqual(['ann', 'bob', 'cid'])
    expect(ofType(world.plain.outputs, 'Baseline')).toMatchObject([
      { stage: 'observed', source: app, class: 'memberships', writer: 0, via: null, at: 1_000 },
      { class: 'grants' },
      { class: 'accounts' },
    ])
    expect(ofType(world.plain.outputs, 'SyncRun')).toMatchObject([
      { source: app, run: 1, phase: 'partition', partition: 0, verdict: 'complete', read: 3, changed: 3, absent: 0, held: 0 },
    ])
  })

  test('that is unchanged writes no account row and no fact', () => {
    const world = loaded()
    const before = rows(world)
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: people }))
    expect(outputs.map(({ record }) => record.type)).toEqual(['SyncRun'])
    expect(rows(world)).toEqual(before)
  })

  test('leaves nothing of accounts that come and go, for however long', () => {
    const world = loaded()
    const size = (): [table: string, rows: number][] => (JSON.parse(world.plain.dump()) as [string, unknown[]][]).map(([table, all]) => [table, all.length])
    const turn = (run: number): void => void world.push(...snapshot({ run, from: run * 10_000, accounts: Object.fromEntries([run, run + 1, run + 2].map((n) => [`a${n}`, people.ann])) }))
    for (let run = 2; run < 10; run++) turn(run)
    const early = size()
    for (let run = 10; run < 60; run++) turn(run)
    expect(size()).toEqual(early)
  })

  test('removes what it did not show', () => {
    const world = loaded()
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: { ann, bob } }))
    expect(ofType(outputs, 'AccountGone')).toMatchObject([{ account: 'cid', home: 'account/crm/cid', reason: 'deleted', to: null }])
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ absent: 1, held: 0 }])
    expect([...world.plain.table('accounts').keys()]).toEqual(['crm/ann', 'crm/bob'])
  })

  test('the next one does not miss again what went', () => {
    const world = loaded()
    world.push(...snapshot({ run: 2, from: 20_000, accounts: { ann, bob } }))
    const outputs = world.push(...snapshot({ run: 3, from: 30_000, accounts: { ann, bob } }))
    expect(outputs.map(({ record }) => record.type)).toEqual(['SyncRun'])
  })

  test('an ordinal that is used again begins unseen', () => {
    const world = loaded()
    world.push(...snapshot({ run: 2, from: 20_000, accounts: { ann, bob } }))
    world.push(account('dan', 25_000, bob))
    const outputs = world.push(...snapshot({ run: 3, from: 30_000, accounts: { ann, bob } }))
    expect(ofType(outputs, 'AccountGone')).toMatchObject([{ account: 'dan' }])
  })

  test('an account that comes back is a new account', () => {
    const world = loaded()
    world.push(...snapshot({ run: 2, from: 20_000, accounts: { ann, bob } }))
    world.push(...snapshot({ run: 3, from: 3_000_000, accounts: people }))
    expect(world.fact('cid')).toMatchObject({ since: 3_000, grants: [{ native: 'read' }], grantsSince: [3_000] })
    expect(world.fact('ann')).toMatchObject({ since: 10 })
  })
})

describe('absence is not proven', () => {
  const two = { ann, bob }

  test.each(['partial', 'unknown'] as const)('by a run that is %s', (verdict) => {
    const world = loaded()
    const verdicts = { accounts: verdict, memberships: verdict, grants: verdict }
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: two, verdicts }))
    expect(outputs.map(({ record }) => record.type)).toEqual(['SyncRun'])
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict, absent: 0 }])
  })

  test('by a run that is partial in the class of accounts alone', () => {
    const world = loaded()
    world.push(...snapshot({ run: 2, from: 20_000, accounts: two, verdicts: { accounts: 'partial' } }))
    expect(world.fact('cid')).toBeDefined()
  })

  test('where the manifest promises more than arrived: partial, and it says what is missing', () => {
    const world = loaded()
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: two, surplus: 1 }))
    expect(outputs).toHaveLength(1)
    expect(ofType(outputs, 'SyncRun')).toMatchObject([
      { verdict: 'partial', reason: 'partition 0 received 2 records of accounts, the manifest says 3', absent: 0 },
    ])
  })

  test('by a filtered run', () => {
    const world = loaded()
    const outputs = world.push(begin(2, 20_000, ['accounts'], 'filtered'), account('ann', 20_001, ann, 2), end(2, 20_002, [manifest('accounts', 1)]))
    expect(outputs.map(({ record }) => record.type)).toEqual(['SyncRun'])
  })

  test('by a run that declared a class and ended without its manifest', () => {
    const world = loaded()
    const outputs = world.push(begin(2, 20_000, ['accounts']), end(2, 20_002, []))
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict: 'partial', reason: 'the run declared accounts and ended without a manifest of it' }])
    expect(world.fact('ann')).toBeDefined()
  })

  test('of an account that was born while the run ran', () => {
    const world = loaded()
    const born = account('new', 20_002, ann)
    world.push(...snapshot({ run: 2, from: 20_000, accounts: people, between: [born] }))
    expect(natives(world.fact('new'))).toEqual(['read'])
  })

  test('of an account that an event showed, unchanged, while the run ran', () => {
    const world = loaded()
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: two, between: [account('cid', 20_002, people.cid)] }))
    expect(outputs.map(({ record }) => record.type)).toEqual(['SyncRun'])
  })

  test('of an account whose record was rejected', () => {
    const world = loaded()
    const records = snapshot({ run: 2, from: 20_000, accounts: two, surplus: 1, between: [{ type: 'Seen', app, id: 'cid', run: 2 }] })
    const outputs = world.push(...records)
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict: 'complete', rejected: 1, absent: 0 }])
    expect(world.fact('cid')).toBeDefined()
  })
})

describe('numbers of runs', () => {
  test('a newer begin closes the open run as abandoned, and says so', () => {
    const world = loaded()
    const outputs = world.push(begin(2, 20_000, ['accounts']), account('ann', 20_001, ann, 2), begin(3, 21_000, ['accounts']))
    expect(ofType(outputs, 'SyncRun')).toMatchObject([
      { run: 2, verdict: 'partial', reason: 'abandoned: run 3 began before run 2 ended', read: 1, absent: 0 },
    ])
    expect(world.push(end(2, 21_001, [manifest('accounts', 1)]))).toEqual([])
    expect(world.fact('bob')).toBeDefined()
  })

  test('a run at or below one that began is ignored, its records are evidence of their own', () => {
    const world = loaded()
    expect(world.push(begin(1, 20_000, ['accounts']))).toEqual([])
    world.push(account('ann', 20_001, { ...ann, direct: ['more'] }, 1))
    expect(natives(world.fact('ann'))).toEqual(['more'])
    expect(world.push(end(1, 20_002, [manifest('accounts', 1)]))).toEqual([])
  })
})

describe('what was observed before', () => {
  test('a page read before an event does not undo it', () => {
    const world = loaded()
    world.push(begin(2, 20_000, ['accounts']), account('ann', 20_005, { ...ann, direct: ['read', 'new'] }))
    expect(world.push(account('ann', 20_001, ann, 2))).toEqual([])
    expect(natives(world.fact('ann'))).toEqual(['new', 'read'])
  })

  test('nor where the event said what was known already', () => {
    const world = loaded()
    world.push(begin(2, 20_000, ['accounts']), account('ann', 20_005, ann))
    expect(world.push(account('ann', 20_001, { ...ann, direct: [] }, 2))).toEqual([])
    expect(natives(world.fact('ann'))).toEqual(['read'])
  })

  test('nothing older than the begin of a complete run that showed the account unchanged applies', () => {
    const world = loaded()
    world.push(...snapshot({ run: 2, from: 20_000, accounts: people }))
    expect(world.push(account('ann', 19_999, { ...ann, direct: [] }))).toEqual([])
    world.push(account('ann', 20_000, { ...ann, direct: [] }))
    expect(natives(world.fact('ann'))).toEqual([])
  })

  test('nor older than the open run that showed it', () => {
    const world = loaded()
    world.push(begin(2, 20_000, ['accounts']), account('ann', 20_001, ann, 2))
    expect(world.push(account('ann', 19_000, { ...ann, direct: [] }))).toEqual([])
  })

  test('an account that a complete run did not show is not brought back by what is older', () => {
    const world = loaded()
    world.push(...snapshot({ run: 2, from: 20_000, accounts: { ann, bob } }))
    expect(world.push(account('cid', 19_000, people.cid))).toEqual([])
    expect(world.fact('cid')).toBeUndefined()
  })

  test('a single read that says gone removes under any verdict, and an older page does not bring it back', () => {
    const world = loaded()
    const outputs = world.push(begin(2, 20_000, ['accounts']), gone('cid', 20_005))
    expect(ofType(outputs, 'AccountGone')).toMatchObject([{ account: 'cid', reason: 'deleted', observed: 20_005 }])
    expect(world.push(account('cid', 20_001, people.cid, 2))).toEqual([])
    world.push(account('cid', 20_006, people.cid))
    expect(world.fact('cid')).toMatchObject({ account: 'cid' })
    expect(world.plain.table('tombs').size).toBe(0)
  })

  test('a gone that is older than the account changes nothing; the stamp of one that went is kept until a later complete run', () => {
    const world = loaded()
    expect(world.push(gone('ann', 9_000))).toEqual([])
    world.push(gone('ann', 15_000))
    expect(world.plain.table('tombs').size).toBe(1)
    world.push(...snapshot({ run: 2, from: 20_000, accounts: { bob, cid: people.cid } }))
    expect(world.plain.table('tombs').size).toBe(0)
    expect(world.push(account('ann', 14_000, ann))).toEqual([])
  })

  test('an account listed twice in one run is as the later page says', () => {
    const world = loaded()
    world.push(begin(2, 20_000, ['accounts']), account('ann', 20_001, ann, 2), account('ann', 20_002, { ...ann, direct: ['other'] }, 2))
    expect(natives(world.fact('ann'))).toEqual(['other'])
  })
})

describe('absence of a facet', () => {
  test('of a seen account, or where accounts prove nothing themselves: it holds nothing of that class', () => {
    const world = loaded()
    const outputs = world.push(begin(2, 20_000, ['accounts', 'grants']), account('ann', 20_001, ann, 2),
      end(2, 20_002, [manifest('accounts', 1, { verdict: 'partial' }), manifest('grants', 1)]))
    expect(ofType(outputs, 'AccountGone')).toEqual([])
    expect(natives(world.fact('bob'))).toEqual([])
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict: 'partial', absent: 2 }])
    const again = world.push(begin(3, 30_000, ['accounts', 'grants']), account('ann', 30_001, ann, 3),
      end(3, 30_002, [manifest('accounts', 1, { verdict: 'partial' }), manifest('grants', 1)]))
    expect(ofType(again, 'SyncRun')).toMatchObject([{ absent: 0 }])
  })

  test('of an absent account is left to the account itself', () => {
    const world = loaded({ reread: true })
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: { ann, bob } }))
    expect(ofType(outputs, 'Command')).toMatchObject([{ app, kind: 'reread', account: 'cid', run: 2, at: 1_000 }])
    expect(natives(world.fact('cid'))).toEqual(['read'])
  })

  test('asks for an absent account by the id that the application spelt last', () => {
    const world = loaded({ reread: true })
    world.push({ ...account('cid', 15_000, { direct: ['read'] }), native: 'Cid' })
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: { ann, bob } }))
    expect(ofType(outputs, 'Command')).toMatchObject([{ kind: 'reread', account: 'Cid' }])
  })
})

describe('facets', () => {
  test('one that is not whole only adds, and removes what it lists', () => {
    const world = new World()
    world.push(setting(), account('ann', 10, { roles: [], direct: ['a', 'b'] }))
    const delta = account('ann', 20, { direct: ['c'], whole: false })
    world.push({ ...delta, attributes: null, grants: { whole: false, added: delta.grants?.added ?? [], removed: [{ kind: 'entitlement', id: 'a' }] } })
    expect(natives(world.fact('ann'))).toEqual(['b', 'c'])
    expect(world.fact('ann')).toMatchObject({ whole: true })
  })

  test('a partial page that adds nothing writes nothing', () => {
    const world = loaded()
    const before = rows(world)
    expect(world.push(begin(2, 20_000, ['accounts']), account('ann', 20_001, { roles: [], direct: [], whole: false, values: {} }, 2))).toEqual([])
    expect(rows(world)).toEqual(before)
  })

  test('an account of which only memberships are known waits for its attributes', () => {
    const world = new World()
    const outputs = world.push(setting(), { ...account('ann', 10, { roles: [role('x')], whole: false }), attributes: null })
    expect(outputs).toEqual([])
    world.push(account('ann', 20, {}))
    expect(world.fact('ann')).toMatchObject({ since: 0, unknown: ['role:x'], whole: false })
  })
})

/** Everything but the ledger of runs. */
function rows(world: World): unknown {
  return ['accounts', 'definitions', 'staged', 'tombs', 'claims', 'watchers', 'identities', 'marks', 'jobs'].map((name) => [name, [...world.plain.table(name)]])
}
