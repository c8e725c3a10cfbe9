import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from '../../src/runtime/values.ts'

const roundTrip = (value: unknown): unknown => decodeValue(encodeValue(value))

describe('state values', () => {
  it('brings back every JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value))
        expect(roundTrip(plain)).toEqual(plain)
      }),
    )
  })

  it('brings back bytes as Uint8Array, at any depth, empty ones too', () => {
    const value = { bitmap: Uint8Array.of(0, 255, 7), list: [new Uint8Array(0), { deep: new Uint8Array(70_000).fill(9) }] }
    const back = roundTrip(value) as typeof value
    expect(back).toEqual(value)
    expect(back.bitmap.constructor).toBe(Uint8Array)
    expect((roundTrip(Uint8Array.of(1)) as Uint8Array).constructor).toBe(Uint8Array)
    expect((roundTrip({ ['__proto__']: 1, b: Uint8Array.of(4) }) as { b: Uint8Array }).b.constructor).toBe(Uint8Array)
  })

  it('keeps keys that have a meaning in JavaScript', () => {
    const hostile = JSON.parse('{"__proto__":"a","constructor":"b","nested":{"__proto__":{"x":1}},"toString":"c"}') as object
    const back = roundTrip(hostile) as object
    expect(JSON.stringify(back)).toBe(JSON.stringify(hostile))
    expect(Object.hasOwn(back, '__proto__')).toBe(true)
  })

  it('keeps whole numbers as large as stamps in microseconds', () => {
    for (const number of [0, -1, 2 ** 31, 2 ** 32 + 1, Date.UTC(2100, 0) * 1_000, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1.5]) {
      expect(roundTrip({ number })).toEqual({ number })
    }
  })

  it('drops properties that are undefined, as JSON does', () => {
    expect(Object.keys(roundTrip({ a: 1, b: undefined }) as object)).toEqual(['a'])
  })

  it('shares no memory between bytes and values, nor between two decodings', () => {
    for (const value of [{ b: Uint8Array.of(1, 2) }, { ['__proto__']: 1, b: Uint8Array.of(1, 2) }]) {
      const bytes = encodeValue(value)
      const first = decodeValue(bytes) as typeof value
      first.b[0] = 99
      expect((decodeValue(bytes) as typeof value).b[0]).toBe(1)
    }
  })
})
