import { expect, it } from 'vitest'
import { knownLine } from '../../src/cli/known-line.ts'

it('says of each partition how much of it was known, and as of when', () => {
  const at = Date.UTC(2026, 10, 1, 12)
  expect(
    knownLine([
      { partition: 0, offset: 120, end: 340, now: at },
      { partition: 1, offset: 88, end: 88, now: at - 1_500 },
      { partition: 2, offset: 3, end: 9, now: 0 },
      { partition: 3, offset: 0, end: 0, now: 0 },
    ]),
  ).toBe(
    'known then: facts/0 before offset 120, as of 2026-11-01T12:00:00.000Z; facts/1 to its end, offset 88, as of 2026-11-01T11:59:58.500Z; ' +
      'nothing of facts/2; nothing of facts/3, which is empty',
  )
})
