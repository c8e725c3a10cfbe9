import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { longBytes, readLong, writeLong } from '../../src/core/zig-zag.ts'

describe('zig-zag varints', () => {
  it('are read as they were written, in the bytes that were said, wherever they stand', () => {
    const largest = 2 ** 52 - 1
    fc.assert(
      fc.property(fc.integer({ min: -largest, max: largest }), fc.nat(5), (value, at) => {
        const bytes = new Uint8Array(at + 10)
        expect(writeLong(bytes, at, value)).toBe(at + longBytes(value))
        expect(readLong(bytes, at)).toBe(value)
      }),
    )
  })

  it('are those of the Avro specification', () => {
    for (const [value, expected] of [[0, [0]], [-1, [1]], [1, [2]], [-64, [0x7f]], [64, [0x80, 0x01]]] as const) {
      const bytes = new Uint8Array(expected.length)
      writeLong(bytes, 0, value)
      expect([...bytes]).toEqual(expected)
    }
  })
})
