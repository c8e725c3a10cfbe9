/** What an answer's headers say about how many more requests are welcome, repaired where sources are known to get it wrong. */
export interface RateHints {
  /** ask nothing for this long */
  retryAfterMs: number | null
  /** requests left until `resetMs`; of several quotas the one that ends first */
  remaining: number | null
  /** requests of a whole window */
  limit: number | null
  /** until `remaining` is filled up again */
  resetMs: number | null
}

type Headers = Readonly<Record<string, string>>
type Quota = Omit<RateHints, 'retryAfterMs'>

/** No reset is further away than this: a larger number is milliseconds, or a point in time. Who asks for more is asked again after this. */
const longestResetS = 86_400
/** Numbers above are seconds since 1970 (from 2001 on), or milliseconds (from 1970-01-12 on). */
const epochSeconds = 1e9
const epochMs = 1e12

/**
 * Reads Retry-After (RFC 9110, 10.2.3) and its millisecond forms, RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers, and
 * its older three fields), X-RateLimit-* and X-Rate-Limit-* with their window suffixes. Times are told by the source's own Date where it
 * gives one, so that clocks that differ do no harm. What makes no sense is null.
 */
export function rateHints(headers: Headers, nowMs: number): RateHints {
  const date = Date.parse(headers['date'] ?? '')
  const now = Number.isNaN(date) ? nowMs : date
  const quotas = [structured(headers), ...separate(headers, now)].filter((quota): quota is Quota => quota !== null)
  const tightest = quotas.reduce<Quota | null>((least, quota) => (least === null || share(quota) < share(least) ? quota : least), null)
  return { retryAfterMs: retryAfterMs(headers, now), ...(tightest ?? { limit: null, remaining: null, resetMs: null }) }
}

/** Of two quotas the one with fewer requests left is felt first. */
const share = ({ remaining }: Quota): number => remaining ?? Infinity

function retryAfterMs(headers: Headers, now: number): number | null {
  const text = headers['retry-after']
  const ms = number(headers['retry-after-ms'] ?? headers['x-ms-retry-after-ms']) ?? (text === undefined ? null : untilMs(text, now, null))
  return ms === null ? null : Math.min(Math.max(0, ms), longestResetS * 1_000)
}

/** `text` as ms from now: seconds, or a point in time as HTTP-date, ISO 8601, seconds or ms since 1970. `windowS`: no reset is further away. */
function untilMs(text: string, now: number, windowS: number | null): number | null {
  const value = number(text)
  if (value === null) {
    const at = /[A-Za-z]{3}|\d-\d|T/.test(text) ? Date.parse(text) : NaN
    return Number.isNaN(at) ? null : Math.max(0, at - now)
  }
  if (value < 0) return null
  if (value >= epochMs) return Math.max(0, value - now)
  if (value >= epochSeconds) return Math.max(0, value * 1_000 - now)
  const longest = windowS ?? longestResetS
  return value > longest ? value : value * 1_000
}

/** `RateLimit: "default";r=50;t=30` with its policy `"default";q=100;w=60`, or the older `limit=100, remaining=50, reset=30`. */
function structured(headers: Headers): Quota | null {
  const text = headers['ratelimit']
  if (text === undefined) return null
  const policy = headers['ratelimit-policy'] ?? ''
  const field = (of: string, ...names: string[]): number | null => {
    const found = new RegExp(`(?:^|[;,\\s])(?:${names.join('|')})\\s*=\\s*(\\d+(?:\\.\\d+)?)`, 'i').exec(of)
    return found === null ? null : Number(found[1])
  }
  const resetS = field(text, 't', 'reset')
  return quota(field(text, 'limit', 'q') ?? field(policy, 'q') ?? leading(policy), field(text, 'r', 'remaining'), resetS === null ? null : resetS * 1_000)
}

/** One header a value; windows have suffixes (-second, -minute, -hour, -day) at some gateways. */
function* separate(headers: Headers, now: number): Generator<Quota | null> {
  const windows: Record<string, number> = { second: 1, minute: 60, hour: 3_600, day: 86_400 }
  for (const family of ['ratelimit', 'x-ratelimit', 'x-rate-limit']) {
    for (const [suffix, windowS] of [['', null], ...Object.entries(windows)] as [string, number | null][]) {
      const value = (name: string): string | undefined => headers[`${family}-${name}${suffix === '' ? '' : `-${suffix}`}`]
      const remaining = value('remaining')
      if (remaining === undefined) continue
      const reset = value('reset') ?? headers[`${family}-reset-after`]
      const told = reset === undefined ? null : untilMs(reset, now, windowS ?? windowOf(value('limit')))
      yield quota(leading(value('limit')), leading(remaining), told ?? (windowS === null ? null : windowS * 1_000))
    }
  }
}

/** Unlimited sources say -1, or nothing that can be read. */
function quota(limit: number | null, remaining: number | null, resetMs: number | null): Quota | null {
  if (remaining === null || remaining < 0 || (limit !== null && limit < 0)) return null
  return { limit, remaining, resetMs }
}

/** `500, 500;w=1` and `500;w=60` mean 500. */
function leading(text: string | undefined): number | null {
  const found = /^\s*"?(-?\d+(?:\.\d+)?)/.exec(text ?? '')
  return found === null ? null : Number(found[1])
}

const windowOf = (limit: string | undefined): number | null => {
  const found = /;\s*w\s*=\s*(\d+)/.exec(limit ?? '')
  return found === null ? null : Number(found[1])
}

const number = (text: string | undefined): number | null => (text !== undefined && /^\s*-?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : null)
