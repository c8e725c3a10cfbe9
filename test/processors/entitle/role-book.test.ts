import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RoleRow } from '../../../processors/entitle/role-book.ts'
import { RoleBook, matches } from '../../../processors/entitle/role-book.ts'
import { ObjectStore } from '../../../processors/entitle/object-store.ts'
import type { State } from '../../../src/ports/processor.ts'
import { role } from './given.ts'

const row = (id: string, when: Record<string, string>, feed = 'roles'): RoleRow =>
  ({ ordinal: 0, gone: false, source: { topic: 'intent', partition: 0, offset: 0, index: 0 }, observed: 0, record: role(id, [], { when, feed }), since: {} })

/** The only table that a role book reads. */
function storeOf(rows: () => RoleRow[]): ObjectStore {
  const state: State = {
    get: () => undefined,
    put: () => undefined,
    delete: () => undefined,
    range: <V>() => rows().map((value, i) => [String(i), value as V] as const),
  }
  return new ObjectStore(state)
}

describe('a condition', () => {
  it('needs every attribute; none at all matches nobody', () => {
    expect(matches({ when: { a: '1', b: '2' } }, { a: '1', b: '2', c: '3' })).toBe(true)
    expect(matches({ when: { a: '1', b: '2' } }, { a: '1' })).toBe(false)
    expect(matches({ when: {} }, { a: '1' })).toBe(false)
  })
})

describe('the role book', () => {
  const when = fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), fc.constantFrom('1', '2'), { maxKeys: 3 })
  const edits = fc.array(fc.tuple(fc.constantFrom('r', 's', 't'), fc.constantFrom('x', 'y'), fc.option(when, { nil: null })), { maxLength: 12 })

  it('kept up to date answers what one read from the state answers', () => {
    fc.assert(fc.property(edits, when, (changes, attributes) => {
      const rows = new Map<string, RoleRow>()
      const store = storeOf(() => [...rows.values()])
      const kept = new RoleBook()
      kept.named(store, 'r')
      for (const [id, feed, condition] of changes) {
        const before = rows.get(`${feed}/${id}`)
        const now = condition === null ? undefined : row(id, condition, feed)
        if (now === undefined) rows.delete(`${feed}/${id}`)
        else rows.set(`${feed}/${id}`, now)
        kept.replaced(before, now)
      }
      const read = new RoleBook()
      expect(kept.matching(store, attributes)).toEqual(read.matching(store, attributes))
      for (const id of ['r', 's', 't']) expect(kept.named(store, id)).toEqual(read.named(store, id))
      expect(new Set(read.matching(store, attributes).map(([key]) => key)).size).toBe([...rows.values()].filter(({ record }) => matches(record, attributes)).length)
    }))
  })
})
