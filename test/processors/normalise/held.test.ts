import fc from 'fast-check'
import { expect, test } from 'vitest'
import { heldAfter, sinceEach } from '../../../processors/normalise/held.ts'

const natives = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'), { maxLength: 10 })

test('what was held stays held since then, the rest is held since now, whatever the order', () => {
  fc.assert(
    fc.property(natives, natives, fc.boolean(), (before, after, sorted) => {
      const times = before.map((_native, i) => 100 + i)
      const order = (list: string[]): string[] => (sorted ? list.toSorted() : list)
      const [old, next] = [order(before), order(after)]
      const held = heldAfter({ natives: old, since: times }, next, 999)
      expect(held.natives).toEqual(next)
      const since = next.map((native) => times[old.indexOf(native)] ?? 999)
      const each = sinceEach(held, next.map((_native, i) => i))
      expect(each).toEqual(each.length === 1 ? [...new Set(since)] : since)
    }),
  )
})

test('times are told in the order that is asked for, or one for all', () => {
  const natives = ['a', 'b', 'c']
  expect(sinceEach({ natives, since: [1, 2, 3] }, [2, 0, 1])).toEqual([3, 1, 2])
  expect(sinceEach({ natives, since: 7 }, [2, 0, 1])).toEqual([7])
  expect(sinceEach({ natives: [], since: 7 }, [])).toEqual([])
})

test('one time stands for all where it is the same', () => {
  expect(heldAfter(null, ['a', 'b'], 7)).toEqual({ natives: ['a', 'b'], since: 7 })
  expect(heldAfter({ natives: ['a'], since: 7 }, ['a', 'b'], 7)).toEqual({ natives: ['a', 'b'], since: 7 })
  expect(heldAfter({ natives: ['a'], since: 7 }, ['b'], 9)).toEqual({ natives: ['b'], since: 9 })
})
