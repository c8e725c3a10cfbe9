import type { Clock } from '../runtime/clock.ts'
import { ConnectError, type HttpClient, type HttpRequest, type Platform } from '../ports/connector.ts'
import { type HttpWait, type RequestReport, createHttpClient } from './http.ts'
import { Secret, type SecretSources, redact, resolveSecret } from './secrets.ts'
import { Limiter } from './throttle/limiter.ts'
import type { Timeouts } from './transport.ts'
import { callDeadline } from './writes/deadline.ts'

interface PlatformOptions extends SecretSources {
  app: string
  /** the connector's checked config: every http(s) URL in it is an origin that requests may go to */
  config: unknown
  clock: Clock
  signal: AbortSignal
  /** shared by all that is asked of the application */
  limiter?: Limiter
  /** absent: those of `transport.ts` */
  timeouts?: Timeouts
  onWait?: (wait: HttpWait) => void
  onRequest?: (report: RequestReport) => void
}

/** What one application's connector gets to work with. */
export function createPlatform(options: PlatformOptions): Platform {
  const secrets: Secret[] = []
  const { clock, signal, limiter = new Limiter({ clock }) } = options
  const known = (secret: Secret): void => {
    if (!secrets.some((other) => other.reveal() === secret.reveal())) secrets.push(secret)
  }
  const tooMuch = (error: unknown): boolean => error instanceof ConnectError && error.class === 'throttled'
  return {
    app: options.app,
    baseDir: options.baseDir,
    signal,
    paced: (call, priority = 'bulk') => limiter.run(call, tooMuch, priority, signal),
    conceal: (value) => known(new Secret(value)),
    http: boundedByCall(createHttpClient({
      origins: originsOf(options.config),
      clock,
      signal,
      limiter,
      redact: (text) => redact(text, secrets),
      ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
      ...(options.onWait === undefined ? {} : { onWait: options.onWait }),
      ...(options.onRequest === undefined ? {} : { onRequest: options.onRequest }),
    })),
    async secret(reference) {
      const secret = await resolveSecret(reference, options)
      known(secret)
      return secret.reveal()
    },
  }
}

/** The same platform, whose requests go with this priority. */
export const withPriority = (platform: Platform, priority: NonNullable<HttpRequest['priority']>): Platform => ({
  ...platform,
  http: { request: (request) => platform.http.request({ priority, ...request }) },
  paced: (call, own = priority) => platform.paced(call, own),
})

/** Requests that a write call makes end with it, and none begins after it: the one place where its deadline counts for HTTP. */
export const boundedByCall = (http: HttpClient): HttpClient => ({
  async request(request) {
    const deadline = callDeadline()
    if (deadline === undefined) return await http.request(request)
    if (deadline.aborted) throw new ConnectError('transient', 'the time to write had passed before the request was sent', request.url)
    return await http.request({ ...request, signal: request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal]) })
  },
})

/** Origins of all http(s) URLs anywhere in a config. */
export function originsOf(config: unknown): Set<string> {
  const origins = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value === 'string') {
      if (/^https?:\/\//i.test(value)) {
        const url = URL.parse(value)
        if (url !== null) origins.add(url.origin)
      }
    } else if (typeof value === 'object' && value !== null) {
      for (const item of Object.values(value)) visit(item)
    }
  }
  visit(config)
  return origins
}
