import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { GrantVerdict } from '../../schemas/wire/results.ts'
import { GrantCount, grantCounts, grantsOfVerdict } from '../../src/reports/grant-counts.ts'
import { access, grant } from '../sink/records.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => void (tables = await openTables()))
afterAll(() => tables.close())

const entitlement = fc.constantFrom('e1', 'e2', 'e3', 'e4')
const change = fc.record({
  app: fc.constantFrom('billing', 'crm'),
  account: fc.constantFrom('a', 'b', 'c'),
  home: fc.constantFrom('identity/ann', 'identity/bob'),
  gone: fc.nat(5).map((n) => n === 0),
  set: fc.array(fc.record({ entitlement, native: fc.constantFrom('N1', 'N2'), verdict: fc.constantFrom(...GrantVerdict.options) }), { maxLength: 5 }),
  removed: fc.uniqueArray(entitlement, { maxLength: 2 }),
})

/** Of what `access_now` holds, whose query says what that is and sorts all grants for it. */
const plainly = `SELECT app, verdict, count() AS grants, uniqExact(home, account) AS accounts FROM access_now GROUP BY app, verdict ORDER BY app, verdict`

it('count what is held now, whatever was held before, in which home and in whichever part of the table it lies', async () => {
  const sorted = (counts: GrantCount[]): GrantCount[] => [...counts].sort((a, b) => (`${a.app} ${a.verdict}` < `${b.app} ${b.verdict}` ? -1 : 1))
  await fc.assert(fc.asyncProperty(fc.array(fc.array(change, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 }), async (inserts) => {
    await tables.clear()
    for (const changes of inserts) {
      await tables.add('access', ...changes.map(({ set, removed, gone, ...of }) => access({
        ...of, gone, set: gone ? [] : set.map((one) => grant(one)), removed: gone ? [] : removed.filter((name) => !set.some((one) => one.entitlement === name)),
      })))
    }
    const expected = sorted(await tables.store.query(plainly, {}, GrantCount))
    expect(sorted(await grantCounts(tables.store))).toEqual(expected)
    for (const verdict of GrantVerdict.options) {
      expect(await grantsOfVerdict(tables.store, verdict, null)).toEqual(expected.filter((count) => count.verdict === verdict))
      expect(await grantsOfVerdict(tables.store, verdict, 'crm')).toEqual(expected.filter((count) => count.verdict === verdict && count.app === 'crm'))
    }
  }), { numRuns: 15 })
})
