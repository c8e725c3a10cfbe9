import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addBits, clearBits, countOrdinals, readBits, widthOf } from '../../../processors/shared/seen.ts'
import { MemoryState } from './memory-state.ts'

const map = (run: number, width = 4, name = 'crm/accounts/0'): { name: string; run: number; width: number } => ({ name, run, width })

test('bits are as they were added, for any width and ordinal', () => {
  const ordinals = fc.oneof(fc.nat(20), fc.nat(100_000))
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 4, 8), fc.array(fc.tuple(ordinals, fc.nat(255), fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3_000 })))), (width, list) => {
      const state = new MemoryState()
      const model = new Map<number, number>()
      for (const [first, any, count] of list) {
        const bits = any & ((1 << width) - 1)
        addBits(state, map(1, width), first, bits, count)
        for (let ordinal = first; ordinal < first + count; ordinal++) model.set(ordinal, (model.get(ordinal) ?? 0) | bits)
        for (const next of [first - 1, first + count]) if (next >= 0) expect(readBits(state, map(1, width), next)).toBe(model.get(next) ?? 0)
      }
      const wrong = [...model].filter(([ordinal, bits]) => readBits(state, map(1, width), ordinal) !== bits)
      expect(wrong).toEqual([])
    }),
    { numRuns: 50 },
  )
})

test('rows stay below 2 KiB, lie together, and only a new bit writes', () => {
  const state = new MemoryState()
  for (let n = 0; n < 1_024; n++) addBits(state, map(1), n, 5)
  expect(state.keys('seen')).toEqual(['crm/accounts/0/0'])
  expect(state.get<Uint8Array>('seen', 'crm/accounts/0/0')?.length).toBeLessThan(2_048)
  state.written()
  addBits(state, map(1), 7, 4)
  expect(state.written()).toEqual([])
  addBits(state, map(1), 1_024, 1)
  expect(state.keys('seen')).toEqual(['crm/accounts/0/0', 'crm/accounts/0/1'])
})

test('another run begins with nothing seen', () => {
  const state = new MemoryState()
  addBits(state, map(1), 3, 1)
  expect(readBits(state, map(2), 3)).toBe(0)
  addBits(state, map(2), 4, 1)
  expect([readBits(state, map(2), 3), readBits(state, map(2), 4), readBits(state, map(1), 3)]).toEqual([0, 1, 0])
})

test('clearing leaves the neighbours', () => {
  const state = new MemoryState()
  for (const n of [6, 7, 8]) addBits(state, map(1), n, 15)
  clearBits(state, map(1), 7)
  expect([6, 7, 8].map((n) => readBits(state, map(1), n))).toEqual([15, 0, 15])
})

test('an object’s bits lie in one byte', () => {
  expect([0, 1, 2, 3, 4, 5, 8].map(widthOf)).toEqual([1, 1, 2, 4, 4, 8, 8])
})

test('ordinals are counted that have all of the bits', () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 4, 8), fc.array(fc.tuple(fc.nat(9_000), fc.nat(255)), { maxLength: 60 }), fc.nat(255), fc.nat(9_001), (width, list, any, end) => {
      const state = new MemoryState()
      const model = new Map<number, number>()
      const mask = (1 << width) - 1
      for (const [ordinal, bits] of list) {
        addBits(state, map(1, width), ordinal, bits & mask)
        model.set(ordinal, (model.get(ordinal) ?? 0) | (bits & mask))
      }
      const asked = (any & mask) || 1
      const expected = [...model].filter(([ordinal, bits]) => ordinal < end && (bits & asked) === asked).length
      expect(countOrdinals(state, map(1, width), asked, end)).toBe(expected)
      expect(countOrdinals(state, map(2, width), asked, end)).toBe(0)
    }),
    { numRuns: 50 },
  )
})
