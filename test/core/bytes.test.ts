import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashOf, sameBytes } from '../../src/core/bytes.ts'

const bytes = fc.uint8Array({ maxLength: 40 })

/** In other memory, so that neither its address nor its alignment is the same. */
function moved(of: Uint8Array, by: number): { whole: Uint8Array; from: number; end: number } {
  const whole = new Uint8Array(by + of.length + 3).fill(7)
  whole.set(of, by)
  return { whole, from: by, end: by + of.length }
}

test('the same bytes are the same, and hash alike, wherever they lie', () => {
  fc.assert(
    fc.property(bytes, fc.integer({ min: 0, max: 9 }), (of, by) => {
      const { whole, from, end } = moved(of, by)
      expect(sameBytes(whole.subarray(from, end), of)).toBe(true)
      expect(hashOf(whole, from, end)).toBe(hashOf(of, 0, of.length))
    }),
  )
})

test('one bit that differs, or one byte more, is seen, and in the hash too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (of, at) => {
      const other = of.slice()
      other[(at >>> 3) % of.length]! ^= 1 << (at & 7)
      expect(sameBytes(other, of)).toBe(false)
      expect(hashOf(other, 0, other.length)).not.toBe(hashOf(of, 0, of.length))
      expect(sameBytes(of.subarray(1), of)).toBe(false)
      expect(sameBytes(of, of.subarray(0, -1))).toBe(false)
    }),
  )
})

test('lists that differ in one digit hash apart', () => {
  const hashes = new Set(Array.from({ length: 100_000 }, (_, i) => new TextEncoder().encode(`role-${i % 1_000}, role-${Math.floor(i / 1_000)}`)).map((of) => hashOf(of, 0, of.length)))
  expect(hashes.size).toBeGreaterThan(99_980)
})
