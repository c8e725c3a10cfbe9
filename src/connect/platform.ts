import type { Clock } from '../runtime/clock.ts'
import type { Platform } from '../ports/connector.ts'
import { type HttpWait, createHttpClient } from './http.ts'
import { type Secret, type SecretSources, redact, resolveSecret } from './secrets.ts'

export interface PlatformOptions extends SecretSources {
  app: string
  /** the connector's checked config: every http(s) URL in it is an origin that requests may go to */
  config: unknown
  clock: Clock
  signal: AbortSignal
  onWait?: (wait: HttpWait) => void
}

/** What one application's connector gets to work with. */
export function createPlatform(options: PlatformOptions): Platform {
  const secrets: Secret[] = []
  return {
    app: options.app,
    baseDir: options.baseDir,
    signal: options.signal,
    http: createHttpClient({
      origins: originsOf(options.config),
      clock: options.clock,
      signal: options.signal,
      redact: (text) => redact(text, secrets),
      ...(options.onWait === undefined ? {} : { onWait: options.onWait }),
    }),
    async secret(reference) {
      const secret = await resolveSecret(reference, options)
      secrets.push(secret)
      return secret.reveal()
    },
  }
}

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
