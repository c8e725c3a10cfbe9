import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { access as report, type AccessRow } from '../../src/reports/access.ts'
import { accessChanges } from '../../src/reports/access-changes.ts'
import { accessHistory } from '../../src/reports/access-history.ts'
import { access, grant } from '../sink/records.ts'
import { openTables, type Tables } from './tables.ts'

/** What was held over time, and between two times, has to be what is held at each single time: the report `access` has its own oracle. */
const own = { home: 'account/billing/b', identity: null }
const story = [
  access({ account: 'a', observed: 10, decided: 11, set: [grant({ entitlement: 'e1', native: 'N1', valid: 4, since: 10 }), grant({ entitlement: 'e2', native: 'N2', since: 10 })] }),
  access({ account: 'b', ...own, observed: 12, decided: 12, set: [grant({ entitlement: 'e1', native: 'N1', since: 12, verdict: 'unauthorised' })] }),
  access({ account: 'a', observed: 10, decided: 20, set: [grant({ entitlement: 'e1', native: 'N1', valid: 4, since: 10, verdict: 'unauthorised' })] }),
  access({ account: 'b', observed: 22, decided: 22, set: [grant({ entitlement: 'e1', native: 'N1', since: 12 })] }),
  access({ account: 'b', ...own, observed: 22, decided: 23, set: [], gone: true }),
  access({ account: 'd', app: 'hr', observed: 24, decided: 24, set: [grant({ entitlement: 'e7', native: 'N7', since: 24 })] }),
  access({ account: 'd', app: 'hr', observed: 29, decided: 29, set: [grant({ entitlement: 'e7', native: 'N8', since: 29 })] }),
  access({ account: 'a', observed: 30, decided: 31, set: [], removed: ['e1'] }),
  access({ account: 'c', app: 'crm', observed: 33, decided: 33, set: [grant({ entitlement: 'e9', native: 'e1', since: 33 })] }),
  access({ account: 'a', observed: 36, decided: 36, set: [grant({ entitlement: 'e1', native: 'N1', since: 36 })] }),
  access({ account: 'a', status: 'disabled', valid: 35, observed: 37, decided: 37, set: [] }),
  access({ account: 'c', app: 'crm', observed: 38, decided: 38, set: [], gone: true }),
]
const times = Array.from({ length: 42 }, (_, time) => time)

let tables: Tables
const heldAt = new Map<number, AccessRow[]>()
beforeAll(async () => {
  tables = await openTables()
  await tables.add('access', ...story)
  for (const at of times) heldAt.set(at, await report.run(tables.store, report.filters.parse({ at })))
})
afterAll(() => tables.close())

type Held = Pick<AccessRow, 'home' | 'app' | 'account' | 'entitlement' | 'native' | 'verdict'>
const nameOf = ({ home, app, account, entitlement, native, verdict }: Held): string => [home, app, account, entitlement, native, verdict].join(' ')

describe('access over time', () => {
  it('is at each time what is held then', async () => {
    const spans = (await Promise.all(['a', 'b', 'c', 'd'].map((account) => accessHistory.run(tables.store, accessHistory.filters.parse({ account }))))).flat()
    for (const at of times) {
      const then = spans.filter(({ from, until }) => from <= at && (until === null || at < until))
      expect(then.map(nameOf).sort(), `at ${at}`).toEqual(heldAt.get(at)!.map(nameOf).sort())
    }
    expect(spans.find(({ account, until }) => account === 'a' && until === 30)).toMatchObject({ entitlement: 'e1', from: 20, verdict: 'unauthorised', direct: true, paths: [[]] })
  })

  it('of a person leaves out what the account held under another home, and takes one entitlement alone', async () => {
    const of = async (filters: object) => (await accessHistory.run(tables.store, accessHistory.filters.parse(filters))).map((span) => [span.account, span.native, span.from, span.until])
    expect(await of({ identity: 'ann', entitlement: 'N1' })).toEqual([['a', 'N1', 4, 20], ['a', 'N1', 20, 30], ['a', 'N1', 36, null], ['b', 'N1', 22, null]])
    expect(await of({ identity: 'ann', entitlement: 'N1', knownAt: 25, limit: 2 })).toEqual([['a', 'N1', 4, 20], ['a', 'N1', 20, null]])
    expect(await of({ account: 'nobody' })).toEqual([])
  })

  it('wants to know whose', () => {
    expect(() => accessHistory.filters.parse({ app: 'crm' })).toThrow('Name an account or an identity')
  })
})

describe('changes of access between two times', () => {
  it('are what is held at one and not at the other, or is judged otherwise', async () => {
    for (const [from, to] of [[0, 41], [3, 5], [9, 10], [10, 21], [11, 25], [21, 22], [25, 37], [31, 35], [34, 35], [33, 41], [37, 37]] as const) {
      const found = await accessChanges.run(tables.store, accessChanges.filters.parse({ from, to }))
      const sides = (of: number): Map<string, AccessRow> => new Map(heldAt.get(of)!.map((row) => [[row.app, row.account, row.entitlement, row.native].join(' '), row]))
      const [before, after] = [sides(from), sides(to)]
      const expected = [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
        const [one, other] = [before.get(name) ?? null, after.get(name) ?? null]
        const side = (row: AccessRow | null): string => (row === null ? 'nothing' : `${row.verdict} at ${row.home}, ${row.status}`)
        return side(one) === side(other) ? [] : [`${name}: ${side(one)}; ${side(other)}`]
      })
      const side = (verdict: string | null, home: string | null, status: string | null): string => (verdict === null ? 'nothing' : `${verdict} at ${home}, ${status}`)
      const spelled = found.map((row) => `${row.app} ${row.account} ${row.entitlement} ${row.native}: ${side(row.before, row.homeBefore, row.statusBefore)}; ${side(row.after, row.homeAfter, row.statusAfter)}`)
      expect(spelled, `${from} to ${to}`).toEqual(expected)
    }
  })

  it('tell of what an account still holds that was disabled meanwhile, also where its source dates it earlier than it was seen', async () => {
    const found = await accessChanges.run(tables.store, accessChanges.filters.parse({ from: 34, to: 35 }))
    expect(found).toMatchObject([{ account: 'a', entitlement: 'e2', before: 'matched', after: 'matched', statusBefore: 'active', statusAfter: 'disabled' }])
  })

  it('are of one application, account, person or entitlement', async () => {
    const of = async (filters: object) => (await accessChanges.run(tables.store, accessChanges.filters.parse({ from: 0, to: 34, ...filters }))).map(({ account, native }) => `${account} ${native}`)
    expect(await of({ app: 'crm' })).toEqual(['c e1'])
    expect(await of({ account: 'a' })).toEqual(['a N2'])
    expect(await of({ identity: 'ann', app: 'billing' })).toEqual(['a N2', 'b N1'])
    expect(await of({ entitlement: 'e1' })).toEqual(['b N1', 'c e1'])
    expect(await of({ from: 25, entitlement: 'N7' })).toEqual(['d N7'])
    expect(await of({ limit: 1 })).toEqual(['a N2'])
  })
})
