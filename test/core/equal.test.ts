import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical } from '../../src/core/canonical.ts'
import { equal } from '../../src/core/equal.ts'

const small = fc.letrec((tie) => ({
  value: fc.oneof(
    fc.constantFrom(null, true, false, 0, 1, '', 'a', '"', undefined),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'toString'), tie('value'), { maxKeys: 2 }),
  ),
})).value

describe('equal', () => {
  it('agrees with canonical text', () => {
    fc.assert(fc.property(small, small, (a, b) => equal(a, b) === (canonical(a) === canonical(b))), { numRuns: 2_000 })
  })

  it('finds a copy equal whatever the order of its fields, and no change of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(equal(value, structuredClone(value))).toBe(true)
        expect(equal({ a: 1, value }, { value: structuredClone(value), a: 1 })).toBe(true)
        expect(equal([value, 1], [structuredClone(value), 2])).toBe(false)
      }),
    )
  })
})
