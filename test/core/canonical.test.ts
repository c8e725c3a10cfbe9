import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, digest } from '../../src/core/canonical.ts'

describe('canonical', () => {
  it.each([
    [null, 'null'],
    [true, 'true'],
    [1.5, '1.5'],
    ['a"\n', '"a\\"\\n"'],
    [[], '[]'],
    [[3, [1], { b: 1, a: 2 }], '[3,[1],{"a":2,"b":1}]'],
    [{}, '{}'],
    [{ b: 1, a: [], '': null }, '{"":null,"a":[],"b":1}'],
    [{ '\uffff': 1, '\u{1f600}': 2 }, '{"\uffff":1,"\u{1f600}":2}'],
    [{ 10: 'x', 9: 'y', a: 'z' }, '{"10":"x","9":"y","a":"z"}'],
  ])('%j is %s', (value, text) => {
    expect(canonical(value)).toBe(text)
  })

  it('leaves absent fields out, as JSON does', () => {
    expect(canonical({ a: undefined, b: 1 })).toBe('{"b":1}')
    expect(canonical([undefined])).toBe('[null]')
  })

  it('gives JSON of the same value, whatever the order of the fields was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonical(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonical(reversed(value))).toBe(text)
        expect(canonical(JSON.parse(text))).toBe(text)
      }),
    )
  })
})

describe('digest', () => {
  it('is the first half of SHA-256 over UTF-8, in hex', () => {
    for (const text of ['', 'abc', 'ß\u{1f600}']) {
      expect(digest(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 32))
    }
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).reverse().map(([key, item]) => [key, reversed(item)]))
}
