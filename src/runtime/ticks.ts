import type { Clock } from './clock.ts'

export interface TickLimits {
  /** a tick follows the one before after this long while there is work, ms */
  tickMs: number
  /** how far the wall clock may run ahead of the monotonic clock, ms; what was used comes back at 1 % of the time that passes. Half as far behind the last tick it is told */
  clockToleranceMs: number
}

export interface ClockLeap {
  /** what the wall clock says, ms */
  at: number
  /** the latest time that the monotonic clock explains, ms; where the clock says less than the newest tick: that one's */
  explained: number
}

/** Of a task that had nothing to do for so many ticks, ticks come more seldom: a year of one a second from each task is gigabytes that say that nothing happened. */
const ticksUntilRest = 60
const restsForTicks = 10
/** However long a tick is; a longer one stays as it is. */
const longestRestMs = 10_000

/**
 * Proposes the times of one task's ticks. The first is taken as the clock says; after that a time further ahead than the
 * monotonic clock explains is refused, and time stands until the clock is plausible again (or a restart, which trusts it anew).
 * A clock at or behind the last tick gives none; one that is far behind it is refused, too: time stands until it gets there, be it a year.
 */
export class TickSource {
  readonly #clock: Clock
  readonly #limits: TickLimits
  readonly #onLeap: (leap: ClockLeap | null) => void
  #basis: { wall: number; monotonic: number; slack: number } | null = null
  #proposed: { at: number; monotonic: number } | null = null
  /** since when there was no work, and when the last tick was looked for, of the monotonic clock */
  #quietSince: number
  #last = -Infinity
  #refused = false

  /** `onLeap` hears each change: a leap when the clock becomes implausible, null when it is plausible again. */
  constructor(clock: Clock, limits: TickLimits, onLeap: (leap: ClockLeap | null) => void) {
    this.#clock = clock
    this.#quietSince = clock.monotonicMs()
    this.#limits = limits
    this.#onLeap = onLeap
  }

  get refused(): boolean {
    return this.#refused
  }

  /** ms until a tick is due; 0 where one is. */
  dueInMs(): number {
    return Math.max(0, this.#last + this.#gapMs() - this.#clock.monotonicMs())
  }

  /** There was work: time matters again, and ticks follow each other as `tickMs` says. */
  worked(): void {
    this.#quietSince = this.#clock.monotonicMs()
  }

  /** A tick is due now, if the clock says more than the last one did. */
  hurry(): void {
    this.#last = -Infinity
  }

  /** The time to append, after `last` (the newest that was ever appended), or null. Asked again until `appended` is told. */
  propose(last: number): number | null {
    const monotonic = this.#clock.monotonicMs()
    if (monotonic < this.#last + this.#gapMs()) return null
    const at = this.#clock.nowMs()
    const basis = (this.#basis ??= { wall: Math.max(at, last), monotonic, slack: this.#limits.clockToleranceMs })
    const explained = basis.wall + (monotonic - basis.monotonic) + this.#slack(monotonic)
    // sooner than a task that stands is taken for one that hangs
    const isBehind = at < last - this.#limits.clockToleranceMs / 2
    this.#judge(isBehind ? { at, explained: last } : at > explained ? { at, explained } : null)
    if (!this.#refused && at > last) {
      this.#proposed = { at, monotonic }
      return at
    }
    this.#last = monotonic
    return null
  }

  /** What was proposed last is in the log. */
  appended(): void {
    if (this.#proposed === null || this.#basis === null) return
    const { at, monotonic } = this.#proposed
    const ahead = Math.max(0, at - this.#basis.wall - (monotonic - this.#basis.monotonic))
    this.#basis = { wall: at, monotonic, slack: Math.max(0, this.#slack(monotonic) - ahead) }
    this.#last = monotonic
    this.#proposed = null
  }

  /** By how long it was quiet when the last tick came. */
  #gapMs(): number {
    const { tickMs } = this.#limits
    const isResting = this.#last - this.#quietSince >= ticksUntilRest * tickMs
    return isResting ? Math.max(tickMs, Math.min(restsForTicks * tickMs, longestRestMs)) : tickMs
  }

  #slack(monotonic: number): number {
    if (this.#basis === null) return this.#limits.clockToleranceMs
    return Math.min(this.#limits.clockToleranceMs, this.#basis.slack + (monotonic - this.#basis.monotonic) / 100)
  }

  #judge(leap: ClockLeap | null): void {
    const refused = leap !== null
    if (refused !== this.#refused) this.#onLeap(leap)
    this.#refused = refused
  }
}
