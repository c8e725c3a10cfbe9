import { reasonOf } from '../../src/core/reason.ts'
import { ConnectError, type ErrorClass } from '../../src/ports/connector.ts'

/** Longest matching prefix of the SQLSTATE decides. */
const byState: readonly (readonly [prefix: string, errorClass: ErrorClass, next: string])[] = [
  ['28', 'authentication', 'check user, password and pg_hba.conf'],
  ['23', 'conflict', 'a constraint refused it'],
  ['42501', 'permission', 'grant the role what the statement needs'],
  ['42', 'configuration', 'correct the query'],
  ['3D', 'configuration', 'check the database’s name'],
  ['3F', 'configuration', 'check the schema’s name'],
  ['22', 'schema', 'a value did not fit what the query does with it'],
  ['25006', 'configuration', 'the query writes; only reading is possible'],
  ['25', 'transient', 'the transaction was ended'],
  ['53', 'throttled', 'the server is out of connections or memory'],
  ['08', 'transient', 'the connection was lost'],
  ['40', 'transient', 'the server rolled the transaction back'],
  ['55', 'transient', 'an object is in use'],
  ['57', 'transient', 'the server stopped the statement or the connection'],
  ['58', 'transient', 'the server’s system failed'],
]

const unreachable = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ECONNABORTED',
])

/**
 * The error's class, the server's message and the place. Messages of SQLSTATE classes 22 and 23 quote data, so only their code is kept;
 * `secrets` never pass, whatever the server puts into its message.
 */
export function postgresError(error: unknown, place: string, secrets: readonly string[]): ConnectError {
  if (error instanceof ConnectError) return error
  const code = codeOf(error)
  const message = reasonOf(error)
  const state = /^[0-9A-Z]{5}$/.test(code) && !unreachable.has(code) ? code : null
  if (state !== null) {
    const known = byState.find(([prefix]) => state.startsWith(prefix))
    const said = /^2[23]/.test(state) ? 'a value was refused' : hide(message, secrets)
    return new ConnectError(known?.[1] ?? 'fatal', `PostgreSQL: ${said} (SQLSTATE ${state}); ${known?.[2] ?? 'see the server’s log'}`, place)
  }
  if (code === 'ENOTFOUND') return new ConnectError('configuration', 'PostgreSQL: the host is not known; check its name', place)
  if (isCertificateProblem(code, message)) {
    return new ConnectError('configuration', `PostgreSQL: TLS failed: ${hide(message, secrets)}; check ssl.caFile and the host’s name`, place)
  }
  if (/SASL|password must be|SCRAM/.test(message)) {
    return new ConnectError('authentication', 'PostgreSQL: the password exchange failed; check the password', place)
  }
  if (unreachable.has(code) || /terminated|closed|timeout|timed out|not queryable|ended/i.test(message)) {
    return new ConnectError('transient', `PostgreSQL: no connection: ${hide(message, secrets)}`, place)
  }
  return new ConnectError('fatal', `PostgreSQL: ${hide(message, secrets)}`, place)
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}

function isCertificateProblem(code: string, message: string): boolean {
  return /CERT|SIGNED|TLS|ERR_SSL/.test(code) || /does not support SSL|certificate/.test(message)
}

function hide(message: string, secrets: readonly string[]): string {
  return secrets.reduce((text, secret) => (secret === '' ? text : text.replaceAll(secret, '***')), message)
}
