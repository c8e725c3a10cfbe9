import { describe, expect, it } from 'vitest'
import { rateHints } from '../../../src/connect/throttle/hints.ts'

const now = Date.UTC(2026, 10, 25, 12)
const hints = (headers: Record<string, string>) => rateHints(headers, now)
const none = { retryAfterMs: null, limit: null, remaining: null, resetMs: null }

describe('Retry-After', () => {
  it.each<[string, Record<string, string>, number | null]>([
    ['seconds', { 'retry-after': '7' }, 7_000],
    ['a fraction', { 'retry-after': '0.5' }, 500],
    ['a date', { 'retry-after': 'Wed, 25 Nov 2026 12:00:30 GMT' }, 30_000],
    ['a date that is past', { 'retry-after': 'Wed, 25 Nov 2026 11:00:00 GMT' }, 0],
    ['a date by a clock an hour off, told by its own Date', { 'retry-after': 'Wed, 25 Nov 2026 13:00:30 GMT', date: 'Wed, 25 Nov 2026 13:00:00 GMT' }, 30_000],
    ['seconds since 1970', { 'retry-after': String(now / 1_000 + 9) }, 9_000],
    ['ms since 1970', { 'retry-after': String(now + 900) }, 900],
    ['milliseconds taken for seconds', { 'retry-after': '90000' }, 90_000],
    ['a header of its own for ms', { 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    ['years, which are a day', { 'retry-after': 'Thu, 31 Dec 2099 23:59:59 GMT' }, 86_400_000],
    ['more ms than a date may have, which are a day', { 'retry-after-ms': '9999999999999999' }, 86_400_000],
    ['a negative number', { 'retry-after': '-5' }, null],
    ['nonsense', { 'retry-after': 'soon' }, null],
  ])('%s', (_, headers, expected) => expect(hints(headers).retryAfterMs).toBe(expected))
})

describe('quotas', () => {
  it.each<[string, Record<string, string>, Partial<typeof none> | Record<string, number | null>]>([
    ['RateLimit of today’s draft', { ratelimit: '"default";r=50;t=30', 'ratelimit-policy': '"default";q=100;w=60' }, { limit: 100, remaining: 50, resetMs: 30_000 }],
    ['RateLimit of an older draft', { ratelimit: 'limit=100, remaining=0, reset=5' }, { limit: 100, remaining: 0, resetMs: 5_000 }],
    ['three fields, the limit with its window', { 'ratelimit-limit': '500, 500;w=1', 'ratelimit-remaining': '499', 'ratelimit-reset': '1' }, { limit: 500, remaining: 499, resetMs: 1_000 }],
    ['reset as seconds from now', { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '60' }, { remaining: 3, resetMs: 60_000 }],
    ['reset as seconds since 1970', { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1_000 + 600) }, { limit: 5_000, remaining: 0, resetMs: 600_000 }],
    ['reset as ms since 1970', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now + 1_500) }, { resetMs: 1_500 }],
    ['reset as ms from now, seen by the window', { 'x-ratelimit-limit': '10;w=60', 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '4500' }, { limit: 10, resetMs: 4_500 }],
    ['reset as a date', { 'x-rate-limit-remaining': '1', 'x-rate-limit-reset': '2026-11-25T12:00:10Z' }, { resetMs: 10_000 }],
    ['reset that is past', { 'x-ratelimit-remaining': '9', 'x-ratelimit-reset': String(now / 1_000 - 5) }, { resetMs: 0 }],
    ['several windows: the one that ends first', { 'x-ratelimit-remaining-minute': '2', 'x-ratelimit-limit-minute': '60', 'x-ratelimit-remaining-hour': '900' }, { limit: 60, remaining: 2, resetMs: 60_000 }],
    ['unlimited', { 'x-ratelimit-limit': '-1', 'x-ratelimit-remaining': '-1' }, none],
    ['a limit alone says nothing', { 'x-ratelimit-limit': '100' }, none],
    ['nonsense', { 'x-ratelimit-remaining': 'many', 'x-ratelimit-reset': 'later' }, none],
  ])('%s', (_, headers, expected) => expect(hints(headers)).toMatchObject(expected))

  it('nothing from nothing', () => expect(hints({})).toEqual(none))
})
