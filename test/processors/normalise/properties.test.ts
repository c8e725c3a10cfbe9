import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AccountFact } from '../../../schemas/wire/facts.ts'
import type { RawRecord } from '../../../schemas/wire/raw.ts'
import { normalise, normaliseAt } from '../../../processors/normalise/normalise.ts'
import { compareKeys } from '../../../src/core/order.ts'
import type { DriverOptions, Output } from '../../support/processor-driver.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'
import type { Sketch } from './world.ts'
import { account, begin, currentFacts, defined, end, entitlement, gone, intent, keyBook, manifest, role, setting, snapshot, tick } from './world.ts'

const ids = fc.constantFrom('a', 'b/é', '😀', 'd')
const mails = fc.constantFrom('x@x', 'y@x', 'Z@x')
const names = fc.constantFrom('i1', 'i2', 'i3')
const roles = fc.constantFrom('r1', 'r2', 'r3')
const permissions = fc.constantFrom('p1', 'p2', 'p3')

const sketches: fc.Arbitrary<Sketch> = fc.record({
  kind: fc.constantFrom('human', 'human', 'service'),
  created: fc.constantFrom(null, 3, 6),
  owner: fc.option(mails, { nil: null }),
  values: mails.map((mail) => ({ mail })),
  roles: fc.uniqueArray(roles).map((list) => list.map(role)),
  direct: fc.uniqueArray(permissions),
})
const children = fc.tuple(fc.uniqueArray(roles), fc.uniqueArray(permissions)).map(([r, p]) => [...r.map(role), ...p.map(entitlement)])
const keys = fc.array(fc.tuple(mails, fc.nat(9), fc.option(fc.nat(30), { nil: undefined })), { maxLength: 3 })
  .map((list) => list.map(([mail, since, until]) => ['email', mail.replace('Z', 'z'), since, until] as const))

/** What applications say, in the order of their clock. */
const observations = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(ids, sketches).map(([id, sketch]) => (at: number): RawRecord => account(id, at, sketch)) },
    { weight: 2, arbitrary: fc.tuple(roles, children).map(([id, list]) => (at: number): RawRecord => defined(role(id), list, at, null)) },
    { weight: 1, arbitrary: ids.map((id) => (at: number): RawRecord => gone(id, at)) },
  ),
  { maxLength: 15 },
).map((list) => list.map((make, n) => make(1_000_000 + n * 1_000)))

/** What governance says, in its order. */
const statements = fc.array(
  fc.oneof(
    fc.tuple(names, keys, fc.option(names, { nil: null })).map(([id, list, continues]) => (revision: number): RawRecord => keyBook(id, list, { revision, continues })),
    fc.tuple(ids, fc.option(names, { nil: null }), fc.option(names, { nil: null })).map(([id, link, owner]) => (): RawRecord => intent(id, { link, owner })),
  ),
  { maxLength: 10 },
).map((list) => list.map((make, n) => make(n + 1)))

const start = [tick(20_000), setting({ allowedDelaySeconds: 10 })]

/** Each record derives one account of those that lag behind. */
const slow = normaliseAt({ perSubject: 1, perMark: 1 })
const paces = [['as fast as usual', normalise], ['with work that lags behind', slow]] as const

function run(records: readonly RawRecord[], type = normalise, options: DriverOptions = {}): ProcessorDriver<'raw'> {
  const driver = new ProcessorDriver(type, options)
  driver.push(...start, ...records)
  driver.catchUp()
  return driver
}

/** Final facts without times of observation and causes. */
function finalFacts(outputs: readonly Output[], more: readonly (keyof AccountFact)[] = []): unknown {
  const without = ['cause', 'sources', 'movedFrom', 'observed', ...more]
  const facts = [...currentFacts(outputs)].sort(([a], [b]) => compareKeys(a, b))
  return facts.map(([key, fact]) => [key, Object.fromEntries(Object.entries(fact).filter(([name]) => !without.includes(name)))])
}

/** Who is told to be accountable for what, in the end. */
function finalReferences(outputs: readonly Output[]): string[] {
  const told = new Map<string, boolean>()
  for (const { record } of outputs) if (record.type === 'Reference') told.set(JSON.stringify([record.home, record.account]), !record.removed)
  return [...told].filter(([, held]) => held).map(([key]) => key).sort()
}

describe.each(paces)('%s', (_name, type) => {
  test('whether people or applications were loaded first, or mixed, changes no final fact', () => {
    fc.assert(
      fc.property(observations, statements, fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }), (seen, said, coins) => {
        const mixed: RawRecord[] = []
        const left = [...seen]
        const right = [...said]
        for (const coin of coins) mixed.push(...(coin ? left : right).splice(0, 1))
        mixed.push(...left, ...right)
        const orders = [[...seen, ...said], [...said, ...seen], mixed].map((records) => run(records, type).outputs)
        // of edits that overtake each other the last one's time counts: since when what they gave is held depends on it
        const more = type === slow ? (['grantsSince'] as const) : []
        const [first, ...others] = [run([...seen, ...said]).outputs, ...orders].map((outputs) => [finalFacts(outputs, more), finalReferences(outputs)])
        for (const other of others) expect(other).toEqual(first)
      }),
      { numRuns: 100 },
    )
  })

  test('every account has one home, and references say what the facts say', () => {
    fc.assert(
      fc.property(observations, statements, (seen, said) => {
        const { outputs } = run([...said, ...seen], type)
        const owned = [...currentFacts(outputs).values()].filter(({ owner }) => owner !== null)
        expect(finalReferences(outputs)).toEqual(owned.map(({ owner, account: id }) => JSON.stringify([`identity/${owner}`, id])).sort())
      }),
      { numRuns: 100 },
    )
  })

  test('reloads and slices of any size change neither outputs nor state', () => {
    fc.assert(
      fc.property(observations, statements, fc.integer({ min: 1, max: 4 }), (seen, said, budget) => {
        const records = [...seen, ...said, setting({ match: [] }, 2), tick(40_000)]
        const plain = run(records, type)
        for (const options of [{ reload: true }, { reload: true, budget: () => budget }]) {
          const other = run(records, type, options)
          expect(other.outputs).toEqual(plain.outputs)
          expect(other.dump()).toBe(plain.dump())
        }
      }),
      { numRuns: 40 },
    )
  })

  test('after a complete snapshot the facts are what it showed, whatever was there before', () => {
    const held = fc.dictionary(ids, sketches, { maxKeys: 4, noNullPrototype: true })
    const defs = fc.uniqueArray(fc.tuple(roles, children), { selector: ([id]) => id }).map((list) => list.map(([id, next]) => [role(id), next] as const))
    fc.assert(
      fc.property(observations, statements, held, held, defs, (seen, said, partial, complete, definitions) => {
        const shown = snapshot({ run: 3, from: 5_000_000, accounts: complete, definitions, verdicts: { memberships: 'complete', grants: 'complete' } })
        const broken = snapshot({ run: 2, from: 3_000_000, accounts: partial, definitions, surplus: 1 })
        const times = ['since', 'grantsSince'] as const
        const before = run([...said, ...seen, ...broken, ...shown], type)
        const fresh = run([...said, ...shown])
        expect(finalFacts(before.outputs, times)).toEqual(finalFacts(fresh.outputs, times))
        const again = snapshot({ run: 4, from: 9_000_000, accounts: complete, definitions, verdicts: { memberships: 'complete', grants: 'complete' } })
        const rows = [before.table('accounts'), before.table('definitions')]
        expect([...before.push(...again), ...before.catchUp()].map(({ record }) => record.type)).toEqual(['SyncRun'])
        expect([before.table('accounts'), before.table('definitions')]).toEqual(rows)
      }),
      { numRuns: 100 },
    )
  })

  test('pages that arrive late, however late, do not undo events that were observed after them', () => {
    fc.assert(
      fc.property(fc.array(sketches, { minLength: 1, maxLength: 6 }), fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }), (list, coins) => {
        const observed = list.map((sketch, n) => account('a', 2_000 + n, sketch, n % 2 === 0 ? 1 : null))
        const events = observed.filter((record) => record.run === null)
        const pages = observed.filter((record) => record.run !== null)
        const arriving: RawRecord[] = []
        for (const coin of coins) {
          const [event] = events
          const [page] = pages
          const early = page === undefined || (event !== undefined && (event.observed < page.observed || coin))
          arriving.push(...(early ? events : pages).splice(0, 1))
        }
        const last = run([account('a', 1, list.at(-1))])
        const mixed = run([account('a', 1, {}), begin(1, 1_999, ['accounts']), ...arriving, end(1, 3_000, [manifest('accounts', 0)])], type)
        const times = ['since', 'grantsSince'] as const
        expect(finalFacts(mixed.outputs, times)).toEqual(finalFacts(last.outputs, times))
      }),
      { numRuns: 100 },
    )
  })
})
