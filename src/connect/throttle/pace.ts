/** How a request ended, as far as pace goes. `refused`: 429, or 503 and its like. `slow`: it took much longer than is usual here. */
export type Signal = 'ok' | 'refused' | 'slow'

interface PaceOptions {
  /** never faster than this, requests a second */
  maxPerSecond: number
  /** where an application that nothing is known of is begun with */
  initialPerSecond: number
}

/** What one refusal leaves of the rate at most and at least, and what a row of them leaves as long as most requests still pass. */
const cutTo = 0.96
const deepCutTo = 0.8
const floorOf = 0.4
/** So many that passed between two refusals tell the rate that is allowed: both times nothing was left. */
const tellingPasses = 5
/** After so many refusals in a row, fewer passing than this: the application allows much less now. */
const rowToJudge = 3
const passingShare = 0.65
/** Refusals that follow each other within this time, or this many requests, are one row. */
const rowMs = 165
const rowRequests = 13
/** A row that goes on this long has its own truth: the floor is set anew. */
const longRowMs = 1_000
/** So many requests are held back after a refusal, for so long at most, that the application's allowance fills up a little. */
const heldBack = 9
const longestHoldMs = 150
/** A rate that was refused is come back to within this time, or this many requests; then it rises by a tenth in half as much, and doubles in as much. */
const recoverMs = 700
const recoverRequests = 44
/** Where the last refusals agree to this share about the rate, there is less to be found out, and more time for it. */
const agreeing = 0.06
const calmTimes = 2.4
/** While everything is refused, single requests ask whether it is over: after this long, or a share of how long it took last time, or so far. */
const probeMs = 40
const probeShareOfUsual = 0.37
const probeShareOfNow = 0.1
const longestProbeMs = 30_000
/** What was not sent in the last moments is made good, this much at most. */
const catchUpMs = 100
/** Below this the application would be forgotten. */
const leastPerSecond = 1 / 60

interface Row {
  /** rate when it began */
  top: number
  since: number
  passed: number
  refused: number
}

/**
 * How fast requests may follow each other, found by trying: the rate comes back slowly to where it was refused last, rises ever faster
 * beyond, and is cut a little by each refusal. Where most requests still pass, a row of refusals cuts no deeper than a floor: it may be
 * chance. Refusals without any success between them are a shut door, not a rate: single requests ask whether it is open again, and
 * then the rate goes on where it was. It rises only while it is used. Pure: times are handed in, monotonic ms.
 */
export class Pace {
  readonly #options: PaceOptions
  #base: number
  /** where the rate was refused, requests a second */
  #plateau: number
  /** when the rise from `base` began */
  #since = 0
  #calm = 1
  /** monotonic ms of the last refusal that counted; what was sent before it says nothing new */
  #cutAt: number | null = null
  #begun = false
  #nextAt = -Infinity
  #pausedUntil = 0
  #row: Row | null = null
  /** since the last refusal that counted */
  #passedSince = 0
  #doubtful = false
  #shutSince: number | null = null
  #usualShutMs = 0

  constructor(options: PaceOptions) {
    this.#options = options
    this.#base = Math.min(options.initialPerSecond, options.maxPerSecond)
    this.#plateau = this.#base
  }

  /** requests a second, now */
  rate(now: number): number {
    const used = this.#begun ? Math.min(now, Math.max(this.#nextAt, this.#since) + catchUpMs) : this.#since
    return Math.max(leastPerSecond, Math.min(this.#options.maxPerSecond, this.#curve(used - this.#since)))
  }

  /** ms until the next request may be sent; 0: now. */
  waitMs(now: number): number {
    return Math.max(0, this.#nextAt - now, this.#pausedUntil - now)
  }

  /** While true, one request at a time: nothing has passed since the last refusal. */
  get doubtful(): boolean {
    return this.#doubtful
  }

  sent(now: number): void {
    const due = now - catchUpMs
    if (!this.#begun) this.#since = now
    else if (this.#nextAt < due) this.#since = Math.min(now, this.#since + now - this.#nextAt)
    this.#begun = true
    this.#nextAt = Math.max(this.#nextAt, due) + 1_000 / this.rate(now)
  }

  /** Nothing is asked before `until`: the application said so. */
  pause(until: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, until)
  }

  /** A request that was sent at `sentAt` ended. */
  ended(signal: Signal, sentAt: number, now: number): void {
    if (this.#cutAt !== null && sentAt < this.#cutAt) return
    if (signal === 'ok') this.#passed(now)
    else if (signal === 'refused' && this.#doubtful) this.#stillShut(now)
    else this.#cut(signal, now)
  }

  #passed(now: number): void {
    if (this.#row !== null) this.#row.passed += 1
    this.#passedSince += 1
    this.#doubtful = false
    if (this.#shutSince === null) return
    const lastedMs = now - this.#shutSince
    this.#usualShutMs = this.#usualShutMs === 0 ? lastedMs : 0.7 * this.#usualShutMs + 0.3 * lastedMs
    this.#shutSince = null
    this.#row = null
    this.#nextAt = now
    this.#since = now
    this.#base = this.#plateau
  }

  #stillShut(now: number): void {
    this.#shutSince ??= this.#cutAt ?? now
    const soFarMs = now - this.#shutSince
    this.#nextAt = now + Math.min(longestProbeMs, Math.max(probeMs, probeShareOfUsual * this.#usualShutMs, probeShareOfNow * soFarMs))
    this.#cutAt = now
  }

  #cut(signal: Signal, now: number): void {
    const rate = this.rate(now)
    const row = this.#rowAt(now, rate)
    row.refused += 1
    const passing = row.passed / (row.passed + row.refused)
    let plateau = Math.min(rate, row.top)
    const told = this.#passedSince >= tellingPasses && this.#cutAt !== null ? (this.#passedSince * 1_000) / (now - this.#cutAt) : Infinity
    this.#passedSince = 0
    let next = Math.max(Math.min(rate * cutTo, Math.max(told, rate * deepCutTo)), row.top * floorOf)
    if (row.refused >= rowToJudge && passing < passingShare) {
      next = rate * Math.max(0.5, passing)
      plateau = next
      this.#row = { top: next, since: now, passed: 0, refused: 0 }
    }
    this.#calm = Math.abs(plateau - this.#plateau) < agreeing * this.#plateau ? calmTimes : 1
    this.#plateau = plateau
    this.#base = next
    this.#since = now
    this.#cutAt = now
    this.#doubtful = signal === 'refused'
    this.#nextAt = Math.max(this.#nextAt, now + Math.max(1_000 / next, Math.min(longestHoldMs, (heldBack * 1_000) / next)))
  }

  #rowAt(now: number, rate: number): Row {
    const row = this.#row
    const joins = row !== null && this.#cutAt !== null && now - this.#cutAt <= Math.max(rowMs, (rowRequests * 1_000) / rate)
    if (joins && now - row.since <= longRowMs) return row
    return (this.#row = { top: rate, since: now, passed: 0, refused: 0 })
  }

  #curve(ms: number): number {
    if (this.#cutAt === null) return this.#base * 2 ** (ms / 500)
    const spanMs = Math.max(recoverMs, (recoverRequests * 1_000) / this.#plateau)
    const backMs = spanMs * this.#calm
    if (ms < backMs) return this.#plateau - (this.#plateau - this.#base) * (1 - ms / backMs) ** 2
    const beyond = (ms - backMs) / spanMs
    return this.#plateau * (beyond < 0.5 ? 1 + 0.2 * beyond : 1.1 * 2 ** (beyond - 0.5))
  }
}
