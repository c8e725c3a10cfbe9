import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RawRecord } from '../../../schemas/wire/raw.ts'
import { normalise, normaliseAt } from '../../../processors/normalise/normalise.ts'
import type { ProcessorType } from '../../../src/ports/processor.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'
import type { Sketch } from './world.ts'
import { account, begin, defined, end, entitlement, gone, manifest, role, setting, snapshot, tick, World } from './world.ts'

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
  'accounts', 'held', 'runs', 'seen', 'tombs', 'watchers', 'free-ordinals', 'claim-timers', 'marks', 'proven', 'jobs', 'later', 'lagging', 'definitions',
]
const ids = ['a', 'b', 'c']
const sketch: fc.Arbitrary<Sketch> = fc.record(
  {
    roles: fc.constantFrom([], [role('r')], [role('r'), role('s')]),
    direct: fc.constantFrom([], ['p'], ['p', 'q']),
    values: fc.constantFrom({ mail: 'x@x' }, { mail: 'y@x' }),
    whole: fc.boolean(),
  },
  { requiredKeys: ['values'] },
)
const run = fc.record({ complete: fc.boolean(), late: fc.integer({ min: -3, max: 0 }), accounts: fc.dictionary(fc.constantFrom(...ids), sketch) })
const allocation = fc.constantFrom(['p'], ['q'], ['p', 'q'], [])
const step = fc.oneof(
  { weight: 3, arbitrary: run.map((of) => ({ kind: 'run' as const, ...of })) },
  { weight: 1, arbitrary: fc.record({ id: fc.constantFrom(...ids), sketch }).map((of) => ({ kind: 'single' as const, ...of })) },
  { weight: 1, arbitrary: fc.constantFrom(...ids).map((id) => ({ kind: 'gone' as const, id })) },
  { weight: 1, arbitrary: fc.constantFrom(...ids).map((id) => ({ kind: 'old' as const, id })) },
  { weight: 1, arbitrary: allocation.map((gives) => ({ kind: 'role' as const, gives })) },
)

function recordsOf(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): RawRecord[] {
  const shown: Record<string, Sketch> = {}
  return steps.flatMap((of, n): RawRecord[] => {
    const at = (n + 1) * 1_000_000
    if (of.kind === 'single') return [account(of.id, at, of.sketch)]
    if (of.kind === 'gone') return [gone(of.id, at)]
    if (of.kind === 'role') return [defined(role('r'), of.gives.map(entitlement), at, null)]
    // a page of an earlier run that comes late
    if (of.kind === 'old') return shown[of.id] === undefined ? [] : [account(of.id, at - 1_500_000, shown[of.id], n)]
    Object.assign(shown, of.accounts)
    const verdict = of.complete ? 'complete' : 'partial'
    // most of what was shown before is shown again, as it was
    const verdicts = { accounts: verdict, memberships: verdict, grants: verdict } as const
    return snapshot({ run: n + 1, from: at + of.late * 600_000, accounts: { ...shown, ...of.accounts }, verdicts })
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

test('an account that is shown as before is not written, nor is one whose stamps alone are newer', () => {
  const world = new World()
  const of = (n: number): RawRecord[] => snapshot({ run: n, from: n * 1_000_000, accounts: { a: { roles: [], direct: ['p'] } } })
  world.push(tick(1), setting(), ...of(1))
  const before = [world.plain.table('accounts'), world.plain.table('shown')]
  expect(before[1]!.size).toBe(1)
  world.push(...of(2), ...of(3))
  expect([world.plain.table('accounts'), world.plain.table('shown')]).toEqual(before)
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
  expect(world.plain.table('shown').size).toBe(0)
})
