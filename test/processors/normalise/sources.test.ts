import { expect, it } from 'vitest'
import { sourcesOf, type AccountRow, type Place } from '../../../processors/normalise/account.ts'

const kept = { observed: 1, valid: null, whole: true, at: [3, 1] as const }
const row: AccountRow = {
  ordinal: 0, native: 'a', since: 0, attributes: null, memberships: { ...kept, content: [] }, grants: { ...kept, content: [] }, credentials: null, published: null, held: null,
  watches: [], due: null,
}
const raw = (...places: Place[]): unknown => places.map(([offset, index]) => ({ topic: 'raw', partition: 2, offset, index }))

it('the sources of a fact are each record once, in the order of the log', () => {
  expect(sourcesOf(row, 2, [])).toEqual(raw([3, 1]))
  expect(sourcesOf(row, 2, [[10, 0], [3, 0], [3, 1], [10, 0], [2, 7]])).toEqual(raw([2, 7], [3, 0], [3, 1], [10, 0]))
})

it('are told in no time where a hundred thousand people claim one key', () => {
  const claims = Array.from({ length: 100_000 }, (_, i): Place => [100 + ((i * 7_919) % 100_000), 0])
  const began = performance.now()
  expect(sourcesOf(row, 2, claims)).toHaveLength(claims.length + 1)
  expect(performance.now() - began).toBeLessThan(2_000)
})
