import type { Clock } from '../../runtime/clock.ts'
import { Pace, type Signal } from './pace.ts'
import type { RateHints } from './hints.ts'

/** What goes first where several wait: taking access away, then giving and single reads, then whole lists. */
export type Priority = 'urgent' | 'normal' | 'bulk'
const order: readonly Priority[] = ['urgent', 'normal', 'bulk']

interface LimiterOptions {
  clock: Clock
  /** never faster, whatever the application allows; requests a second */
  maxPerSecond?: number
  /** where an application that nothing is known of is begun with */
  initialPerSecond?: number
  /** requests under way at once */
  maxInFlight?: number
}

/** How a request ended, and what its answer said about more. */
export interface Outcome {
  /** null: it says nothing about pace (the connection broke) */
  signal: Signal | null
  hints: RateHints | null
}

/** One request's leave to go. Whoever holds it must say how it ended. */
export interface Permit {
  /** how long it was waited for, ms */
  readonly waitedMs: number
  done(outcome: Outcome): void
}

export interface LimiterState {
  /** requests a second that are tried now */
  perSecond: number
  inFlight: number
  waiting: number
  /** until the next request may go, ms */
  waitMs: number
}

interface Waiter {
  since: number
  go: (permit: Permit) => void
}

const defaults = { maxPerSecond: 1_000, maxInFlight: 8, initialPerSecond: 50 }
/** A tenth of a quota is left to what is urgent. */
const reserve = 0.1
/** A quota that is used up and says no end is asked again after this. */
const blindPauseMs = 1_000
/** An answer this many times slower than usual, and at least this slow, is a sign of overload. */
const slowTimes = 4
const slowMs = 500

/**
 * One for each application, shared by all that is asked of it: reads, changes, writes. Nobody is refused: who has to wait waits, the more
 * urgent first. Learns from what answers say (RateHints), from refusals that say nothing, and from answers that become slow.
 */
export class Limiter {
  readonly #clock: Clock
  readonly #pace: Pace
  readonly #maxInFlight: number
  readonly #waiters: Record<Priority, Waiter[]> = { urgent: [], normal: [], bulk: [] }
  #inFlight = 0
  #timer: AbortController | null = null
  #usualMs: number | null = null
  /** bulk requests keep this distance, so that a quota lasts until it is filled again */
  #bulkNotBefore = 0

  constructor({ clock, maxPerSecond = defaults.maxPerSecond, maxInFlight = defaults.maxInFlight, initialPerSecond = defaults.initialPerSecond }: LimiterOptions) {
    this.#clock = clock
    this.#maxInFlight = maxInFlight
    this.#pace = new Pace({ maxPerSecond, initialPerSecond })
  }

  get state(): LimiterState {
    const now = this.#clock.monotonicMs()
    return { perSecond: this.#pace.rate(now), inFlight: this.#inFlight, waiting: this.#waiting, waitMs: this.#pace.waitMs(now) }
  }

  get #waiting(): number {
    return order.reduce((sum, priority) => sum + this.#waiters[priority].length, 0)
  }

  /** Resolves when a request may go; rejects with the signal's reason on abort. */
  async acquire(priority: Priority, signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted()
    return await new Promise<Permit>((resolve, reject) => {
      const queue = this.#waiters[priority]
      const stop = (): void => {
        queue.splice(queue.indexOf(waiter), 1)
        if (this.#waiting === 0) this.#timer?.abort() // or the process would live until then
        reject(signal.reason instanceof Error ? signal.reason : new Error('stopped', { cause: signal.reason }))
      }
      const waiter: Waiter = {
        since: this.#clock.monotonicMs(),
        go: (permit) => {
          signal.removeEventListener('abort', stop)
          resolve(permit)
        },
      }
      queue.push(waiter)
      signal.addEventListener('abort', stop, { once: true })
      this.#dispatch()
    })
  }

  /** Runs one call that is no HTTP request. `refused`: whether its error means that the application has too much to do. */
  async run<T>(call: () => Promise<T>, refused: (error: unknown) => boolean, priority: Priority, signal: AbortSignal): Promise<T> {
    const permit = await this.acquire(priority, signal)
    let outcome: Signal | null = null
    try {
      const answer = await call()
      outcome = 'ok'
      return answer
    } catch (error) {
      if (refused(error)) outcome = 'refused'
      throw error
    } finally {
      permit.done({ signal: outcome, hints: null })
    }
  }

  #dispatch(): void {
    for (;;) {
      const priority = order.find((one) => this.#waiters[one].length > 0)
      if (priority === undefined || this.#inFlight >= (this.#pace.doubtful ? 1 : this.#maxInFlight)) return
      const now = this.#clock.monotonicMs()
      const waitMs = Math.max(this.#pace.waitMs(now), priority === 'bulk' ? this.#bulkNotBefore - now : 0)
      if (waitMs > 0) {
        this.#wake(waitMs)
        return
      }
      const waiter = this.#waiters[priority].shift()!
      this.#pace.sent(now)
      this.#inFlight += 1
      waiter.go(this.#permit(now, now - waiter.since))
    }
  }

  #permit(sentAt: number, waitedMs: number): Permit {
    let over = false
    return {
      waitedMs,
      done: ({ signal, hints }) => {
        if (over) return
        over = true
        this.#inFlight -= 1
        const now = this.#clock.monotonicMs()
        if (hints !== null) this.#heed(hints, signal, now)
        const slow = signal === 'ok' && this.#isSlow(now - sentAt)
        if (signal !== null) this.#pace.ended(slow ? 'slow' : signal, sentAt, now)
        this.#dispatch()
      },
    }
  }

  /** One timer at a time, for the next moment at which something may go. */
  #wake(ms: number): void {
    this.#timer?.abort()
    const timer = new AbortController()
    this.#timer = timer
    void this.#clock.sleep(Math.ceil(ms), timer.signal).then(() => {
      if (!timer.signal.aborted) this.#dispatch()
    })
  }

  #heed({ retryAfterMs, remaining, limit, resetMs }: RateHints, signal: Signal | null, now: number): void {
    if (signal === 'refused') {
      // A refusal while some are said to remain is about another limit than the one that is told.
      if (retryAfterMs !== null) this.#pace.pause(now + retryAfterMs)
      else if (remaining === 0 && resetMs !== null) this.#pace.pause(now + resetMs)
      return
    }
    if (remaining === null) return
    if (remaining === 0) this.#pace.pause(now + (resetMs ?? blindPauseMs))
    else if (resetMs !== null && limit !== null && remaining <= limit * reserve) this.#bulkNotBefore = now + resetMs / remaining
  }

  #isSlow(ms: number): boolean {
    const usual = this.#usualMs
    this.#usualMs = usual === null ? ms : Math.min(ms, usual) * 0.1 + usual * 0.9 + Math.max(0, ms - usual) * 0.02
    return usual !== null && ms > slowMs && ms > slowTimes * usual
  }
}
