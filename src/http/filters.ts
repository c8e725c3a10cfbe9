import { timeMs } from '../../schemas/time-text.ts'
import { ApiError } from './api-error.ts'
import type { Filters } from './api.ts'

const times = new Set(['at', 'knownAt', 'from', 'to', 'until'])
const numbers = new Set(['limit'])

/**
 * Filters as typed (every value text) to what a report takes: times are ISO 8601 or ms since the epoch, limits are numbers.
 * Throws ApiError 400 that names the filter.
 */
export function typedFilters(filters: Filters): Record<string, unknown> {
  return Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, times.has(name) ? timeOf(name, value) : numbers.has(name) ? number(name, value) : value]))
}

/** ms. Throws ApiError 400 that names what it is for. */
export function timeOf(name: string, value: string): number {
  const ms = timeMs(value)
  if (ms === null) throw new ApiError(400, `${name}: "${value}" is no time; write 2026-11-22 (where it begins, UTC), 2026-11-22T10:00:00Z, 2026-11-22T12:00:00+02:00, or milliseconds since 1970`)
  return ms
}

function number(name: string, value: string): number {
  if (!/^\d+$/.test(value)) throw new ApiError(400, `${name}: "${value}" is no whole number`)
  return Number(value)
}
