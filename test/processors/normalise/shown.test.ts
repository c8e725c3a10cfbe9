import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RawRecord } from '../../../schemas/wire/raw.ts'
import { table as shown } from '../../../processors/normalise/shown.ts'
import { normalise, normaliseAt } from '../../../processors/normalise/normalise.ts'
import type { ProcessorType } from '../../../src/ports/processor.ts'
import { ProcessorDriver, type DriverOptions } from '../../support/processor-driver.ts'
import type { Sketch } from './world.ts'
import { account, app, begin, defined, end, entitlement, gone, manifest, role, setting, snapshot, tick, World } from './world.ts'

/** The same processor, which does not know records by their bytes and so looks at every account anew. */
const forgetful = (type: ProcessorType<'raw'>): ProcessorType<'raw'> => ({
  ...type,
  create: () => {
    const processor = type.create()
    return {
      process: (context, record) => processor.process(context, record),
      slice: (context, budget) => processor.slice(context, budget),
    }
  },
})

const tables = [
  'accounts', 'held', 'runs', 'seen', 'tombs', 'watchers', 'free-ordinals', 'claim-timers', 'marks', 'proven', 'jobs', 'later', 'lagging', 'definitions', 'written', 'written-until',
]
const ids = ['a', 'b', 'c', 'd']
const sketch: fc.Arbitrary<Sketch> = fc.record(
  {
    roles: fc.constantFrom([], [role('r')], [role('r'), role('s')]),
    direct: fc.constantFrom([], ['p'], ['p', 'q']),
    values: fc.constantFrom({ mail: 'x@x' }, { mail: 'y@x' }),
    whole: fc.boolean(),
  },
  { requiredKeys: ['values'] },
)
const run = fc.record({ complete: fc.boolean(), late: fc.integer({ min: -3, max: 0 }), accounts: fc.oneof(fc.constant<Record<string, Sketch>>({}), fc.dictionary(fc.constantFrom(...ids), sketch)), left: fc.oneof(fc.constant<string[]>([]), fc.subarray(ids)) })
const allocation = fc.constantFrom(['p'], ['q'], ['p', 'q'], [])
const step = fc.oneof(
  { weight: 3, arbitrary: run.map((of) => ({ kind: 'run' as const, ...of })) },
  { weight: 1, arbitrary: fc.record({ id: fc.constantFrom(...ids), sketch }).map((of) => ({ kind: 'single' as const, ...of })) },
  { weight: 1, arbitrary: fc.constantFrom(...ids).map((id) => ({ kind: 'gone' as const, id })) },
  { weight: 1, arbitrary: fc.constantFrom(...ids).map((id) => ({ kind: 'old' as const, id })) },
  { weight: 1, arbitrary: fc.record({ id: fc.constantFrom(...ids), halves: fc.integer({ min: 1, max: 5 }) }).map((of) => ({ kind: 'written' as const, ...of })) },
  { weight: 1, arbitrary: allocation.map((gives) => ({ kind: 'role' as const, gives })) },
)

const without = <T>(names: readonly string[], of: Record<string, T>): Record<string, T> => Object.fromEntries(Object.entries(of).filter(([name]) => !names.includes(name)))

/** Accounts that were read together have one stamp. */
const paged = (records: readonly RawRecord[]): RawRecord[] =>
  records.map((record) => (record.type === 'Account' && record.run !== null ? { ...record, observed: record.observed - (record.observed % 3) } : record))

function recordsOf(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): RawRecord[] {
  const last: Record<string, Sketch> = {}
  return steps.flatMap((of, n): RawRecord[] => {
    const at = (n + 1) * 1_000_000
    if (of.kind === 'single') return [account(of.id, at, of.sketch)]
    if (of.kind === 'gone') return [gone(of.id, at)]
    if (of.kind === 'role') return [defined(role('r'), of.gives.map(entitlement), at, null)]
    // what the next runs show of the account may be behind it
    if (of.kind === 'written') return [{ type: 'Written', app, id: of.id, observed: at, until: at + of.halves * 500_000, seen: null }]
    // a page of an earlier run that comes late
    if (of.kind === 'old') return last[of.id] === undefined ? [] : [account(of.id, at - 1_500_000, last[of.id], n)]
    Object.assign(last, of.accounts)
    const verdict = of.complete ? 'complete' : 'partial'
    // most of what was shown before is shown again, as it was
    const verdicts = { accounts: verdict, memberships: verdict, grants: verdict } as const
    return snapshot({ run: n + 1, from: at + of.late * 600_000, accounts: without(of.left, last), verdicts })
  })
}

const paces = [['', normalise], [', also where work lags behind', normaliseAt({ perSubject: 1, perMark: 1 })]] as const

test.each(paces)('what a run showed last changes no output and no row: the account would have come out the same%s', (_name, type) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 10 }), (steps) => {
      const records = [tick(20_000), setting(), ...recordsOf(steps)]
      const usual = new ProcessorDriver(type)
      const thorough = new ProcessorDriver(forgetful(type))
      expect(usual.push(...records)).toEqual(thorough.push(...records))
      for (const name of tables) expect([...usual.table(name)], name).toEqual([...thorough.table(name)])
    }),
    { numRuns: 150 },
  )
}, 240_000)

test.each(paces)('nor do messages of many records, most of which were foreseen before the first of them was processed%s', (_name, type) => {
  let foreseen = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 16 }), fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }), (steps, sizes) => {
      const records = [tick(20_000), setting(), ...paged(recordsOf(steps))]
      const cut = (): DriverOptions => {
        let n = 0
        return { chunk: () => sizes[n++ % sizes.length]! }
      }
      const usual = new ProcessorDriver(type, cut())
      const thorough = new ProcessorDriver(forgetful(type), cut())
      expect(usual.push(...records)).toEqual(thorough.push(...records))
      for (const name of tables) expect([...usual.table(name)], name).toEqual([...thorough.table(name)])
      foreseen += usual.foreseen
    }),
    { numRuns: 300 },
  )
  expect(foreseen).toBeGreaterThan(100)
}, 240_000)

test('all of a run that shows what the last one did is foreseen, in as many messages as there are, and all but what is next to a change', () => {
  const ids = Array.from({ length: 100 }, (_, i) => `a${i}`)
  const accounts = (changed: Record<string, Sketch> = {}): Record<string, Sketch> => ({ ...Object.fromEntries(ids.map((id) => [id, { direct: ['p'] }])), ...changed })
  const driver = new ProcessorDriver(normalise, { chunk: () => 40 })
  const foreseenIn = (run: number, of: Record<string, Sketch>): number => {
    const before = driver.foreseen
    driver.push(...snapshot({ run, from: run * 1_000_000, accounts: of }))
    return driver.foreseen - before
  }
  driver.push(tick(1), setting())
  expect(foreseenIn(1, accounts())).toBe(0)
  expect(foreseenIn(2, accounts())).toBe(100)
  expect(foreseenIn(3, accounts({ a50: { direct: ['q'] } }))).toBe(99)
  const { a20: _gone, ...fewer } = accounts({ a50: { direct: ['q'] } })
  expect(foreseenIn(4, fewer)).toBe(99)
  expect(foreseenIn(5, { new: { direct: ['p'] }, ...fewer })).toBe(99)
})

const shows = (id: string, observed: number, run: number | null, sketch: Sketch = { direct: ['p'] }): RawRecord => account(id, observed, sketch, run)
const first = snapshot({ run: 1, from: 1_000_000, accounts: { a: { direct: ['p'] }, b: { direct: ['p'] }, c: { direct: ['p'], roles: [role('r')] }, d: { direct: ['p'] } } })
const ends = (run: number, count: number): RawRecord => end(run, 2_500_000, ['accounts', 'memberships', 'grants'].map((name) => manifest(name, count)))
const opened = begin(2, 2_000_000, ['accounts', 'memberships', 'grants'])

test.each<[what: string, foreseen: number, records: RawRecord[]]>([
  ['one after the other', 2, [opened, shows('a', 2_000_001, 2), shows('b', 2_000_001, 2), ends(2, 2)]],
  ['with another record in between', 2, [opened, shows('a', 2_000_001, 2), tick(9), shows('b', 2_000_001, 2), ends(2, 2)]],
  ['with an account missing in between', 2, [opened, shows('a', 2_000_001, 2), shows('c', 2_000_001, 2, { direct: ['p'], roles: [role('r')] }), ends(2, 2)]],
  ['in another order', 1, [opened, shows('b', 2_000_001, 2), shows('a', 2_000_001, 2), ends(2, 2)]],
  ['of other classes', 3, [opened, shows('b', 2_000_001, 2), shows('c', 2_000_001, 2, { direct: ['p'], roles: [role('r')] }), shows('d', 2_000_001, 2), ends(2, 3)]],
  ['twice', 2, [opened, shows('a', 2_000_001, 2), shows('a', 2_000_001, 2), ends(2, 2)]],
  ['of two runs', 3, [opened, shows('a', 1_900_000, 1), shows('b', 1_900_000, 2), shows('c', 1_900_000, 1, { direct: ['p'], roles: [role('r')] }), ends(2, 1)]],
  ['of an older run, before and after the begin of this one', 2, [opened, shows('a', 1_900_000, 1), shows('b', 2_000_001, 1), ends(2, 0)]],
  ['of no run', 1, [opened, shows('a', 2_000_001, 2), shows('b', 2_000_001, null), ends(2, 1)]],
])('a message that shows what was shown before, %s, comes out as record by record', (_what, foreseen, records) => {
  const usual = new ProcessorDriver(normalise, { chunk: () => 100 })
  const thorough = new ProcessorDriver(forgetful(normalise), { chunk: () => 100 })
  for (const driver of [usual, thorough]) {
    driver.push(tick(1), setting(), ...first)
    driver.push(...records)
  }
  expect(usual.outputs).toEqual(thorough.outputs)
  for (const name of tables) expect([...usual.table(name)], name).toEqual([...thorough.table(name)])
  expect(usual.foreseen).toBe(foreseen)
})

test('an account that is shown as before is not written, nor is one whose stamps alone are newer', () => {
  const world = new World()
  const of = (n: number): RawRecord[] => snapshot({ run: n, from: n * 1_000_000, accounts: { a: { roles: [], direct: ['p'] } } })
  world.push(tick(1), setting(), ...of(1))
  const before = [world.plain.table('accounts'), world.plain.table(shown)]
  expect(before[1]!.size).toBe(1)
  world.push(...of(2), ...of(3))
  expect([world.plain.table('accounts'), world.plain.table(shown)]).toEqual(before)
})

test('nothing is left of an account that is gone, and one that lost a facet by absence is looked at anew', () => {
  const world = new World()
  world.push(tick(1), setting(), ...snapshot({ run: 1, from: 1_000_000, accounts: { a: { direct: ['p'] }, b: { direct: ['q'] } } }))
  world.push(begin(2, 2_000_000, ['accounts', 'grants']))
  world.push(account('a', 2_000_001, {}, 2), account('b', 2_000_002, { direct: ['q'] }, 2))
  world.push(end(2, 2_000_003, [manifest('accounts', 2), manifest('grants', 2)]))
  expect(world.fact('a')?.grants).toEqual([])
  world.push(...snapshot({ run: 3, from: 3_000_000, accounts: { a: { direct: ['p'] }, b: { direct: ['q'] } } }))
  expect(world.fact('a')?.grants.map(({ native }) => entitlement(native))).toEqual([entitlement('p')])
  world.push(gone('a', 4_000_000), gone('b', 4_000_001))
  expect(world.plain.table(shown).size).toBe(0)
})
