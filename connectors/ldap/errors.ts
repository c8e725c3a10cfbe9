import { ResultCodeError } from 'ldapts'
import { ConnectError, type ErrorClass } from '../../src/ports/connector.ts'

/** Result codes of RFC 4511, appendix A. What is not listed is told as `schema`: the server refused, and the text says why. */
const byCode: Readonly<Record<number, readonly [errorClass: ErrorClass, what: string]>> = {
  1: ['transient', 'the server failed at the operation'],
  3: ['partial', 'the server’s time limit ended the answer: raise it for the reader, or narrow base and filter'],
  4: ['partial', 'the server’s size limit ended the answer: raise it for the reader (slapd: limits … size.prtotal=unlimited)'],
  7: ['configuration', 'the way of authentication is not supported'],
  8: ['configuration', 'the server demands a stronger authentication: use ldaps or startTls'],
  10: ['partial', 'the server refers to another one for this: read that one as an application of its own'],
  11: ['partial', 'an administrative limit of the server ended the answer: raise it for the reader, or index what the filter uses'],
  12: ['configuration', 'the server does not support a control'],
  13: ['configuration', 'the server demands encryption: use ldaps or startTls'],
  32: ['not-found', 'there is no such entry'],
  48: ['authentication', 'the server does not accept this authentication'],
  49: ['authentication', 'the bind was refused: check bindDn and password'],
  50: ['permission', 'the reader may not do this'],
  51: ['transient', 'the server is busy'],
  52: ['transient', 'the server is not available'],
  53: ['permission', 'the server is unwilling'],
  68: ['conflict', 'the entry exists'],
}

export const codes = { noSuchAttribute: 16, valueExists: 20, noSuchObject: 32, objectClassViolation: 65, notAllowedOnNonLeaf: 66, entryExists: 68 } as const

/** Any error of the client as a ConnectError. What is no result of the server is the connection’s: transient. */
export function ldapError(error: unknown, place: string): ConnectError {
  if (error instanceof ConnectError) return error
  if (error instanceof ResultCodeError) return resultError(error.code, error.message.replace(/\s*Code: 0x[0-9a-f]+$/, ''), place, error)
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  if (/CERT|SIGNED|TLS|ERR_SSL/.test(code)) return new ConnectError('configuration', `LDAP: TLS failed (${code}): check caFile and the host’s name`, place)
  if (code === 'ENOTFOUND') return new ConnectError('configuration', 'LDAP: the host is not known: check url', place)
  return new ConnectError('transient', `LDAP: no connection or no whole answer${code === '' ? '' : ` (${code})`}: ${message}`, place)
}

export function resultError(code: number, said: string, place: string, cause?: unknown): ConnectError {
  const [errorClass, what] = byCode[code] ?? ['schema', 'the server refused']
  const detail = said.trim() === '' ? '' : `; it says: ${said.trim().slice(0, 200)}`
  return new ConnectError(errorClass, `LDAP: ${what} (result ${code})${detail}`, place, { cause })
}

/** The server’s result code behind an error, null where there is none. */
export const codeOf = (error: unknown): number | null => (error instanceof ResultCodeError ? error.code : null)
