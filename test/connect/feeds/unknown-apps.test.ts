import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type TypedRow, parseRow } from '../../../src/connect/feeds/shape.ts'
import { UnknownApps, unknownAppText } from '../../../src/connect/feeds/unknown-apps.ts'

const shape = (name: TypedRow['class']) => ({ class: name, fields: {}, keys: {}, attributes: [] })
const request = (app: string, more: object = {}): TypedRow =>
  parseRow({ id: 'r', identity: 'i', app, entitlement: 'e', from: '2026-01-01', approvedBy: 'b', ...more }, shape('requests'))
const role = (...apps: string[]): TypedRow => parseRow({ id: 'r', grants: apps.map((app) => ({ app, entitlement: 'e' })) }, shape('business-roles'))

function counted(known: string[], rows: readonly TypedRow[]) {
  const unknown = new UnknownApps(new Set(known))
  for (const row of rows) unknown.add(row)
  return unknown.list()
}

describe('unknown applications of a feed', () => {
  it('are named by rows of every class that names applications', () => {
    const decision = { id: 'd', campaign: 'c', identity: 'i', app: 'b', entitlement: 'e', verdict: 'keep', by: 'p', at: '2026-01-01' }
    expect(counted(['shop'], [
      request('a'), parseRow(decision, shape('decisions')), parseRow({ app: 'c', account: 'x', identity: 'i' }, shape('links')),
      role('d', 'shop', 'd', 'e'), parseRow({ id: 'r', app: 'd', entitlement: 'x' }, shape('business-roles')),
      parseRow({ id: 'shopp' }, shape('identities')), parseRow({ identity: 'i', role: 'shopp', from: '2026-01-01' }, shape('role-assignments')),
    ])).toEqual([
      { app: 'd', rows: 2, near: null }, { app: 'a', rows: 1, near: null }, { app: 'b', rows: 1, near: null }, { app: 'c', rows: 1, near: null }, { app: 'e', rows: 1, near: null },
    ])
  })

  it('are none where every name is known, or the row says that something is gone', () => {
    expect(counted(['shop', 'hr'], [request('shop'), role('hr', 'shop'), role(), request('sohp', { removed: true })])).toEqual([])
  })

  it('come with the configured one that may be meant', () => {
    const near = (app: string, ...known: string[]) => counted(known, [request(app)])[0]!.near
    expect(near('Shop', 'shop', 'stop')).toBe('shop')
    expect(near('shop ', 'billing', 'shop')).toBe('shop')
    expect(near('bilings', 'billing')).toBe('billing')
    expect(near('grafana-test', 'grafana-prod')).toBeNull()
    expect(near('ad', 'hr')).toBeNull()
    expect(near('crm', 'hr')).toBeNull()
    expect(near('h', 'hr')).toBe('hr')
  })

  it('are at most twenty, the others are counted together, and a name is cut', () => {
    const rows = Array.from({ length: 30 }, (_, n) => request(`app${n} ${'x'.repeat(1_000)}`))
    const all = counted([], [...rows, ...rows, role('late1', 'late2')])
    expect(all).toHaveLength(21)
    expect(all.slice(0, 20).every(({ app, rows: times }) => app!.length <= 81 && times === 2)).toBe(true)
    expect(all.at(-1)).toEqual({ app: null, rows: 21, near: null })
    expect(JSON.stringify(all).length).toBeLessThan(4_000)
  })

  it('are cut to whole characters', () => {
    expect(counted([], [request('😀'.repeat(60))])[0]!.app!.isWellFormed()).toBe(true)
    expect(counted([], [request(`x${'😀'.repeat(60)}`)])[0]!.app!.isWellFormed()).toBe(true)
  })

  it('hold nothing that looks like a secret, wherever it would be cut', () => {
    const secret = `${'x'.repeat(75)} ghp_${'a1'.repeat(20)}`
    expect(counted(['secret'], [request(secret), request(secret)])).toEqual([{ app: '<secret>', rows: 2, near: null }])
  })

  it('are counted as a naive count of all rows has them', () => {
    const app = fc.constantFrom(...Array.from({ length: 40 }, (_, n) => `app-${n}`))
    const row = fc.oneof(
      fc.tuple(app, fc.boolean()).map(([name, removed]) => ({ apps: [name], removed, typed: request(name, { removed }) })),
      fc.array(app, { maxLength: 6 }).map((names) => ({ apps: names, removed: false, typed: role(...names) })),
    )
    fc.assert(fc.property(fc.uniqueArray(app), fc.array(row, { maxLength: 120 }), (known, rows) => {
      const named = rows.map(({ apps, removed }) => (removed ? [] : apps.filter((name) => !known.includes(name))))
      const first = [...new Set(named.flat())].slice(0, 20)
      const others = named.filter((names) => names.some((name) => !first.includes(name))).length
      const list = counted(known, rows.map(({ typed }) => typed))
      expect(new Map(list.map((one) => [one.app, one.rows]))).toEqual(new Map<string | null, number>([
        ...first.map((name): [string, number] => [name, named.filter((names) => names.includes(name)).length]),
        ...(others === 0 ? [] : [[null, others] as const]),
      ]))
      const times = list.filter(({ app: name }) => name !== null).map(({ rows: many }) => many)
      expect(times).toEqual([...times].sort((a, b) => b - a))
    }))
  })

  it('are told in a line each', () => {
    expect(unknownAppText({ app: 'sohp ', rows: 1, near: 'shop' })).toBe('1 row names "sohp " (did you mean "shop"?)')
    expect(unknownAppText({ app: 'a\n\u001bb', rows: 3, near: null })).toBe('3 rows name "a\\n\\u001bb"')
    expect(unknownAppText({ app: null, rows: 9, near: null })).toBe('9 rows name others')
  })
})
