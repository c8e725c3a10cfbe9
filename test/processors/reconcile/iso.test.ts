import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoDate } from '../../../processors/reconcile/iso.ts'

describe('isoDate', () => {
  it.each([
    [0, '1970-01-01'],
    [-1, '1969-12-31'],
    [Date.UTC(2000, 1, 29), '2000-02-29'],
    [Date.UTC(2026, 1, 28, 23, 59, 59, 999), '2026-02-28'],
    [Date.UTC(2026, 2, 1), '2026-03-01'],
    [Date.UTC(2100, 2, 1), '2100-03-01'],
    [Date.UTC(2024, 11, 31), '2024-12-31'],
  ])('tells the UTC date of %d', (ms, date) => {
    expect(isoDate(ms)).toBe(date)
  })

  it('agrees with the calendar of the host for every day from the year 1 to 9999', () => {
    const first = new Date(0)
    first.setUTCFullYear(1, 0, 1)
    fc.assert(
      fc.property(fc.integer({ min: first.getTime(), max: Date.UTC(9999, 11, 31) }), (ms) => {
        expect(isoDate(ms)).toBe(new Date(ms).toISOString().slice(0, 10))
      }),
      { numRuns: 2_000 },
    )
  })
})
