import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FindingsFilters} from '../../src/reports/findings.ts';
import { findingById, findingHistory, findings, type FindingRow } from '../../src/reports/findings.ts'
import { cause, finding, start } from '../sink/records.ts'
import { hostileTexts } from '../contract/store.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => void (tables = await openTables()))
beforeEach(() => tables.clear())
afterAll(() => tables.close())

const ask = (filters: Partial<FindingsFilters> = {}): Promise<FindingRow[]> => findings.run(tables.store, findings.filters.parse(filters))
const ids = async (filters?: Partial<FindingsFilters>): Promise<string[]> => (await ask(filters)).map(({ id }) => id)

describe('findings', () => {
  beforeEach(async () => {
    await tables.add(
      'findings',
      finding({ id: 'a1', severity: 'low', since: start + 1 }),
      finding({ id: 'a2', severity: 'critical', kind: 'orphaned-account', identity: null, app: 'hr', account: 'x', entitlement: null }),
      finding({ id: 'b1', since: start + 5 }),
      finding({ id: 'b2', since: start + 4, app: null, account: null, identity: 'bob', kind: 'sod-conflict' }),
      finding({ id: 'a1', severity: 'medium', since: start + 1, change: 'changed' }),
      finding({ id: 'b1', since: start + 5, change: 'closed', closedAs: 'moved', successor: 'b9' }),
      finding({ id: 'c1', change: 'opened' }),
      finding({ id: 'c1', change: 'closed', closedAs: 'resolved', decided: start + 10 }),
      finding({ id: 'c1', change: 'reopened', decided: start + 20, opened: start + 20, closedAs: null }),
    )
  })

  it('are open ones in their latest state, worst and oldest first', async () => {
    expect(await ids()).toEqual(['a2', 'c1', 'b2', 'a1'])
    expect((await ask()).find(({ id }) => id === 'a1')).toMatchObject({ severity: 'medium', change: 'changed', state: 'open' })
  })

  it('that closed name what became of them, and one that opened again shows no trace of its closing', async () => {
    expect(await ask({ state: 'closed' })).toMatchObject([{ id: 'b1', state: 'closed', closedAs: 'moved', successor: 'b9' }])
    expect((await ask({ state: 'all' })).find(({ id }) => id === 'c1')).toMatchObject({ state: 'open', closedAs: null, opened: start + 20 })
    expect(await ids({ state: 'all' })).toHaveLength(5)
  })

  it('are chosen by kind, severity, app, identity and account together', async () => {
    expect(await ids({ kind: 'sod-conflict' })).toEqual(['b2'])
    expect(await ids({ severity: 'high', state: 'all' })).toEqual(['c1', 'b2', 'b1'])
    expect(await ids({ app: 'hr' })).toEqual(['a2'])
    expect(await ids({ identity: 'bob' })).toEqual(['b2'])
    expect(await ids({ account: 'ann@x', severity: 'medium' })).toEqual(['a1'])
    expect(await ids({ app: 'hr', identity: 'bob' })).toEqual([])
    expect(await ids({ limit: 2 })).toEqual(['a2', 'c1'])
  })

  it('of a past time are in the state that was decided by then', async () => {
    const changes = async (knownAt: number): Promise<string[]> => (await ask({ state: 'all', knownAt })).filter(({ id }) => id === 'c1').map(({ state, change }) => `${state}: ${change}`)
    expect(await changes(start + 1)).toEqual([])
    expect(await changes(start + 2)).toEqual(['open: opened'])
    expect(await changes(start + 10)).toEqual(['closed: closed'])
    expect(await changes(start + 20)).toEqual(['open: reopened'])
    expect(await ids({ knownAt: start + 19 })).toEqual(['a2', 'b2', 'a1'])
    expect(await ids({ knownAt: start + 19, identity: 'bob', state: 'open' })).toEqual(['b2'])
  })

  it('carry every field, their causes and their own position', async () => {
    const [row] = await findingById(tables.store, 'a2')
    expect(row).toEqual({
      id: 'a2', kind: 'orphaned-account', severity: 'critical', state: 'open', change: 'opened', home: 'identity/ann', identity: null, app: 'hr',
      account: 'x', entitlement: null, object: null, since: start, opened: start, closedAs: null, successor: null, detail: '{}', valid: null,
      observed: start + 1, decided: start + 2, causes: [cause], position: { topic: 'findings', partition: 0, offset: row?.position.offset, index: 0 },
    })
  })

  it('are found by the beginning of their id, all that share it', async () => {
    expect((await findingById(tables.store, 'c')).map(({ id }) => id)).toEqual(['c1'])
    expect((await findingById(tables.store, 'a')).map(({ id }) => id)).toEqual(['a1', 'a2'])
    expect(await findingById(tables.store, 'zz')).toEqual([])
  })

  it('have a history, oldest first', async () => {
    const history = await findingHistory(tables.store, 'c1')
    expect(history.map(({ change, state, decided }) => [change, state, decided])).toEqual([
      ['opened', 'open', start + 2], ['closed', 'closed', start + 10], ['reopened', 'open', start + 20],
    ])
    expect(await findingHistory(tables.store, 'c')).toEqual([])
  })

  it('take every filter as a value, never as SQL', async () => {
    for (const text of hostileTexts.filter((value) => value !== '')) {
      expect(await ids({ app: text, state: 'all' })).toEqual([])
      expect(await findingById(tables.store, text)).toEqual([])
      expect(await findingHistory(tables.store, text)).toEqual([])
    }
    expect(await ids({ app: "x' OR '1' = '1" })).toEqual([])
    expect(await ids()).toHaveLength(4)
  })

  it('refuse filters that they do not have', () => {
    expect(() => findings.filters.parse({ kind: 'nonsense' })).toThrow()
    expect(() => findings.filters.parse({ colour: 'red' })).toThrow(/colour/)
    expect(() => findings.filters.parse({ limit: 0 })).toThrow()
  })
})
