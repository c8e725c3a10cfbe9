import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/core/order.ts'

const key = fc.oneof(fc.string({ unit: 'binary', maxLength: 6 }), fc.string({ unit: fc.constantFrom('a', 'b', '\u{10000}', '\uffff', '\ue000', '\u{1f600}'), maxLength: 4 }))

describe('compareKeys', () => {
  it('orders as UTF-8 bytes do', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('puts what lies beyond U+FFFF last, unlike `<`', () => {
    expect(['\u{1f600}', '\uffff', '\ue000', 'z', ''].sort(compareKeys)).toEqual(['', 'z', '\ue000', '\uffff', '\u{1f600}'])
    expect(['\u{1f600}', '\uffff'].sort()).toEqual(['\u{1f600}', '\uffff'])
  })

  it('puts a prefix before what it begins, and says 0 for equal keys only', () => {
    expect(compareKeys('a', 'a/')).toBeLessThan(0)
    expect(compareKeys('\u{10000}', '\u{10000}')).toBe(0)
    expect(compareKeys('\u{10000}', '\u{10001}')).toBeLessThan(0)
  })
})
