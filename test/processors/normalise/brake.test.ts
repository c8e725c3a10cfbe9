import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from '../../../processors/normalise/normalise.ts'
import type { RawRecord } from '../../../schemas/wire/raw.ts'
import { accountKey } from '../../../src/core/keys.ts'
import { partitionOf } from '../../../src/core/partition.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'
import type { Sketch } from './world.ts'
import { World, account, app, begin, end, gone, manifest, ofType, role, setting, snapshot, tick } from './world.ts'

const many = (from: number, to: number): Record<string, Sketch> =>
  Object.fromEntries(Array.from({ length: to - from }, (_, n) => [`a${String(from + n).padStart(2, '0')}`, { direct: ['read'] }]))

const release = (run: number | null, source = app): RawRecord => ({
  type: 'Ruling', source, kind: 'release', run, by: 'eve', reason: 'the site closed', at: 1,
})

/** Ten accounts; at most two may go unasked. */
function loaded(more: Parameters<typeof setting>[0] = {}): World {
  const world = new World()
  world.push(tick(1_000), setting({ brake: { maxAbsent: 2, maxAbsentShare: 1 }, ...more }))
  world.push(...snapshot({ run: 1, from: 10_000, accounts: many(0, 10) }))
  return world
}

describe('the brake', () => {
  test('lets as many absences pass as the setting says', () => {
    const world = loaded()
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: many(2, 10) }))
    expect(ofType(outputs, 'AccountGone').map((gone) => gone.account)).toEqual(['a00', 'a01'])
    expect(ofType(outputs, 'Held')).toEqual([])
  })

  test('holds all of more, opens a held fact, and the row says how many', () => {
    const world = loaded()
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: many(3, 10) }))
    expect(ofType(outputs, 'AccountGone')).toEqual([])
    expect(ofType(outputs, 'Held')).toMatchObject([
      { home: 'source/crm', source: app, run: 2, class: 'accounts', writer: 0, held: true, absent: 3, present: 10 },
    ])
    expect(outputs.find(({ record }) => record.type === 'Held')?.key).toBe('source/crm')
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict: 'complete', absent: 0, held: 3 }])
  })

  test('counts a share only of more than two', () => {
    const world = loaded({ brake: { maxAbsent: 100, maxAbsentShare: 0.1 } })
    expect(ofType(world.push(...snapshot({ run: 2, from: 20_000, accounts: many(2, 10) })), 'AccountGone')).toHaveLength(2)
    expect(ofType(world.push(...snapshot({ run: 3, from: 30_000, accounts: many(5, 10) })), 'Held')).toMatchObject([{ absent: 3, present: 8 }])
  })

  test('divides the number by the partitions, for accounts and not for definitions, which each of them has whole', () => {
    const world = new World({ partitions: 2 })
    const definitions = ['x', 'y', 'z'].map((id) => [role(id), []] as const)
    world.push(setting({ brake: { maxAbsent: 2, maxAbsentShare: 1 } }), ...snapshot({ run: 1, from: 10_000, accounts: many(0, 4), definitions }))
    const outputs = world.push(...snapshot({ run: 2, from: 20_000, accounts: many(2, 4), definitions: definitions.slice(2) }))
    expect(ofType(outputs, 'Held')).toMatchObject([{ class: 'accounts', absent: 2 }])
    expect(world.plain.table('definitions').size).toBe(1)
  })
})

describe('a run that shows no account at all', () => {
  const brake = { maxAbsent: 50, maxAbsentShare: 0.2 }
  const roles = [[role('clerk'), []]] as const
  const one = { ann: { roles: [role('clerk')] } }

  test('is held though it is one account that it does not show, with the definitions that account refers to', () => {
    const world = loaded({ brake })
    world.push(...snapshot({ run: 2, from: 20_000, accounts: {} }), release(2))
    world.push(...snapshot({ run: 3, from: 30_000, accounts: one, definitions: roles }))
    const outputs = world.push(...snapshot({ run: 4, from: 40_000, accounts: {}, definitions: [] }))
    expect(outputs.map(({ record }) => record.type)).toEqual(['Held', 'Held', 'SyncRun'])
    expect(ofType(outputs, 'Held')).toMatchObject([{ class: 'accounts', absent: 1, present: 1 }, { class: 'definitions', absent: 1, present: 1 }])
    expect(world.fact('ann')).toMatchObject({ whole: true, unknown: [] })
    expect(ofType(world.push(release(4)), 'Held').map(({ class: name, held }) => [name, held])).toEqual([['accounts', false], ['definitions', false]])
    expect(world.fact('ann')).toBeUndefined()
    expect(world.plain.table('definitions').size).toBe(0)
  })

  test('takes definitions away where no account was there', () => {
    const world = new World()
    world.push(setting({ brake }), ...snapshot({ run: 1, from: 10_000, accounts: {}, definitions: roles }))
    expect(ofType(world.push(...snapshot({ run: 2, from: 20_000, accounts: {}, definitions: [] })), 'Held')).toEqual([])
    expect(world.plain.table('definitions').size).toBe(0)
  })

  test('is let pass by a share of 1, and by no other', () => {
    const one = (maxAbsentShare: number): string[] => {
      const world = new World()
      world.push(setting({ brake: { maxAbsent: 50, maxAbsentShare } }), ...snapshot({ run: 1, from: 10_000, accounts: many(0, 1) }))
      return world.push(...snapshot({ run: 2, from: 20_000, accounts: {} })).map(({ record }) => record.type)
    }
    expect([one(1), one(0.99)]).toEqual([['AccountGone', 'SyncRun'], ['Held', 'SyncRun']])
  })

  test('that is filtered, partial or without proof holds and removes nothing', () => {
    const world = loaded({ brake })
    for (const verdict of ['partial', 'unknown'] as const) {
      expect(world.push(...snapshot({ run: verdict === 'partial' ? 2 : 3, from: 20_000, accounts: {}, verdicts: { accounts: verdict } })).map(({ record }) => record.type)).toEqual(['SyncRun'])
    }
    expect(world.push(begin(4, 40_000, ['accounts'], 'filtered'), end(4, 40_001, [manifest('accounts', 0)])).map(({ record }) => record.type)).toEqual(['SyncRun'])
  })

  test('takes one that it rejected for an account that is there', () => {
    const world = loaded({ brake })
    const seen: RawRecord = { type: 'Seen', app, id: 'a00', run: 2 }
    const outputs = world.push(begin(2, 20_000, ['accounts']), seen, end(2, 20_001, [manifest('accounts', 1)]))
    expect(ofType(outputs, 'Held')).toMatchObject([{ absent: 9, present: 10 }])
  })

  test('leaves the memberships, grants and credentials of accounts to be emptied as ever', () => {
    const world = loaded({ brake: { maxAbsent: 50, maxAbsentShare: 0.99 } })
    world.push(...snapshot({ run: 2, from: 20_000, accounts: { ...many(0, 2) } }), release(2))
    const outputs = world.push(begin(3, 30_000, ['grants']), end(3, 30_001, [manifest('grants', 0)]))
    expect(ofType(outputs, 'Held')).toEqual([])
    expect(world.fact('a00')?.grants).toEqual([])
  })

  /** The accounts by the partition that has them; each partition gets the whole run. */
  const partitions = 4
  const spread = (ids: readonly string[]): string[][] =>
    Array.from({ length: partitions }, (_, p) => ids.filter((id) => partitionOf(accountKey(app, id), partitions) === p))

  function runTo(drivers: readonly ProcessorDriver<'raw'>[], run: number, ids: readonly string[]): { gone: string[]; held: number[] } {
    const counts = spread(ids).map(({ length }) => length)
    const outputs = drivers.flatMap((driver, p) => driver.push(
      begin(run, run * 10_000, ['accounts']), ...spread(ids)[p]!.map((id, at) => account(id, run * 10_000 + at + 1, {}, run)),
      end(run, run * 10_000 + 1_000, [manifest('accounts', ids.length, { counts })]),
    ))
    return {
      gone: ofType(outputs, 'AccountGone').map((one) => one.account).sort(),
      held: ofType(outputs, 'Held').filter(({ held }) => held).map(({ writer }) => writer),
    }
  }

  test('takes nothing from any partition until it is released; one that shows any takes at once what a partition has alone', () => {
    fc.assert(fc.property(
      fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 14 }), fc.infiniteStream(fc.boolean()),
      (numbers, stays) => {
        const ids = numbers.map((n) => `a${n}`).sort()
        const shown = ids.filter(() => stays.next().value)
        const drivers = Array.from({ length: partitions }, (_, partition) => new ProcessorDriver(normalise, { partitions, partition }))
        for (const driver of drivers) driver.push(setting({ brake }))
        runTo(drivers, 1, ids)
        const missing = spread(ids.filter((id) => !shown.includes(id)))
        const { gone, held } = runTo(drivers, 2, shown)
        const isHeld = (p: number): boolean => {
          const [absent, present] = [missing[p]!.length, spread(ids)[p]!.length]
          return absent > 0 && (shown.length === 0 || (absent > 2 && absent > 0.2 * present))
        }
        expect(held).toEqual([...missing.keys()].filter(isHeld))
        expect(gone).toEqual(missing.flatMap((those, p) => (isHeld(p) ? [] : those)).sort())
        const released = drivers.flatMap((driver) => driver.push(release(2)))
        expect([...gone, ...ofType(released, 'AccountGone').map((one) => one.account)].sort()).toEqual(missing.flat().sort())
      },
    ), { numRuns: 60 })
  })
})

describe('held absences', () => {
  const held = (): World => {
    const world = loaded()
    world.push(...snapshot({ run: 2, from: 20_000, accounts: many(3, 10) }))
    return world
  }

  test('a release of that run applies them and closes the held fact', () => {
    const world = held()
    const outputs = world.push(release(2))
    expect(ofType(outputs, 'AccountGone').map((gone) => gone.account)).toEqual(['a00', 'a01', 'a02'])
    expect(ofType(outputs, 'Held')).toMatchObject([{ run: 2, held: false, absent: 3, present: 10 }])
    expect(world.push(release(2))).toEqual([])
  })

  test('a release of another run, of no run or of another source applies nothing', () => {
    const world = held()
    expect(world.push(release(1), release(3), release(null), release(2, 'hr'))).toEqual([])
  })

  test('a release leaves what was seen or observed since, even where it was unchanged', () => {
    const world = held()
    world.push(
      begin(3, 30_000, ['accounts']), account('a00', 30_001, { direct: ['read'] }, 3), begin(4, 31_000, ['accounts']),
      account('a01', 32_000, { direct: ['read'] }), gone('a05', 32_001), account('new', 32_002),
    )
    expect(ofType(world.push(release(2)), 'AccountGone').map((gone) => gone.account)).toEqual(['a02'])
  })

  test('the next complete run judges anew: they came back', () => {
    const world = held()
    const outputs = world.push(...snapshot({ run: 3, from: 30_000, accounts: many(0, 10) }))
    expect(outputs.map(({ record }) => record.type)).toEqual(['Held', 'SyncRun'])
    expect(ofType(outputs, 'Held')).toMatchObject([{ run: 2, held: false }])
    expect(world.push(release(2))).toEqual([])
  })

  test('the next complete run judges anew: while the same are gone nothing is told, and either run may be released', () => {
    for (const run of [2, 3]) {
      const world = held()
      expect(world.push(...snapshot({ run: 3, from: 30_000, accounts: many(3, 10) })).map(({ record }) => record.type)).toEqual(['SyncRun'])
      expect(ofType(world.push(release(run)), 'AccountGone')).toHaveLength(3)
    }
    const world = held()
    expect(ofType(world.push(...snapshot({ run: 3, from: 30_000, accounts: { ...many(3, 10), ...many(0, 1) } })), 'Held')).toMatchObject([{ held: false }])
  })

  test('a release applies nothing that the run which it names showed, and all of it while later runs showed the same', () => {
    const all = Object.keys(many(0, 6))
    const shown = fc.subarray(all, { minLength: 1 })
    fc.assert(fc.property(fc.array(shown, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 6 }), (runs, run) => {
      const world = new World()
      world.push(setting({ brake: { maxAbsent: 0, maxAbsentShare: 1 } }), ...snapshot({ run: 1, from: 10_000, accounts: many(0, 6) }))
      runs.forEach((ids, n) => world.push(...snapshot({ run: n + 2, from: (n + 2) * 10_000, accounts: Object.fromEntries(ids.map((id) => [id, { direct: ['read'] }])) })))
      const removed = ofType(world.push(release(run)), 'AccountGone').map((one) => one.account).sort()
      const absent = runs.map((ids) => all.filter((id) => !ids.includes(id)))
      const named = absent[run - 2]
      expect(removed.filter((id) => named?.includes(id) !== true)).toEqual([])
      if (removed.length > 0) expect(removed).toEqual(absent.at(-1))
      if (named !== undefined && absent.slice(run - 2).every((ids) => ids.join() === named.join())) expect(removed).toEqual(named)
    }), { numRuns: 40 })
  })

  test('the next complete run judges anew: another is gone, and it is that run that is released', () => {
    const world = held()
    const outputs = world.push(...snapshot({ run: 3, from: 30_000, accounts: many(4, 10) }))
    expect(ofType(outputs, 'Held')).toMatchObject([{ run: 3, held: true, absent: 4 }])
    expect(world.push(release(2))).toEqual([])
    expect(ofType(world.push(release(3)), 'AccountGone')).toHaveLength(4)
  })

  test('a partial run leaves them held', () => {
    const world = held()
    expect(ofType(world.push(...snapshot({ run: 3, from: 30_000, accounts: many(5, 10), surplus: 1 })), 'Held')).toEqual([])
    expect(ofType(world.push(release(2)), 'AccountGone')).toHaveLength(3)
  })

  test('are held while another run is open, and released into it', () => {
    const world = held()
    const [first, ...others] = snapshot({ run: 3, from: 30_000, accounts: many(2, 10) })
    world.push(first as RawRecord)
    expect(ofType(world.push(release(2)), 'AccountGone')).toHaveLength(3)
    expect(ofType(world.push(...others), 'SyncRun')).toMatchObject([{ verdict: 'complete', absent: 0 }])
    expect(world.fact('a02')).toMatchObject({ since: 30 })
  })

  test('with reread, a release asks for them, and only an answer removes them', () => {
    const world = loaded({ reread: true })
    world.push(...snapshot({ run: 2, from: 20_000, accounts: many(3, 10) }))
    const outputs = world.push(release(2))
    expect(ofType(outputs, 'Command').map((command) => command.account)).toEqual(['a00', 'a01', 'a02'])
    expect(new Set(ofType(outputs, 'Command').map((command) => command.id)).size).toBe(3)
    expect(ofType(outputs, 'AccountGone')).toEqual([])
    expect(ofType(world.push(gone('a00', 40_000)), 'AccountGone')).toMatchObject([{ account: 'a00' }])
  })

  test('of a facet are held by themselves', () => {
    const world = loaded()
    const complete = (run: number, from: number): RawRecord[] => [
      begin(run, from, ['accounts', 'grants']), end(run, from + 5, [manifest('accounts', 0, { verdict: 'unknown' }), manifest('grants', 0)]),
    ]
    expect(ofType(world.push(...complete(2, 20_000)), 'Held')).toMatchObject([{ class: 'grants', absent: 10, present: 10 }])
    expect(world.fact('a00')?.grants).toHaveLength(1)
    world.push(release(2))
    expect(world.fact('a00')?.grants).toEqual([])
  })
})
