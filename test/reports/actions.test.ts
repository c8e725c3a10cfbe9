import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ActionChange } from '../../schemas/wire/actions.ts'
import { decisionsOf, oneAction } from '../../src/http/actions.ts'
import { actionById, actionHistory, actions, plan, type ActionFilters, type ActionRow } from '../../src/reports/actions.ts'
import { action } from '../sink/records.ts'
import { hostileTexts } from '../contract/store.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => void (tables = await openTables()))
beforeEach(() => tables.clear())
afterAll(() => tables.close())

const add = (...changes: Partial<ActionChange>[]): Promise<number> => tables.add('action-log', ...changes.map((change) => action(change)))
const ask = (filters: Partial<ActionFilters> = {}): Promise<ActionRow[]> => actions.run(tables.store, actions.filters.parse(filters))

describe('actions', () => {
  it('are in their latest state, worst first, with what would be written and what goes with it', async () => {
    await add({ id: 'a1' }, { id: 'b1', severity: 'critical', kind: 'leaver-access' }, { id: 'a1', state: 'approved', by: 'A. Kaya', why: 'so' })
    const rows = await ask()
    expect(rows.map(({ id, state, by }) => [id, state, by])).toEqual([['b1', 'proposed', null], ['a1', 'approved', 'A. Kaya']])
    expect(rows[1]).toMatchObject({ operations: ['disable-account A', 'revoke A role:R'], loses: ['read (desired)'], why: 'so' })
    expect((await actionHistory(tables.store, 'a1')).map(({ state }) => state)).toEqual(['proposed', 'approved'])
  })

  it('are chosen by state, kind, app, identity and account; texts are values, never SQL', async () => {
    await add({ id: 'a', state: 'held' }, { id: 'b', app: 'hr' }, { id: 'c', account: 'x', identity: 'bob' })
    expect((await ask({ state: 'held' })).map(({ id }) => id)).toEqual(['a'])
    expect((await ask({ app: 'hr' })).map(({ id }) => id)).toEqual(['b'])
    expect((await ask({ identity: 'bob', account: 'x' })).map(({ id }) => id)).toEqual(['c'])
    for (const text of hostileTexts.filter((one) => one !== '')) {
      expect(await ask({ app: text })).toEqual([])
      expect(await actionById(tables.store, text)).toEqual([])
    }
  })

  it('of a plan are those that something may still come of', async () => {
    await add({ id: 'a' }, { id: 'b', state: 'verified' }, { id: 'c', state: 'withdrawn' }, { id: 'd', state: 'rejected' }, { id: 'e', state: 'contested' })
    expect((await plan.run(tables.store, plan.filters.parse({}))).map(({ id }) => id)).toEqual(['a', 'e'])
  })
})

describe('a decision', () => {
  const who = { by: 'A. Kaya', why: 'asked' }

  it('names the version that the person saw', async () => {
    await add({ id: 'abc1', version: 'v7' })
    expect(await decisionsOf(tables.store, { decision: 'approve', ids: ['abc'], ...who }, ['billing'], 9)).toEqual([
      { topic: 'actions', key: 'billing', record: { type: 'ActionDecision', app: 'billing', finding: 'abc1', version: 'v7', decision: 'approve', ...who, until: null, at: 9 } },
    ])
    expect(await decisionsOf(tables.store, { decision: 'release', app: 'billing', until: 5, ...who }, ['billing'], 9)).toMatchObject([
      { record: { finding: null, decision: 'release', until: 5 } },
    ])
  })

  it('is refused with the way on: unknown, ambiguous, over, observed, in the way, held; then none of the others is made', async () => {
    await add(
      { id: 'aa1' }, { id: 'aa2' }, { id: 'over', state: 'verified' }, { id: 'seen', mode: 'observe' }, { id: 'stuck', obstacle: 'no account there' },
      { id: 'brake', state: 'held' },
    )
    const decide = (decision: 'approve' | 'reject', ...ids: string[]) => decisionsOf(tables.store, { decision, ids, ...who }, ['billing'], 9)
    await expect(decide('approve', 'zz')).rejects.toMatchObject({ status: 404 })
    await expect(decide('approve', 'aa')).rejects.toMatchObject({ status: 400 })
    await expect(decide('approve', 'aa1', 'over')).rejects.toThrow(/is verified: it can't be approved/)
    await expect(decide('approve', 'seen')).rejects.toThrow(/policy of billing for unauthorised-grant is observe/)
    await expect(decide('approve', 'stuck')).rejects.toThrow(/no account there/)
    await expect(decide('approve', 'brake')).rejects.toThrow(/grantline actions release billing/)
    expect(await decide('reject', 'brake', 'seen')).toHaveLength(2)
    await expect(decisionsOf(tables.store, { decision: 'release', app: 'nobody', until: null, ...who }, ['billing'], 9)).rejects.toMatchObject({ status: 404 })
    await expect(oneAction(tables.store, 'aa1')).resolves.toMatchObject({ id: 'aa1' })
  })
})
