import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstPart, ordered, part } from '../../../processors/shared/rows.ts'
import { compareKeys } from '../../../src/core/order.ts'

const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '1:', '/', '2:a')), { maxLength: 3 })

test('no two lists of texts give the same key', () => {
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      const [x, y] = [a, b].map((list) => list.map(part).join(''))
      expect(x === y).toBe(JSON.stringify(a) === JSON.stringify(b))
    }),
  )
})

test('a part begins the key of no other text', () => {
  fc.assert(
    fc.property(texts, texts, ([a = ''], [b = '']) => {
      expect(part(b).startsWith(part(a))).toBe(a === b)
    }),
  )
})

test('the text that a key begins with is told from it', () => {
  fc.assert(fc.property(texts, (all) => {
    if (all.length > 0) expect(firstPart(all.map(part).join(''))).toBe(all[0])
  }))
})

test('numbers are in order as text', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.nat(), (a, b) => {
      expect(Math.sign(compareKeys(ordered(a), ordered(b)))).toBe(Math.sign(a - b))
    }),
  )
})
