import { Agent, type Response, fetch } from 'undici'
import { ConnectError, type ErrorClass, type HttpRequest, type HttpResponse } from '../ports/connector.ts'
import { holdsStep } from './address.ts'
import { classOfNetworkError, classOfStatus } from './classify.ts'
import { decodeText } from './text.ts'

export interface Timeouts {
  /** until the connection stands, TLS included */
  connectMs: number
  /** from there until the answer's headers */
  headersMs: number
  /** between two pieces of the body */
  bodyMs: number
  /** for everything: an answer that trickles is no answer */
  totalMs: number
}

export const defaultTimeouts: Timeouts = { connectMs: 10_000, headersMs: 60_000, bodyMs: 30_000, totalMs: 300_000 }

interface TransportOptions {
  /** `https://host:port`; requests go nowhere else */
  origins: ReadonlySet<string>
  signal: AbortSignal
  timeouts: Timeouts
  maxBodyBytes: number
}

interface Failure {
  class: ErrorClass
  message: string
  /** sending again can do no harm */
  repeatable: boolean
  status: number | null
  headers: Readonly<Record<string, string>>
}

export type Attempt = HttpResponse | Failure
export const isFailure = (attempt: Attempt): attempt is Failure => 'class' in attempt

const maxRedirects = 5

/** Sends a request once. A failure is an answer of this function; what can't be sent anywhere throws ConnectError. */
export class Transport {
  readonly #options: TransportOptions
  readonly #agent: Agent

  constructor(options: TransportOptions) {
    const { connectMs, headersMs, bodyMs } = options.timeouts
    this.#options = options
    this.#agent = new Agent({ connect: { timeout: connectMs }, headersTimeout: headersMs, bodyTimeout: bodyMs, keepAliveTimeout: 10_000 })
  }

  async send(request: HttpRequest): Promise<Attempt> {
    const { signal, timeouts } = this.#options
    const total = AbortSignal.timeout(timeouts.totalMs)
    const safe = isSafe(request)
    try {
      return await this.#follow(request, AbortSignal.any([total, signal, ...(request.signal === undefined ? [] : [request.signal])]), safe)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof ConnectError) throw error
      if (request.signal?.aborted === true) return { ...failure('transient', 'the request was given up: its time had passed'), repeatable: false }
      if (total.aborted) return { ...failure('transient', `the answer was not whole after ${timeouts.totalMs} ms`), repeatable: safe }
      const { class: errorClass, code, neverSent } = classOfNetworkError(error)
      return { ...failure(errorClass, describe(code, timeouts)), repeatable: safe || neverSent }
    }
  }

  async #follow(request: HttpRequest, signal: AbortSignal, safe: boolean): Promise<Attempt> {
    let url = this.allowed(request.url)
    for (let hops = 0; ; hops++) {
      const response = await fetch(url, {
        method: request.method,
        headers: request.headers ?? {},
        ...(request.body === undefined ? {} : { body: request.body }),
        redirect: 'manual',
        signal,
        dispatcher: this.#agent,
      })
      const location = response.headers.get('location')
      if (response.status < 300 || response.status >= 400 || location === null) return await this.#answer(response, url, safe)
      await response.body?.cancel()
      if (request.method !== 'GET' || hops >= maxRedirects) {
        return failure('configuration', `the application redirects (${response.status})${request.method === 'GET' ? ' without end' : ', which is followed for GET only'}`)
      }
      const target = this.allowed(new URL(location, url).href)
      if (target.origin !== url.origin) return failure('configuration', `the application redirects to another origin (${target.origin}), where its credentials don't belong`)
      url = target
    }
  }

  async #answer(response: Response, url: URL, safe: boolean): Promise<Attempt> {
    const headers = Object.fromEntries(response.headers)
    const { status } = response
    const errorClass = classOfStatus(status)
    if (errorClass === null) return { status, headers, body: textOf(await readBody(response, url, this.#options.maxBodyBytes, safe), response, url) }
    await response.body?.cancel()
    // 429 and 401 say that the request was not carried out; another error leaves that open.
    return { ...failure(errorClass, `the application answered ${status}`), repeatable: safe || status === 429, status, headers }
  }

  /** The address, if requests may go there. Throws ConnectError: `configuration`, and `schema` where parsing would make it another one. */
  allowed(address: string): URL {
    const { origins } = this.#options
    const url = URL.parse(address)
    if (url === null || !origins.has(url.origin)) {
      const where = url === null ? 'an address that is no URL' : url.origin
      const known = [...origins].join(', ') || 'none is configured'
      throw new ConnectError('configuration', `requests go to the configured application only (${known}), not to ${where}`, where)
    }
    if (url.username !== '' || url.password !== '') {
      throw new ConnectError('configuration', 'credentials in a URL are refused: use a secret reference', url.origin)
    }
    if (holdsStep(address)) throw new ConnectError('schema', 'an address with "." or ".." in its path would be that of something else', url.origin)
    return url
  }
}

/** Whether the request may be sent again though nobody knows if it was carried out. */
export const isSafe = ({ method, repeatable }: HttpRequest): boolean => method === 'GET' || repeatable === true

/** Of what may have been carried out by then nobody may be told that it was refused. */
async function readBody(response: Response, url: URL, maxBytes: number, safe: boolean): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      throw safe
        ? new ConnectError('schema', `the answer is larger than ${maxBytes} bytes: ask for smaller pages`, url.pathname)
        : new ConnectError('transient', `the answer is larger than ${maxBytes} bytes, so it is not known whether it was done`, url.pathname)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Damaged text would be taken for other people's names: it is an answer as broken as half a document. Of a refusal the status says enough. */
function textOf(bytes: Buffer, { status, headers }: Response, url: URL): string {
  if (status >= 400) return bytes.toString('utf8')
  return decodeText(bytes, headers.get('content-type') ?? undefined, (reason) => new ConnectError('transient', `the answer ${reason}`, url.pathname))
}

function describe(code: string, { connectMs, headersMs, bodyMs }: Timeouts): string {
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${connectMs} ms`
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return `no answer within ${headersMs} ms`
  if (code === 'UND_ERR_BODY_TIMEOUT') return `the answer stopped in the middle for ${bodyMs} ms`
  return `the connection failed (${code})`
}

const failure = (errorClass: ErrorClass, message: string): Failure => ({ class: errorClass, message, repeatable: false, status: null, headers: {} })
