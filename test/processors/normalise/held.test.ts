import fc from 'fast-check'
import { expect, test } from 'vitest'
import { heldAfter, sinceOf } from '../../../processors/normalise/held.ts'

const natives = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'), { maxLength: 10 })

test('what was held stays held since then, the rest is held since now, whatever the order', () => {
  fc.assert(
    fc.property(natives, natives, fc.boolean(), (before, after, sorted) => {
      const times = before.map((_native, i) => 100 + i)
      const order = (list: string[]): string[] => (sorted ? list.toSorted() : list)
      const [old, next] = [order(before), order(after)]
      const held = heldAfter({ natives: old, since: times }, next, 999)
      expect(held.natives).toEqual(next)
      expect(next.map((_native, i) => sinceOf(held, i))).toEqual(next.map((native) => times[old.indexOf(native)] ?? 999))
    }),
  )
})

test('one time stands for all where it is the same', () => {
  expect(heldAfter(null, ['a', 'b'], 7)).toEqual({ natives: ['a', 'b'], since: 7 })
  expect(heldAfter({ natives: ['a'], since: 7 }, ['a', 'b'], 7)).toEqual({ natives: ['a', 'b'], since: 7 })
  expect(heldAfter({ natives: ['a'], since: 7 }, ['b'], 9)).toEqual({ natives: ['b'], since: 9 })
})
