import { expect, it } from 'vitest'
import { typedFilters } from '../../src/http/filters.ts'

it.each([
  ['2026-11-22', Date.UTC(2026, 10, 22)],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
  ['2026-11-22T10:00Z', Date.UTC(2026, 10, 22, 10)],
  ['2026-11-22T10:00:00.250+02:00', Date.UTC(2026, 10, 22, 8, 0, 0, 250)],
  [String(Date.UTC(2026, 10, 22)), Date.UTC(2026, 10, 22)],
])('a time is taken as it is meant: %s', (text, ms) => {
  expect(typedFilters({ at: text, app: text })).toEqual({ at: ms, app: text })
})

it.each(['yesterday', '2026-02-30', '2026-13-01', '2026-11-22T10:00:00', '2026-11-22 10:00', '22.11.2026', '5', '2026', ''])('what could be another time, or none, is refused: %j', (text) => {
  for (const name of ['at', 'knownAt', 'from', 'to', 'until']) expect(() => typedFilters({ [name]: text })).toThrow(`${name}: "${text}" is no time`)
})
