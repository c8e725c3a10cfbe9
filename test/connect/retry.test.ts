import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../src/connect/retry.ts'

describe('backoff', () => {
  it('stays between half and whole of a doubling ceiling, never above the limit', () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1_000, max: 60_000 }), fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (baseMs, maxMs, attempt, random) => {
        const wait = backoffMs({ baseMs, maxMs }, attempt, random)
        const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30))
        expect(wait).toBeGreaterThanOrEqual(Math.floor(ceiling / 2))
        expect(wait).toBeLessThanOrEqual(Math.ceil(ceiling))
      },
    ))
  })
})
