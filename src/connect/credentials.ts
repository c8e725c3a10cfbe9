import { z } from 'zod'
import { ConnectError, type HttpClient, type HttpRequest, type Platform } from '../ports/connector.ts'
import { systemClock, type Clock } from '../runtime/clock.ts'
import { secretReference } from './secrets.ts'

export const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'a header name')

/** How requests prove who asks, as a config file says it. Secrets are references. */
export const Auth = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('bearer'), token: secretReference }),
  z.strictObject({ kind: z.literal('basic'), user: z.string(), password: secretReference }),
  z.strictObject({ kind: z.literal('header'), name: headerName, secret: secretReference, prefix: z.string().default('') }),
  z.strictObject({
    kind: z.literal('oauth2'),
    tokenUrl: z.url({ protocol: /^https?$/ }),
    clientId: z.string(),
    clientSecret: secretReference,
    scope: z.string().optional(),
    parameters: z.record(z.string(), z.string()).default({}).describe('more of the token request, as audience or resource'),
    send: z.enum(['basic', 'body']).default('basic').describe('where the token endpoint wants the client’s secret (RFC 6749, 2.3.1)'),
  }).describe('client credentials (RFC 6749, 4.4)'),
  z.strictObject({ kind: z.literal('oauth2-password'), tokenUrl: z.url({ protocol: /^https?$/ }), clientId: z.string(), user: z.string(), password: secretReference })
    .describe('a user of a client that has no secret (RFC 6749, 4.3), where an application knows nothing better'),
])
export type Auth = z.infer<typeof Auth>
type OAuth2 = Extract<Auth, { kind: 'oauth2' | 'oauth2-password' }>

/** A token is renewed this long before its end, or this share of its life: it has to last until the request arrives. */
const marginMs = 30_000
const marginShare = 0.2

/**
 * The platform's client with credentials on every request. A request that is refused with 401 is sent once more with credentials got
 * anew (a token asked for again; a reference read again, for a secret that was rotated); if they are refused too, or a secret did not
 * change, it throws `authentication`. Tokens live in memory only and are concealed like any secret.
 */
export function authorised(platform: Platform, auth: Auth, clock: Clock = systemClock): HttpClient {
  const credentials = new Credentials(platform, auth, clock)
  return {
    async request(request) {
      const used = await credentials.header()
      try {
        return await platform.http.request(withHeader(request, used))
      } catch (error) {
        if (!(error instanceof ConnectError) || error.class !== 'authentication' || used === null) throw error
        const fresh = await credentials.renewed(used)
        // an authorisation server that answers with the same token again says that it is good: then the refusal was of the moment
        if (fresh === null || (fresh.value === used.value && !isToken(auth))) throw error
        return await platform.http.request(withHeader(request, fresh))
      }
    },
  }
}

const isToken = (auth: Auth): auth is OAuth2 => auth.kind === 'oauth2' || auth.kind === 'oauth2-password'

interface Header {
  name: string
  value: string
}

const withHeader = (request: HttpRequest, header: Header | null): HttpRequest =>
  header === null ? request : { ...request, headers: { ...request.headers, [header.name]: header.value } }

class Credentials {
  readonly #platform: Platform
  readonly #auth: Auth
  readonly #clock: Clock
  #held: Header | null = null
  /** monotonic ms */
  #renewAt = Infinity
  #getting: Promise<Header | null> | null = null

  constructor(platform: Platform, auth: Auth, clock: Clock) {
    this.#platform = platform
    this.#auth = auth
    this.#clock = clock
  }

  async header(): Promise<Header | null> {
    return this.#held !== null && this.#clock.monotonicMs() < this.#renewAt ? this.#held : await this.#get()
  }

  /** Credentials got after `refused` was: whoever comes second takes what the first one got. */
  async renewed(refused: Header): Promise<Header | null> {
    if (this.#held !== null && this.#held.value !== refused.value) return this.#held
    return await this.#get()
  }

  /** Several that ask at once get the same answer. */
  async #get(): Promise<Header | null> {
    this.#getting ??= this.#make().finally(() => {
      this.#getting = null
    })
    this.#held = await this.#getting
    return this.#held
  }

  async #make(): Promise<Header | null> {
    const auth = this.#auth
    switch (auth.kind) {
      case 'none':
        return null
      case 'bearer':
        return { name: 'authorization', value: `Bearer ${await this.#platform.secret(auth.token)}` }
      case 'basic':
        return { name: 'authorization', value: this.#basic(auth.user, await this.#platform.secret(auth.password)) }
      case 'header':
        return { name: auth.name.toLowerCase(), value: `${auth.prefix}${await this.#platform.secret(auth.secret)}` }
      case 'oauth2':
      case 'oauth2-password':
        return { name: 'authorization', value: `Bearer ${await this.#token(auth)}` }
    }
  }

  async #token(auth: OAuth2): Promise<string> {
    const { form, authorization } = await this.#tokenRequest(auth)
    const response = await this.#platform.http.request({
      method: 'POST',
      url: auth.tokenUrl,
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization !== undefined && { authorization }),
      },
      body: new URLSearchParams(form).toString(),
      repeatable: true,
      priority: 'urgent',
    })
    const place = `token of ${auth.tokenUrl}`
    const body = Token.safeParse(parsed(response.body)).data
    if (response.status !== 200 || body?.access_token === undefined) {
      const why = body?.error === undefined ? '' : ` (${body.error})`
      throw new ConnectError('authentication', `the token endpoint answered ${response.status}${why}: check the client, its secret or user, and scope`, place)
    }
    this.#platform.conceal(body.access_token)
    const lifeMs = (body.expires_in ?? Infinity) * 1_000
    this.#renewAt = this.#clock.monotonicMs() + lifeMs - Math.min(marginMs, lifeMs * marginShare)
    return body.access_token
  }

  async #tokenRequest(auth: OAuth2): Promise<{ form: Record<string, string>; authorization?: string }> {
    const { clientId } = auth
    if (auth.kind === 'oauth2-password') {
      return { form: { grant_type: 'password', client_id: clientId, username: auth.user, password: await this.#platform.secret(auth.password) } }
    }
    const secret = await this.#platform.secret(auth.clientSecret)
    const form = { grant_type: 'client_credentials', ...(auth.scope !== undefined && { scope: auth.scope }), ...auth.parameters }
    if (auth.send === 'body') return { form: { ...form, client_id: clientId, client_secret: secret } }
    return { form, authorization: this.#basic(encodeURIComponent(clientId), encodeURIComponent(secret)) }
  }

  #basic(user: string, password: string): string {
    const pair = Buffer.from(`${user}:${password}`).toString('base64')
    this.#platform.conceal(pair)
    return `Basic ${pair}`
  }
}

const Token = z.object({
  access_token: z.string().min(1).optional(),
  expires_in: z.coerce.number().positive().optional(),
  error: z.string().max(80).optional(),
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
