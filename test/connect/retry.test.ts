import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, retryAfterMs } from '../../src/connect/retry.ts'

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

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1, 12)
  it.each([
    ['7', 7_000],
    [' 0 ', 0],
    ['99999999', 60_000],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['Fri, 02 Jan 2026 12:00:00 GMT', 60_000],
    ['-5', null],
    ['1.5', null],
    ['soon', null],
    ['2026', 60_000],
    ['', null],
  ])('%j', (header, ms) => {
    expect(retryAfterMs(header, now, 60_000)).toBe(ms)
  })

  it('is null without the header', () => {
    expect(retryAfterMs(undefined, now, 60_000)).toBeNull()
  })
})
