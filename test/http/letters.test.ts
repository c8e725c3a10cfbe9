import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/http/api-error.ts'
import { decided, letterById } from '../../src/http/letters.ts'
import type { Store } from '../../src/ports/store.ts'
import type { DeadLetterRow } from '../../src/reports/dead-letters.ts'

const position = { topic: 'dead-letters', partition: 1, offset: 7, index: 0 }
const letter = (change: Partial<DeadLetterRow> = {}): DeadLetterRow => ({
  id: 'd-1', source: 'billing', run: 4, stage: 'assemble', code: 'two-owners', reason: 'r', place: 'page 3', record: 'u1', payload: '{}', at: 5,
  state: 'open', by: null, why: null, position, ...change,
})
const retry = { decision: 'retry', by: 'ann' } as const
const commandOf = (change: Partial<DeadLetterRow>) => decided(letter(change), retry, ['billing'], 9, 'c-1').outgoing.find(({ topic }) => topic === 'commands')?.record

describe('a decision about a dead letter', () => {
  it('reads the account again that it is about, and says of the letter who asked', () => {
    const { outgoing, did } = decided(letter(), retry, ['billing'], 9, 'c-1')
    expect(did).toContain('account u1 of billing is read again')
    expect(outgoing.map(({ topic, key }) => [topic, key])).toEqual([['commands', 'billing'], ['dead-letters', 'billing']])
    expect(outgoing[0]?.record).toMatchObject({ id: 'c-1', kind: 'reread', account: 'u1', at: 9, cause: position })
    expect(outgoing[1]?.record).toMatchObject({ id: 'd-1', state: 'retried', by: 'ann', why: null, at: 9, cause: position })
  })

  it('knows the account of every stage, and reads the whole application where it does not', () => {
    expect(commandOf({ stage: 'normalise', record: 'billing/a/b' })).toMatchObject({ kind: 'reread', account: 'a/b' })
    expect(commandOf({ stage: 'map', run: null })).toMatchObject({ kind: 'reread', account: 'u1' })
    expect(commandOf({ stage: 'map' })).toMatchObject({ kind: 'sync', account: null })
    expect(commandOf({ record: null })).toMatchObject({ kind: 'sync', account: null })
    expect(commandOf({ stage: 'normalise', record: 'elsewhere/a' })).toMatchObject({ kind: 'sync' })
  })

  it('puts aside with a name and a reason, and asks nobody', () => {
    const { outgoing } = decided(letter({ source: 'people' }), { decision: 'discard', by: 'ann', why: 'test' }, ['billing'], 9, 'c-1')
    expect(outgoing).toMatchObject([{ topic: 'dead-letters', key: 'people', record: { state: 'discarded', by: 'ann', why: 'test' } }])
  })

  it('refuses what nobody can read again, and what was put aside, with the way on', () => {
    expect(() => decided(letter({ source: 'people' }), retry, ['billing'], 9, 'c')).toThrow(/a feed is read again whole/)
    expect(() => decided(letter({ source: 'topic/raw', stage: 'sink' }), retry, ['billing'], 9, 'c')).toThrow(/stays in the log/)
    expect(() => decided(letter({ state: 'superseded' }), retry, ['billing'], 9, 'c')).toThrow(/of run 4; a later complete run read all again and did not tell it; it is open again/)
    expect(() => decided(letter({ state: 'discarded', by: 'ann', why: 'w' }), retry, ['billing'], 9, 'c')).toThrow(/was discarded by ann: w/)
  })

  it('needs one letter whose id begins so', async () => {
    const store = (rows: DeadLetterRow[]) => ({ query: async (sql: string) => (sql.includes('d.payload') ? rows : []) }) as unknown as Store
    await expect(letterById(store([]), 'x')).rejects.toThrow(ApiError)
    await expect(letterById(store([letter(), letter({ id: 'd-12' })]), 'd-1')).rejects.toThrow(/more than one/)
    expect(await letterById(store([letter()]), 'd')).toMatchObject({ id: 'd-1' })
  })
})
