import { setTimeout as delay } from 'node:timers/promises'

/** Time as the runtime sees it. Processors never do: they get ticks. */
export interface Clock {
  /** Wall clock, ms since the Unix epoch, UTC; it may leap or step back. */
  nowMs(): number
  /** Never runs back and never leaps; its origin is arbitrary. */
  monotonicMs(): number
  /** Resolves after `ms`, or as soon as the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** A longer timer would fire at once (Node keeps the delay in 32 bits). */
const maxTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(Math.max(0, Math.min(ms, maxTimerMs)), undefined, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  },
}

/** A clock that moves only when told to: for tests and for scripted examples. */
export class HandClock implements Clock {
  #now: number
  #monotonic = 0
  readonly #sleepers = new Set<{ due: number; wake: () => void }>()

  constructor(nowMs: number) {
    this.#now = nowMs
  }

  nowMs(): number {
    return this.#now
  }

  monotonicMs(): number {
    return this.#monotonic
  }

  /** Time passes: both clocks move and sleepers that are due wake. */
  advance(ms: number): void {
    this.#now += ms
    this.#monotonic += ms
    for (const sleeper of this.#sleepers) if (sleeper.due <= this.#monotonic) sleeper.wake()
  }

  /** The wall clock is set, forward or back, while no time passes. */
  leap(ms: number): void {
    this.#now += ms
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || ms <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { due: this.#monotonic + ms, wake }
      this.#sleepers.add(sleeper)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
