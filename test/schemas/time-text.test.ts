import { expect, it } from 'vitest'
import { timeText } from '../../schemas/time-text.ts'

it.each([[0, '1970-01-01T00:00:00.000Z'], [8.64e15, '+275760-09-13T00:00:00.000Z'], [8.64e15 + 1, '8640000000000001'], [NaN, 'NaN']])('%d', (ms, text) => {
  expect(timeText(ms)).toBe(text)
})
