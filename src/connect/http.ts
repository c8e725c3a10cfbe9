import type { Clock } from '../runtime/clock.ts'
import { ConnectError, type ErrorClass, type HttpClient, type HttpRequest, type HttpResponse } from '../ports/connector.ts'
import { classOfNetworkError, classOfStatus } from './classify.ts'
import { type RetryPolicy, backoffMs, defaultRetry, retryAfterMs } from './retry.ts'

export interface HttpOptions {
  /** `https://host:port`; requests go nowhere else */
  origins: ReadonlySet<string>
  clock: Clock
  signal: AbortSignal
  timeoutMs?: number
  maxBodyBytes?: number
  retry?: RetryPolicy
  maxRetryAfterMs?: number
  /** in [0, 1) */
  random?: () => number
  /** takes known secrets out of a text */
  redact?: (text: string) => string
  onWait?: (wait: HttpWait) => void
}

/** The client waits before it tries again. */
export interface HttpWait {
  place: string
  reason: string
  attempt: number
  waitMs: number
}

interface Failure {
  class: ErrorClass
  message: string
  /** sending again can do no harm */
  repeatable: boolean
  retryAfterMs: number | null
}

const retried: ReadonlySet<ErrorClass> = new Set(['throttled', 'transient'])
const maxRedirects = 5

/**
 * Requests as every connector makes them: time-outs, repeats of what is safe to repeat (GET, or never sent, or refused by 429),
 * waits as the application asks, classes of error. A response below 400, a 404, a 409 and other refusals that only the connector
 * understands are answered; everything else throws ConnectError. A message names method, URL without query, and status.
 */
export function createHttpClient(options: HttpOptions): HttpClient {
  return { request: (request) => requestWithRetry(request, options) }
}

async function requestWithRetry(request: HttpRequest, options: HttpOptions): Promise<HttpResponse> {
  const policy = options.retry ?? defaultRetry
  const url = allowed(request.url, options)
  const place = `${request.method} ${url.origin}${url.pathname}`
  for (let attempt = 1; ; attempt++) {
    options.signal.throwIfAborted()
    const result = await attemptOnce(request, url, options)
    if ('status' in result) return result
    const redacted = (options.redact ?? ((text) => text))(result.message)
    if (!retried.has(result.class) || !result.repeatable || attempt >= policy.attempts) {
      const tries = attempt > 1 ? ` (${attempt} attempts)` : ''
      throw new ConnectError(result.class, `${redacted}${tries}`, place)
    }
    const waitMs = result.retryAfterMs ?? backoffMs(policy, attempt, (options.random ?? Math.random)())
    options.onWait?.({ place, reason: redacted, attempt, waitMs })
    await options.clock.sleep(waitMs, options.signal)
  }
}

async function attemptOnce(request: HttpRequest, start: URL, options: HttpOptions): Promise<HttpResponse | Failure> {
  const timeoutMs = options.timeoutMs ?? 30_000
  const timeout = AbortSignal.timeout(timeoutMs)
  const safe = request.method === 'GET'
  let url = start
  try {
    for (let hops = 0; ; hops++) {
      const response = await fetch(url, {
        method: request.method,
        headers: request.headers ?? {},
        ...(request.body === undefined ? {} : { body: request.body }),
        redirect: 'manual',
        signal: AbortSignal.any([timeout, options.signal]),
      })
      const location = response.headers.get('location')
      if (response.status >= 300 && response.status < 400 && location !== null) {
        await response.body?.cancel()
        if (!safe || hops >= maxRedirects) {
          return failure('configuration', `the application redirects (${response.status})${safe ? ' without end' : ', which is followed for GET only'}`)
        }
        url = allowed(new URL(location, url).href, options)
        continue
      }
      return await answer(response, safe, options)
    }
  } catch (error) {
    options.signal.throwIfAborted()
    if (error instanceof ConnectError) throw error
    if (timeout.aborted) return { ...failure('transient', `no answer within ${timeoutMs} ms`), repeatable: safe }
    const { class: errorClass, code, neverSent } = classOfNetworkError(error)
    return { ...failure(errorClass, `the connection failed (${code})`), repeatable: safe || neverSent }
  }
}

async function answer(response: Response, safe: boolean, options: HttpOptions): Promise<HttpResponse | Failure> {
  const headers = Object.fromEntries(response.headers)
  const errorClass = classOfStatus(response.status)
  if (errorClass === null) return { status: response.status, headers, body: await readBody(response, options.maxBodyBytes ?? 64 * 2 ** 20) }
  await response.body?.cancel()
  return {
    ...failure(errorClass, `the application answered ${response.status}`),
    // 429 says that the request was not carried out; another error leaves that open.
    repeatable: safe || response.status === 429,
    retryAfterMs: retryAfterMs(headers['retry-after'], options.clock.nowMs(), options.maxRetryAfterMs ?? 300_000),
  }
}

async function readBody(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new ConnectError('schema', `the answer is larger than ${maxBytes} bytes: ask for smaller pages`, new URL(response.url).pathname)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function allowed(address: string, options: HttpOptions): URL {
  const url = URL.parse(address)
  if (url === null || !options.origins.has(url.origin)) {
    const where = url === null ? 'an address that is no URL' : url.origin
    const known = [...options.origins].join(', ') || 'none is configured'
    throw new ConnectError('configuration', `requests go to the configured application only (${known}), not to ${where}`, where)
  }
  if (url.username !== '' || url.password !== '') {
    throw new ConnectError('configuration', 'credentials in a URL are refused: use a secret reference', url.origin)
  }
  return url
}

const failure = (errorClass: ErrorClass, message: string): Failure => ({ class: errorClass, message, repeatable: false, retryAfterMs: null })
