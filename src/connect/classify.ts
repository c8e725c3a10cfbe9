import type { ErrorClass } from '../ports/connector.ts'

/** What an HTTP status says about what to do; null where the answer is of use to the connector. */
export function classOfStatus(status: number): ErrorClass | null {
  if (status === 401) return 'authentication'
  if (status === 403) return 'permission'
  if (status === 429) return 'throttled'
  if (status === 408 || status === 425 || status >= 500) return status === 501 ? 'fatal' : 'transient'
  return null
}

/** Errors of the network before any byte of the request left: sending again can't do a thing twice. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])
const certificate = /^(CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/

interface NetworkError {
  class: ErrorClass
  code: string
  neverSent: boolean
}

/** fetch hides the reason in `cause`, several deep where many addresses were tried. */
export function classOfNetworkError(error: unknown): NetworkError {
  const code = codeOf(error, 0) ?? 'unknown'
  return { class: certificate.test(code) ? 'configuration' : 'transient', code, neverSent: neverSent.has(code) }
}

function codeOf(error: unknown, depth: number): string | null {
  if (!(error instanceof Error) || depth > 4) return null
  const code = (error as NodeJS.ErrnoException).code
  if (typeof code === 'string') return code
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause
  return codeOf(inner, depth + 1)
}
