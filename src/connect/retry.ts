export interface RetryPolicy {
  /** requests in all, the first included */
  attempts: number
  baseMs: number
  maxMs: number
}

export const defaultRetry: RetryPolicy = { attempts: 5, baseMs: 250, maxMs: 30_000 }

/** Exponential, with full jitter above half: callers that failed together don't come back together. `random` in [0, 1). */
export function backoffMs(policy: Pick<RetryPolicy, 'baseMs' | 'maxMs'>, attempt: number, random: number): number {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(ceiling / 2 + (ceiling / 2) * random)
}

/** `Retry-After` in seconds or as a date, ms from now; null where it is missing or says nothing. */
export function retryAfterMs(header: string | undefined, nowMs: number, maxMs: number): number | null {
  if (header === undefined) return null
  const text = header.trim()
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, maxMs)
  const at = /^[A-Za-z]{3},? /.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(at) ? null : Math.min(Math.max(at - nowMs, 0), maxMs)
}
