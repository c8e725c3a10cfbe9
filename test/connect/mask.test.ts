import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maskRow, maskText } from '../../src/connect/mask.ts'

describe('masking', () => {
  it('keeps the shape and drops the content', () => {
    expect(maskText('ann,"Müller; 42"\u0000')).toBe('xxx,"xxxxxx; 99"?')
    expect(maskRow({ id: 'ann', age: 42, on: true, none: null, list: ['a', 7] })).toBe('{"id":"xxx","age":9,"on":true,"none":null,"list":["x",9]}')
    expect(maskRow(undefined)).toBe('')
    expect(maskRow(Buffer.from('secret'))).toBe('<6 bytes>')
  })

  it('lets no letter or digit of a value through', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(maskText(text).replace(/[x9?…]/g, '')).not.toMatch(/[\p{L}\p{N}]/u)
      expect(maskText(text).isWellFormed()).toBe(true)
    }))
  })

  it('stays small and never throws, whatever the row', () => {
    fc.assert(fc.property(fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true }), (row) => {
      expect(maskRow(row).length).toBeLessThan(2_010)
    }))
    expect(maskRow({ huge: 'x'.repeat(1e6), wide: Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`k${at}`, 'v'])) }).length).toBeLessThan(2_010)
  })
})
