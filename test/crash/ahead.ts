import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../src/runtime/clock.ts'

/** The system's clock, so many ms ahead. */
export const clockAhead = (offsetMs: number): Clock => ({
  nowMs: () => Date.now() + offsetMs,
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(Math.min(ms, 2 ** 31 - 1), undefined, { signal }).catch(() => undefined),
})
