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
