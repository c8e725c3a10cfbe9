import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Unresolved } from '../../../processors/shared/unresolved.ts'
import { compareKeys } from '../../../src/core/order.ts'
import { MemoryState } from './memory-state.ts'

it('tells of each source how many names there are, and the first of them, whatever comes and goes', () => {
  const source = fc.constantFrom('a', 'ab', '')
  const name = fc.tuple(fc.constantFrom('identity', 'role', 'account'), fc.nat(6)).map(([kind, n]) => `${kind}/p${n}`)
  const step = fc.record({ adds: fc.boolean(), source, name })
  fc.assert(fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
    const state = new MemoryState()
    const times = new Map<string, Map<string, number>>()
    for (const { adds, source, name } of steps) {
      const names = times.get(source) ?? new Map<string, number>()
      times.set(source, names)
      const unresolved = new Unresolved(state)
      if (adds) unresolved.add(source, name)
      else unresolved.remove(source, name)
      names.set(name, Math.max(0, (names.get(name) ?? 0) + (adds ? 1 : -1)))
      const there = [...names].flatMap(([one, count]) => (count > 0 ? [one] : [])).sort(compareKeys)
      expect(unresolved.has(source, name)).toBe(there.includes(name))
      for (const kinds of [[], ['identity'], ['account', 'role']] as const) {
        const asked = there.filter((one) => kinds.some((kind) => one.startsWith(`${kind}/`)))
        expect(unresolved.of(source, kinds)).toEqual(asked.length === 0 ? null : { count: asked.length, some: asked.slice(0, 5) })
      }
    }
  }))
})
