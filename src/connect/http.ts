import type { Clock } from '../runtime/clock.ts'
import { ConnectError, type ErrorClass, type HttpClient, type HttpRequest, type HttpResponse } from '../ports/connector.ts'
import { actions } from './actions.ts'
import { Breaker } from './breaker.ts'
import { type RetryPolicy, backoffMs, defaultRetry } from './retry.ts'
import { rateHints } from './throttle/hints.ts'
import { Limiter, type Permit } from './throttle/limiter.ts'
import { type Attempt, type Timeouts, Transport, defaultTimeouts, isFailure, isSafe } from './transport.ts'

export interface HttpOptions {
  /** `https://host:port`; requests go nowhere else */
  origins: ReadonlySet<string>
  clock: Clock
  signal: AbortSignal
  limiter?: Limiter
  timeouts?: Timeouts
  maxBodyBytes?: number
  retry?: RetryPolicy
  /** an application that lets nothing through for this long is given up until the next run */
  patienceMs?: number
  /** in [0, 1) */
  random?: () => number
  /** takes known secrets out of a text */
  redact?: (text: string) => string
  onWait?: (wait: HttpWait) => void
  onRequest?: (report: RequestReport) => void
}

/** The client waits before it tries again. */
export interface HttpWait {
  place: string
  reason: string
  attempt: number
  waitMs: number
}

/** One request with all its attempts, when it is over. */
export interface RequestReport {
  outcome: 'ok' | ErrorClass
  attempts: number
  /** attempts that the application refused as too many */
  refused: number
  /** spent waiting for leave to send, ms */
  throttledMs: number
  /** everything, waits included, ms */
  tookMs: number
}

const hour = 3_600_000
/** Statuses that mean: too much just now. */
const overloaded = new Set([429, 503])

/**
 * Requests as every connector makes them: the application's limiter says when, time-outs, repeats of what is safe to repeat (GET, what
 * is declared `repeatable`, what was never sent, what 429 refused; writes are repeated by whoever keeps their journal), a circuit breaker,
 * classes of error.
 * A response below 400, a 404, a 409 and other refusals that only the connector understands are answered; everything else throws
 * ConnectError. A message names method, URL without query, and status.
 */
export function createHttpClient(options: HttpOptions): HttpClient {
  const { origins, signal, clock } = options
  const parts: Parts = {
    transport: new Transport({ origins, signal, timeouts: options.timeouts ?? defaultTimeouts, maxBodyBytes: options.maxBodyBytes ?? 64 * 2 ** 20 }),
    limiter: options.limiter ?? new Limiter({ clock }),
    breaker: new Breaker(clock, options.random),
  }
  return { request: async (request) => await new Exchange(request, options, parts).run() }
}

interface Parts {
  transport: Transport
  limiter: Limiter
  breaker: Breaker
}

/** One request until it is answered or given up. */
class Exchange {
  readonly #request: HttpRequest
  readonly #options: HttpOptions
  readonly #parts: Parts
  readonly #report: RequestReport = { outcome: 'ok', attempts: 0, refused: 0, throttledMs: 0, tookMs: 0 }
  readonly #begun: number
  readonly #place: string
  #failures = 0

  constructor(request: HttpRequest, options: HttpOptions, parts: Parts) {
    const url = parts.transport.allowed(request.url)
    this.#request = request
    this.#options = options
    this.#parts = parts
    this.#begun = options.clock.monotonicMs()
    this.#place = `${request.method} ${url.origin}${url.pathname}`
  }

  async run(): Promise<HttpResponse> {
    try {
      for (;;) {
        const attempt = await this.#attempt()
        if (!isFailure(attempt)) return attempt
        const message = (this.#options.redact ?? ((text) => text))(attempt.message)
        const { first } = actions[attempt.class]
        const again = attempt.repeatable && ((first === 'retry' && ++this.#failures < this.#retry.attempts) || (first === 'wait' && this.#isPatient()))
        if (!again) {
          const tries = this.#report.attempts > 1 ? ` (${this.#report.attempts} attempts)` : ''
          throw new ConnectError(attempt.class, `${message}${tries}${first === 'wait' && !this.#isPatient() ? `: ${this.#untilWhen()}` : ''}`, this.#place)
        }
        await this.#pause(first, message)
      }
    } catch (error) {
      this.#report.outcome = error instanceof ConnectError ? error.class : 'fatal'
      throw error
    } finally {
      this.#options.onRequest?.({ ...this.#report, tookMs: this.#options.clock.monotonicMs() - this.#begun })
    }
  }

  get #signal(): AbortSignal {
    const { signal } = this.#options
    return this.#request.signal === undefined ? signal : AbortSignal.any([signal, this.#request.signal])
  }

  get #retry(): RetryPolicy {
    return this.#options.retry ?? defaultRetry
  }

  async #attempt(): Promise<Attempt> {
    const { transport, limiter, breaker } = this.#parts
    this.#options.signal.throwIfAborted()
    const closedMs = breaker.refusesForMs()
    if (closedMs !== null) {
      throw new ConnectError('transient', `the application failed so often that it is left alone for another ${Math.ceil(closedMs / 1_000)} s`, this.#place)
    }
    if (!this.#isPatient()) throw new ConnectError('throttled', `the application has too much to do: ${this.#untilWhen()}`, this.#place)
    let permit: Permit | null = null
    let attempt: Attempt | null = null
    try {
      permit = await limiter.acquire(this.#request.priority ?? 'bulk', this.#signal)
      this.#report.throttledMs += permit.waitedMs
      this.#report.attempts += 1
      attempt = this.#checked(await transport.send(this.#request))
      return attempt
    } finally {
      this.#tell(permit, attempt)
    }
  }

  /** A 200 may hold an error or half a document: only the connector can see it. */
  #checked(attempt: Attempt): Attempt {
    if (isFailure(attempt) || this.#request.check === undefined) return attempt
    try {
      this.#request.check(attempt)
      return attempt
    } catch (error) {
      if (!(error instanceof ConnectError) || !['retry', 'wait'].includes(actions[error.class].first)) throw error
      return { class: error.class, message: error.message, repeatable: isSafe(this.#request) || error.class === 'throttled', status: attempt.status, headers: attempt.headers }
    }
  }

  #tell(permit: Permit | null, attempt: Attempt | null): void {
    const failure = attempt !== null && isFailure(attempt) ? attempt : null
    const refused = failure !== null && (failure.class === 'throttled' || (failure.status !== null && overloaded.has(failure.status)))
    if (refused) this.#report.refused += 1
    const signal = refused ? 'refused' : failure?.class === 'transient' || attempt === null ? null : 'ok'
    permit?.done({ signal, hints: attempt === null ? null : rateHints(attempt.headers, this.#options.clock.nowMs()) })
    this.#parts.breaker.ended(failure?.class === 'transient')
  }

  /** What the limiter waits for begins before patience ends. */
  #isPatient(): boolean {
    const { clock, patienceMs = hour } = this.#options
    return clock.monotonicMs() - this.#begun + this.#parts.limiter.state.waitMs < patienceMs
  }

  #untilWhen(): string {
    return `nothing is asked of it until ${new Date(this.#options.clock.nowMs() + this.#parts.limiter.state.waitMs).toISOString()}`
  }

  /** After a refusal the limiter makes everybody wait, this request with them. */
  async #pause(action: string, reason: string): Promise<void> {
    const { clock, random = Math.random, onWait } = this.#options
    const waitMs = action === 'retry' ? backoffMs(this.#retry, this.#failures, random()) : this.#parts.limiter.state.waitMs
    onWait?.({ place: this.#place, reason, attempt: this.#report.attempts, waitMs })
    if (action === 'retry') await clock.sleep(waitMs, this.#signal)
  }
}
