import { readFileSync } from 'node:fs'
import { boundedByCall } from '../../src/connect/platform.ts'
import { ConnectError, type HttpClient, type HttpRequest, type HttpResponse, type Platform } from '../../src/ports/connector.ts'

export interface TestPlatform extends Platform {
  /** every request that was made, in order */
  readonly requests: HttpRequest[]
  stop(): void
}

/**
 * A platform for tests of single connectors: global fetch without retries or limits, secrets by reference as in production. Every
 * response that arrives is handed over, whatever its status; one that does not arrive whole is a transient ConnectError.
 */
export function testPlatform(options: { app?: string; baseDir?: string } = {}): TestPlatform {
  const requests: HttpRequest[] = []
  const controller = new AbortController()
  return {
    app: options.app ?? 'app',
    baseDir: options.baseDir ?? process.cwd(),
    signal: controller.signal,
    http: boundedByCall(fetchClient(requests, controller.signal)),
    requests,
    paced: (call) => call(),
    conceal: () => undefined,
    secret: (reference) => new Promise((resolve) => resolve(resolveSecret(reference))),
    stop: () => controller.abort(),
  }
}

function fetchClient(requests: HttpRequest[], signal: AbortSignal): HttpClient {
  return {
    async request(request): Promise<HttpResponse> {
      requests.push(request)
      const { method, url, headers = {}, body, signal: own } = request
      try {
        const response = await fetch(url, { method, headers, signal: own === undefined ? signal : AbortSignal.any([signal, own]), redirect: 'manual', ...(body !== undefined && { body }) })
        return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
      } catch (error) {
        throw new ConnectError('transient', `no whole response: ${String(error)}`, url, { cause: error })
      }
    },
  }
}

function resolveSecret(reference: string): string {
  if (reference.startsWith('file:')) return readFileSync(reference.slice('file:'.length), 'utf8').trim()
  const value = reference.startsWith('env:') ? process.env[reference.slice('env:'.length)] : undefined
  if (value === undefined) throw new ConnectError('configuration', `the secret ${reference} is not set`, reference)
  return value
}
