import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalise, normaliseAt } from '../../../processors/normalise/normalise.ts'
import type { RawRecord } from '../../../schemas/wire/raw.ts'
import type { Output } from '../../support/processor-driver.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'
import type { Sketch } from './world.ts'
import { account, begin, defined, end, entitlement, gone, keyBook, manifest, natives, ofType, role, setting, snapshot, tick, World } from './world.ts'

/** Each record derives one account of those that lag behind. */
const slow = normaliseAt({ perSubject: 1, perMark: 1 })
const ids = ['ann', 'bob', 'cid', 'dot', 'eve']
const second = 1_000_000
const clerk = role('clerk')

/** Five accounts with one role, which gives `a`; nothing lags behind. */
function five(more: readonly RawRecord[] = []): World {
  const world = new World({}, slow)
  const accounts = Object.fromEntries(ids.map((id): [string, Sketch] => [id, { roles: [clerk] }]))
  world.push(tick(1), setting(), ...snapshot({ run: 1, from: second, definitions: [[clerk, [entitlement('a')]]], accounts }), ...more)
  world.catchUp()
  return world
}

const edit = (gives: readonly string[], at: number): RawRecord => defined(clerk, gives.map(entitlement), at, null)
const told = (outputs: readonly Output[]): string[] => ofType(outputs, 'AccountFact').map((fact) => `${fact.account}: ${natives(fact)!.join(' ')}`)
const types = (outputs: readonly Output[]): string[] => outputs.map(({ record }) => record.type)
const none = (world: World): unknown[] => ['later', 'lagging', 'jobs'].flatMap((name) => [...world.plain.table(name)])
const passOver = ids.map((id) => account(id, 9 * second, { roles: [clerk] }, 2))

describe('an edit of a role that many accounts have', () => {
  it('is overtaken by what is seen of an account, which is derived by it first: what it gave is held since the edit', () => {
    const world = five()
    expect(told(world.push(edit(['b'], 5 * second)))).toEqual(['ann: b'])
    const overtaking = world.push(account('eve', 8 * second, { roles: [clerk], status: 'disabled' }))
    expect(told(overtaking)).toEqual(['eve: b', 'eve: b', 'bob: b'])
    expect(world.fact('eve')).toMatchObject({ status: 'disabled', grants: [{ native: 'b' }], grantsSince: [5_000] })
    expect(told(world.catchUp())).toEqual(['cid: b', 'dot: b'])
    expect(none(world)).toEqual([])
  })

  it('is overtaken by what the key book says of an account: all of it in one fact, with the time of the edit', () => {
    const world = five()
    world.push(edit(['b'], 5 * second))
    expect(told(world.push(keyBook('i1', [['email', 'eve@x', 0]])))).toEqual(['eve: b', 'bob: b'])
    expect(world.fact('eve')).toMatchObject({ home: 'identity/i1', grants: [{ native: 'b' }], grantsSince: [5_000] })
  })

  it('is overtaken by an account that goes, by one that comes, and by a run that shows all as they were', () => {
    const world = five()
    world.push(edit(['b'], 5 * second))
    expect(types(world.push(gone('eve', 7 * second)))).toEqual(['AccountFact', 'AccountGone', 'AccountFact'])
    expect(told(world.push(account('zoe', 7 * second, { roles: [clerk] })))).toEqual(['zoe: b', 'cid: b'])
    expect(told(world.push(begin(2, 8 * second, ['accounts']), ...passOver.slice(0, 4)))).toEqual(['dot: b'])
    expect(told(world.catchUp())).toEqual([])
  })

  it('is overtaken by what a run no longer shows of an account', () => {
    const world = five([account('eve', 3 * second, { roles: [clerk], direct: ['x'] })])
    world.push(edit(['b'], 5 * second), begin(2, 7 * second, ['grants']))
    expect(told(world.push(end(2, 8 * second, [manifest('grants', 0)]))).slice(0, 2)).toEqual(['eve: b x', 'eve: b'])
    expect(world.fact('eve')).toMatchObject({ grants: [{ native: 'b' }], grantsSince: [5_000] })
  })

  it('and another one after it: no account is left with the first', () => {
    const world = five()
    world.push(edit(['b'], 5 * second), tick(2), edit(['c'], 6 * second))
    world.catchUp()
    for (const id of ids) expect(natives(world.fact(id)), id).toEqual(['c'])
    expect(none(world)).toEqual([])
  })

  it('is one pass with many others: a thousand edits derive no account a thousand times', () => {
    const world = five()
    world.push(...Array.from({ length: 60 }, (_, n) => edit([`e${n}`], (5 + n) * second)))
    let ticks = 0
    for (; world.plain.lags; ticks++) world.push(tick(0))
    expect(natives(world.fact('dot'))).toEqual(['e59'])
    expect(ticks).toBeLessThanOrEqual(2 * ids.length + 2)
  })
})

describe('absent definitions that a person releases', () => {
  it('are taken from every account that had them', () => {
    const world = new World({}, slow)
    const of = (run: number, definitions: [typeof clerk, (typeof clerk)[]][]): RawRecord[] => snapshot({ run, from: run * second, definitions, accounts: { ann: { roles: [clerk] } } })
    world.push(tick(1), setting({ brake: { maxAbsent: 0, maxAbsentShare: 0 } }), ...of(1, [[clerk, [entitlement('a')]]]), ...of(2, []))
    world.catchUp()
    expect(told(world.push({ type: 'Ruling', source: 'crm', kind: 'release', run: 2, by: 'eve', reason: 'seen', at: 0 }))).toEqual(['ann: '])
  })
})

describe('an epoch', () => {
  it('derives every account of every application, as much with each record as any other edit', () => {
    const world = five([setting({}, 1, 'erp'), account('zoe', 3 * second, {}, null, 'erp')])
    world.push({ type: 'Epoch', processor: 'normalise', version: 9, stateFormat: 1, release: '9.0.0', from: { offset: 0, index: 0 }, resumed: null })
    let ticks = 0
    for (; world.plain.lags; ticks++) expect(world.push(tick(0))).toEqual([])
    expect(ticks).toBe(ids.length)
  })
})

describe('marks', () => {
  it('of a run, and its row, follow all that it changed', () => {
    const world = new World({}, slow)
    world.push(tick(1), setting(), ...ids.map((id) => account(id, 1, { roles: [clerk] })))
    world.push(begin(1, 2 * second, ['definitions']), defined(clerk, [entitlement('a')], 2 * second + 1, 1))
    const complete = manifest('definitions', 1)
    expect(told(world.push({ type: 'DefinitionsEnd', source: 'crm', run: 1, observed: 2 * second + 2, manifest: complete }))).toEqual(['ann: a'])
    expect(types(world.push(end(1, 2 * second + 3, [complete])))).toEqual(['AccountFact'])
    expect(types(world.catchUp())).toEqual(['AccountFact', 'AccountFact', 'AccountFact', 'Baseline', 'SyncRun'])
  })

  it('of a run that lags behind do not vouch for what a later one proved, before that is derived', () => {
    const accounts = Object.fromEntries(ids.map((id): [string, Sketch] => [id, { roles: [clerk] }]))
    const world = new World({}, slow)
    const of = (run: number, gives: string, verdict: 'partial' | 'complete'): RawRecord[] => snapshot({
      run, from: run * second, definitions: [[clerk, [entitlement(gives)]]], accounts, verdicts: { definitions: verdict, memberships: 'complete' },
    })
    world.push(tick(1), setting(), ...of(1, 'a', 'partial').slice(0, -1))
    world.catchUp()
    expect(ofType(world.plain.outputs, 'Baseline')).toEqual([])
    // an edit, so that the end of the first run waits, and then all of the second
    world.push(edit(['x'], 3 * second / 2), of(1, 'a', 'partial').at(-1)!)
    const [started, one, definitionsEnd] = of(2, 'b', 'complete')
    world.push(started!, one!, definitionsEnd!, end(2, 3 * second, ['accounts', 'memberships'].map((name) => manifest(name, 0, { verdict: 'partial' }))))
    world.catchUp()
    const { outputs } = world.plain
    const lastFact = outputs.findLastIndex(({ record }) => record.type === 'AccountFact' || record.type === 'AccountGone')
    const mark = outputs.findIndex(({ record }) => record.type === 'Baseline' && record.class === 'accounts')
    expect(mark).toBeGreaterThan(lastFact)
  })

  it('of the key book wait for whom accounts are looked up by now', () => {
    const world = five([keyBook('i1', [['number', '7', 0]])])
    world.push(setting({ match: [{ space: 'number', attribute: 'mail' }] }, 2))
    const cause = { topic: 'intent', partition: 0, offset: 1, index: 0 }
    const before = world.push({ type: 'KeysBaseline', feed: 'hr', class: 'identities', writer: 0, cause })
    expect(types(before)).not.toContain('Baseline')
    expect(types(world.catchUp()).at(-1)).toBe('Baseline')
  })

  it('that a person declares wait too; of an app that is retired nothing is vouched for any more', () => {
    const world = five()
    const ruling = (kind: 'baseline' | 'retire'): RawRecord => ({ type: 'Ruling', source: 'crm', kind, run: null, by: 'eve', reason: 'seen', at: 0 })
    world.push(setting({ state: 'retired' }, 2), setting({}, 3))
    world.push(...ids.map((id) => account(id, 5 * second, { roles: [clerk] })), edit(['b'], 6 * second))
    expect(types(world.push(ruling('baseline')))).not.toContain('Baseline')
    const retired = types(world.push(ruling('retire')))
    expect(retired.lastIndexOf('Baseline')).toBeGreaterThan(retired.lastIndexOf('AccountFact'))
    expect(retired.lastIndexOf('Baseline')).toBeLessThan(retired.indexOf('AccountGone'))
    expect(types(world.catchUp())).not.toContain('Baseline')
    expect(none(world)).toEqual([])
  })
})

const roles = fc.constantFrom([], [clerk], [clerk, role('boss')])
const seen = fc.tuple(fc.constantFrom(...ids), fc.record({ roles, direct: fc.constantFrom([], ['a'], ['b']), status: fc.constantFrom('active', 'disabled') }))
const news = fc.oneof(
  fc.constantFrom(['b'], ['a', 'b'], []).map((gives) => [edit(gives, 5 * second)]),
  fc.constantFrom(['b'], ['a', 'b']).map((gives): RawRecord[] => {
    const records = snapshot({ run: 2, from: 5 * second, definitions: [[clerk, gives.map(entitlement)]], accounts: {} })
    return records.slice(0, records.findIndex(({ type }) => type === 'DefinitionsEnd') + 1)
  }),
  fc.constantFrom(setting({ catalogue: { a: 'pay' } }, 2), setting({ match: [] }, 2)).map((record): RawRecord[] => [record]),
  fc.constant<RawRecord[]>([{ type: 'Epoch', processor: 'normalise', version: 4, stateFormat: 1, release: '0.2.0', from: { offset: 0, index: 0 }, resumed: null }]),
)

/** Everything that is told of each account, in order, but for which record brought it. */
function toldOfEach({ outputs }: ProcessorDriver<'raw'>): Record<string, string[]> {
  const each: Record<string, string[]> = {}
  for (const { record } of outputs) {
    const brought = record.type === 'AccountGone' ? ['cause', 'sources'] : ['cause']
    if (!('account' in record) || record.account === null) continue
    const told = (each[record.account] ??= [])
    told.push(JSON.stringify(record, (key, value: unknown) => (brought.includes(key) ? undefined : value)))
  }
  return each
}

describe('what lags behind', () => {
  it('changes nothing of what is told of any account, nor the order', () => {
    let overtaken = 0
    fc.assert(fc.property(news, fc.array(seen, { minLength: 1, maxLength: 8 }), (edits, observations) => {
      const start = [tick(1), setting(), defined(clerk, [entitlement('a')], 1, null), keyBook('i1', [['email', 'bob@x', 0]]), ...ids.map((id) => account(id, second, { roles: [clerk] }))]
      const [fast, lagging] = [normalise, slow].map((type) => {
        const driver = new ProcessorDriver(type)
        driver.push(...start)
        driver.catchUp()
        return driver
      }) as [ProcessorDriver<'raw'>, ProcessorDriver<'raw'>]
      const then = observations.map(([id, sketch], n) => account(id, (6 + n) * second, sketch))
      fast.push(...edits, ...then)
      for (const record of [...edits, ...then]) {
        lagging.push(record)
        if (lagging.lags) overtaken++
      }
      lagging.catchUp()
      expect(toldOfEach(lagging)).toEqual(toldOfEach(fast))
    }), { numRuns: 80 })
    expect(overtaken).toBeGreaterThan(80)
  })
})
