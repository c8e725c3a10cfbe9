import { z } from 'zod'
import { ConnectError, type Platform } from '../../src/ports/connector.ts'
import type { KeycloakConfig } from './config.ts'

export interface Tokens {
  /** The value of an Authorization header, good for some seconds at least. Throws ConnectError `authentication`. */
  header(): Promise<string>
  /** The last token was refused: the next one is fetched anew. */
  forget(): void
}

const Answer = z.object({ access_token: z.string().min(1), expires_in: z.number().min(1) })

/** Part of a token's life after which another one is fetched. */
const usedShare = 0.8

/** Access tokens of the reader (RFC 6749, 4.3 and 4.4), fetched when needed and kept for most of their life. */
export async function tokensOf({ baseUrl, realm, reader }: KeycloakConfig, platform: Platform): Promise<Tokens> {
  const form = reader.grant === 'password'
    ? { grant_type: 'password', client_id: reader.clientId, username: reader.username, password: await platform.secret(reader.password) }
    : { grant_type: 'client_credentials', client_id: reader.clientId, client_secret: await platform.secret(reader.clientSecret) }
  const url = `${baseUrl}/realms/${encodeURIComponent(reader.realm ?? realm)}/protocol/openid-connect/token`
  let token: { header: string; until: number } | null = null
  async function fetchToken(): Promise<NonNullable<typeof token>> {
    const asked = performance.now()
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
    const { status, body } = await platform.http.request({ method: 'POST', url, headers, body: new URLSearchParams(form).toString() })
    const answer = Answer.safeParse(status === 200 ? jsonOf(body) : null).data
    if (answer === undefined) {
      throw new ConnectError('authentication', `the token endpoint answered ${status}${status === 200 ? ' without a token' : ''}: check realm, client and secret of reader`, `token of realm ${reader.realm ?? realm}`)
    }
    platform.conceal(answer.access_token)
    return { header: `Bearer ${answer.access_token}`, until: asked + answer.expires_in * 1000 * usedShare }
  }
  return {
    async header() {
      if (token === null || performance.now() >= token.until) token = await fetchToken()
      return token.header
    },
    forget() {
      token = null
    },
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
