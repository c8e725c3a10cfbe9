import { pathSegment } from '../../src/connect/address.ts'
import { parseExpression, ExpressionError } from '../../src/connect/declared/expression.ts'
import { parseExactJson, parseJson, writeJson } from '../../src/connect/declared/json.ts'
import { authorised } from '../../src/connect/credentials.ts'
import { parseTemplate } from '../../src/connect/declared/template.ts'
import { ConnectError, type ErrorClass, type HttpRequest, type HttpResponse, type Platform } from '../../src/ports/connector.ts'
import type { RestConfig } from './config.ts'

/** What the application answered, its body read as JSON (null where it has none). */
export interface Answer {
  status: number
  headers: Readonly<Record<string, string>>
  body: unknown
}

export interface ApiRequest {
  method: HttpRequest['method']
  url: string
  headers?: Readonly<Record<string, string>>
  body?: unknown
}

/** Requests as this application wants them. */
export interface Api {
  /** Any answer that the platform lets through; `exact`: of which something is to be written back. Throws ConnectError. */
  send(request: ApiRequest, place: string, exact?: boolean): Promise<Answer>
  /** URL of a path template with its query, every value encoded. Throws ConnectError `schema` for one that no path can hold. */
  url(path: string, query: Readonly<Record<string, string>>, variables: Readonly<Record<string, unknown>>): string
  /** An address that the application gave, where it is its own. Throws ConnectError `schema`. */
  own(address: string, place: string): string
}

export async function openApi(config: RestConfig, platform: Platform): Promise<Api> {
  const http = authorised(platform, config.auth)
  const origin = new URL(config.baseUrl).origin
  const request = async ({ method, url, headers, body }: ApiRequest): Promise<HttpResponse> =>
    await http.request({
      method,
      url,
      headers: {
        accept: 'application/json',
        ...lowered(config.headers),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...lowered(headers ?? {}),
      },
      ...(body !== undefined && { body: writeJson(body) }),
    })
  return {
    async send(asked, place, exact = false) {
      const response = await request(asked)
      return { status: response.status, headers: response.headers, body: bodyOf(response, place, exact ? parseExactJson : parseJson) }
    },
    url(path, query, variables) {
      const names = Object.keys(variables)
      const address = `${config.baseUrl}${parseTemplate(path, names).text(variables, inAddress(path))}`
      const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, parseTemplate(value, names).text(variables)]))
      return parameters.size === 0 ? address : `${address}${address.includes('?') ? '&' : '?'}${parameters.toString()}`
    },
    own(address, place) {
      if (URL.parse(address)?.origin === origin) return address
      throw new ConnectError('schema', 'the next page is said to be at another host: it is not asked there', place)
    },
  }
}

/** A value in a path is one segment of it, or a part of one; in a query, which a path may bring along, it may be anything. */
const inAddress = (template: string) => (value: string, before: string): string =>
  before.includes('?') ? encodeURIComponent(value) : pathSegment(value, template)

const lowered = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

function bodyOf(response: HttpResponse, place: string, parse: (text: string) => unknown): unknown {
  if (response.body.trim() === '') return null
  try {
    return parse(response.body)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    if (response.status >= 400) return null
    throw new ConnectError('transient', 'the answer is not whole JSON: it was cut, or comes from something in between', place)
  }
}

/** The class of an answer's status; below 300 the answer is good. */
export function classOfAnswer(status: number): ErrorClass | null {
  if (status < 300) return null
  if (status === 401) return 'authentication'
  if (status === 403) return 'permission'
  if (status === 404 || status === 410) return 'not-found'
  if (status === 409 || status === 412) return 'conflict'
  if (status === 429) return 'throttled'
  if (status === 408 || (status >= 500 && status !== 501)) return 'transient'
  return status < 400 ? 'configuration' : 'schema'
}

/** Throws where the answer is no good one. */
export function good(answer: Answer, place: string): Answer {
  const errorClass = classOfAnswer(answer.status)
  if (errorClass === null) return answer
  throw new ConnectError(errorClass, `the application answered ${answer.status}`, place)
}

/** A compiled expression over answers. Throws ConnectError `schema` where the answer has another shape. */
export function ofAnswer<V>(source: string, names: readonly string[], read: (value: unknown) => V | undefined, expected: string): (variables: object, place: string) => V {
  const parsed = parseExpression(source, names)
  return (variables, place) => {
    let value: unknown
    try {
      value = parsed.evaluate(variables as Readonly<Record<string, unknown>>)
    } catch (error) {
      if (error instanceof ExpressionError) throw new ConnectError('schema', `the answer has another shape: ${error.message}`, place)
      throw error
    }
    const result = read(value)
    if (result === undefined) throw new ConnectError('schema', `the answer has another shape: ${source}: expected ${expected}`, place)
    return result
  }
}

export const flag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)
export const list = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? (value as unknown[]) : undefined)

/** Null where there is none. */
export function text(value: unknown): string | null | undefined {
  if (value === null || value === undefined || value === '') return null
  if (typeof value === 'string') return value
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined
}

export function count(value: unknown): number | null | undefined {
  if (value === null || value === undefined) return null
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}
