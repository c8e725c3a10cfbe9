import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/core/order.ts'
import type { StateReader } from '../../src/ports/log.ts'
import { EmptyTables } from '../../src/runtime/empty-tables.ts'
import { StateTable } from '../../src/runtime/state-table.ts'
import { logKinds } from './logs.ts'

/** A store that holds what the commits so far wrote. */
function storeOf(rows: Map<string, Uint8Array>): StateReader {
  return {
    get: (key) => rows.get(key),
    *range(prefix, after) {
      for (const key of [...rows.keys()].sort(compareKeys)) {
        if (key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0)) yield [key, rows.get(key)!] as const
      }
    },
  }
}

function commit(table: StateTable, rows: Map<string, Uint8Array>): void {
  for (const [key, value] of table.changes) {
    if (value === null) rows.delete(key)
    else rows.set(key, value)
  }
}

const tableName = fc.constantFrom('a', 'a-b', 'ab', 'a.b')
const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-', '\uffff', '\u{1f600}'), maxLength: 3 })
const write = fc.record({ table: tableName, key, value: fc.option(fc.integer(), { nil: null }), commit: fc.boolean() })

describe('StateTable', () => {
  it('reads and ranges as one ordered map, wherever the commits fall', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), tableName, key, fc.option(key, { nil: undefined }), (writes, asked, prefix, after) => {
        const rows = new Map<string, Uint8Array>()
        const model = new Map<string, Map<string, number>>()
        const store = storeOf(rows)
        let table = new StateTable(store, new EmptyTables(store))
        for (const one of writes) {
          const of = model.get(one.table) ?? new Map<string, number>()
          model.set(one.table, of)
          if (one.value === null) {
            table.delete(one.table, one.key)
            of.delete(one.key)
          } else {
            table.put(one.table, one.key, one.value)
            of.set(one.key, one.value)
          }
          expect(table.get(one.table, one.key)).toBe(of.get(one.key))
          if (one.commit) {
            commit(table, rows)
            table = table.next()
          }
        }
        const expected = [...(model.get(asked) ?? [])]
          .filter(([one]) => one.startsWith(prefix) && (after === undefined || compareKeys(one, after) > 0))
          .sort(([a], [b]) => compareKeys(a, b))
        const options = after === undefined ? { prefix } : { prefix, after }
        expect([...table.range(asked, options)]).toEqual(expected)
      }),
    )
  })

  it('finds rows of a table that was empty when it was first asked, after their commit too', () => {
    const rows = new Map<string, Uint8Array>()
    const store = storeOf(rows)
    let table = new StateTable(store, new EmptyTables(store))
    expect([table.get('a', 'k'), table.get('b', 'k'), table.getShared('c', 'k')]).toEqual([undefined, undefined, undefined])
    expect([...table.range('a'), ...table.range('d')]).toEqual([])
    table.put('a', 'k', 1)
    table.putShared('c', 'k', 3)
    expect([...table.range('a'), ...table.range('c')]).toEqual([['k', 1], ['k', 3]])
    commit(table, rows)
    table = table.next()
    expect([table.get('a', 'k'), table.get('b', 'k'), table.get('c', 'k')]).toEqual([1, undefined, 3])
    expect([...table.range('a'), ...table.range('c'), ...table.range('d')]).toEqual([['k', 1], ['k', 3]])
  })

  it('holds nothing of what was committed for whoever still has it', () => {
    const rows = new Map<string, Uint8Array>()
    const table = new StateTable(storeOf(rows))
    table.put('a', 'k', 1)
    table.putShared('b', 'k', 2)
    const { changes } = table
    commit(table, rows)
    const next = table.next()
    expect([table.changes.size, changes.size]).toEqual([0, 2])
    expect([table.get('a', 'k'), next.get('a', 'k'), next.getShared('b', 'k')]).toEqual([1, 1, 2])
  })

  it('lets rows be changed and the walk be stopped while iterating', () => {
    const rows = new Map<string, Uint8Array>()
    const first = new StateTable(storeOf(rows))
    for (const one of ['a', 'b', 'c', 'd']) first.put('t', one, one)
    commit(first, rows)
    const table = new StateTable(storeOf(rows))
    table.put('t', 'bb', 'new')
    const walked: string[] = []
    for (const [one] of table.range('t')) {
      walked.push(one)
      table.delete('t', one)
      if (one === 'b') table.delete('t', 'c')
      if (one === 'bb') table.put('t', 'cc', 'later')
      if (one === 'd') break
    }
    expect(walked).toEqual(['a', 'b', 'bb', 'cc', 'd'])
    expect([...table.range('t')]).toEqual([])
  })

  it('shows shared rows to every kind of access, and gives them to the commit', () => {
    const shared = fc.record({ table: tableName, key, value: fc.option(fc.integer(), { nil: null }), shared: fc.boolean(), commit: fc.boolean() })
    fc.assert(
      fc.property(fc.array(shared, { maxLength: 60 }), tableName, (writes, asked) => {
        const rows = new Map<string, Uint8Array>()
        const model = new Map<string, Map<string, number>>()
        let table = new StateTable(storeOf(rows))
        for (const one of writes) {
          const of = model.get(one.table) ?? new Map<string, number>()
          model.set(one.table, of)
          if (one.value === null) table.delete(one.table, one.key)
          else if (one.shared) table.putShared(one.table, one.key, one.value)
          else table.put(one.table, one.key, one.value)
          if (one.value === null) of.delete(one.key)
          else of.set(one.key, one.value)
          expect(table.getShared(one.table, one.key)).toBe(of.get(one.key))
          if (one.shared) expect(table.get(one.table, one.key)).toBe(of.get(one.key))
          if (!one.commit) continue
          commit(table, rows)
          table = table.next()
        }
        const expected = [...(model.get(asked) ?? [])].sort(([a], [b]) => compareKeys(a, b))
        expect([...table.range(asked)]).toEqual(expected)
        for (const [one, value] of expected) expect(table.getShared(asked, one)).toBe(value)
        commit(table, rows)
        expect([...new StateTable(storeOf(rows)).range(asked)]).toEqual(expected)
      }),
    )
  })

  it('keeps more shared rows than it holds decoded, over commits', () => {
    const rows = new Map<string, Uint8Array>()
    let table = new StateTable(storeOf(rows))
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 2_500; i++) table.putShared('a', `k${i}`, (table.getShared<number>('a', `k${i}`) ?? 0) + i)
      for (let i = 0; i < 2_500; i += 7) expect(table.getShared('b', `none${i}`)).toBeUndefined()
      commit(table, rows)
      table = table.next()
    }
    for (let i = 0; i < 2_500; i++) expect(table.getShared('a', `k${i}`)).toBe(3 * i)
    expect(rows.size).toBe(2_500)
  })

  it('keeps what was put, whatever its owner does to the object, and hands out copies', () => {
    const table = new StateTable(storeOf(new Map()))
    const value = { list: [1] }
    table.put('t', 'k', value)
    value.list.push(2)
    table.get<typeof value>('t', 'k')!.list.push(3)
    expect(table.get('t', 'k')).toEqual({ list: [1] })
  })

  it('refuses names that could reach another table or the runtime’s own rows', () => {
    const table = new StateTable(storeOf(new Map()))
    for (const name of ['', 'a/b', '@runtime', '/', '1', 'a b']) {
      expect(() => table.put(name, 'k', 1), name).toThrow(/state table/)
      expect(() => table.get(name, 'k'), name).toThrow(/state table/)
      expect(() => [...table.range(name)], name).toThrow(/state table/)
    }
    expect(() => table.put('t', 'k', undefined)).toThrow(/use delete/)
  })

  it('keeps own rows apart from the processor’s', () => {
    const table = new StateTable(storeOf(new Map()))
    table.putOwn('k', 1)
    expect(table.getOwn('k')).toBe(1)
    table.deleteOwn('k')
    expect(table.getOwn('k')).toBeUndefined()
    expect([...table.changes].map(([row]) => row)).toEqual(['@runtime/k'])
  })

  it.each(logKinds)('ranges in code point order over the $name', async ({ open }) => {
    await using log = await open(1)
    const store = await log.openTask('t')
    const keys = ['a', 'a/b', 'a\uffff', 'a\u{1f600}', 'b', `long${'x'.repeat(3_000)}1`, `long${'x'.repeat(3_000)}2`]
    const table = new StateTable(store.state)
    for (const one of keys) table.put('t', one, one)
    table.put('t-', 'z', 0)
    table.put('tt', 'z', 0)
    await store.commit({ appends: [], state: table.changes })
    const next = new StateTable(store.state)
    next.delete('t', 'a/b')
    next.put('t', 'ab', 'ab')
    expect([...next.range('t')].map(([one]) => one)).toEqual([...keys, 'ab'].filter((one) => one !== 'a/b').sort(compareKeys))
    expect([...next.range('t', { prefix: 'a', after: 'ab' })].map(([one]) => one)).toEqual(['a\uffff', 'a\u{1f600}'])
  })
})
