import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/core/order.ts'
import { SortedKeys } from '../../src/runtime/sorted-keys.ts'

const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\uffff', '\u{1f600}', '\ud7ff'), maxLength: 3 })

describe('SortedKeys', () => {
  it('answers what a sorted list would, with keys added between the questions', () => {
    const step = fc.record({ add: fc.uniqueArray(key, { maxLength: 80 }), prefix: key, after: fc.option(key, { nil: undefined }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), (steps) => {
        const keys = new SortedKeys()
        const model: string[] = []
        for (const { add, prefix, after } of steps) {
          for (const one of add) {
            if (model.includes(one)) continue
            model.push(one)
            keys.add(one)
          }
          const expected = [...model].sort(compareKeys).find((one) => one.startsWith(prefix) && (after === undefined || compareKeys(one, after) > 0))
          expect(keys.next(prefix, after)).toBe(expected)
        }
      }),
    )
  })
})
