import { pathSegment } from '../../src/connect/address.ts'
import { authorised, type Auth } from '../../src/connect/credentials.ts'
import { jsonBody } from '../../src/connect/json-body.ts'
import { ConnectError, type ErrorClass, type HttpRequest, type HttpResponse, type Platform } from '../../src/ports/connector.ts'
import type { KeycloakConfig } from './config.ts'

export type Query = Readonly<Record<string, string | number | boolean>>

/** The admin API of one realm. Paths are relative to it; every part of a path is already encoded. Every error is a ConnectError. */
export interface AdminApi {
  /** Null where the server answers that there is no such thing. */
  get(path: string, query: Query, place: string): Promise<unknown>
  /** What the server answered about a change: a status below 300, 404 or 409. */
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, place: string): Promise<{ status: number; headers: Record<string, string> }>
}

export function openAdminApi(config: KeycloakConfig, platform: Platform): AdminApi {
  const http = authorised(platform, authOf(config))
  const root = `${config.baseUrl}/admin/realms/${pathSegment(config.realm, 'realm')}`
  const asked = async (request: HttpRequest, place: string): Promise<HttpResponse> =>
    checked(await http.request({ ...request, headers: { accept: 'application/json', ...request.headers } }), place)
  return {
    async get(path, query, place) {
      const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
      const url = `${root}${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`
      const response = await asked({ method: 'GET', url }, place)
      if (response.status === 404) return null
      const answer = jsonBody(response, place)
      if (answer === null) throw new ConnectError('schema', 'the answer is null', place)
      return answer
    },
    async send(method, path, body, place) {
      const json = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
      const response = await asked({ method, url: `${root}${path}`, ...json }, place)
      // Whoever answers 200 with a web page is not Keycloak.
      if (response.status === 200) jsonBody(response, place)
      return { status: response.status, headers: response.headers }
    },
  }
}

function authOf({ baseUrl, realm, reader }: KeycloakConfig): Auth {
  const tokenUrl = `${baseUrl}/realms/${pathSegment(reader.realm ?? realm, 'realm')}/protocol/openid-connect/token`
  const { clientId } = reader
  if (reader.grant === 'password') return { kind: 'oauth2-password', tokenUrl, clientId, user: reader.username, password: reader.password }
  return { kind: 'oauth2', tokenUrl, clientId, clientSecret: reader.clientSecret, parameters: {}, send: 'body' }
}

function checked(response: HttpResponse, place: string): HttpResponse {
  const { status } = response
  if (status < 300 || status === 404 || status === 409) return response
  throw new ConnectError(classOf(status), `Keycloak answered ${status}${saidIn(response.body)}`, place)
}

function classOf(status: number): ErrorClass {
  if (status === 401) return 'authentication'
  if (status === 403) return 'permission'
  if (status === 429) return 'throttled'
  if (status === 408 || status >= 500) return 'transient'
  return status < 400 ? 'configuration' : 'schema'
}

/** Keycloak's own words, without the values that it quotes. */
function saidIn(body: string): string {
  const said = /"(?:errorMessage|error_description|error)"\s*:\s*"([^"\\]{1,200})"/.exec(body)?.[1]
  return said === undefined ? '' : `: ${said}`
}
