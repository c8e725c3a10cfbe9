import { z } from 'zod'
import { ConnectError, type Platform } from '../../src/ports/connector.ts'
import type { RestAuth } from './config.ts'

/** Headers that say who asks. */
export interface Credentials {
  headers(): Promise<Record<string, string>>
  /** The application refused what `headers` gave: forgets it. False where a new attempt would give the same. */
  refused(): boolean
}

export async function credentialsOf(auth: RestAuth, platform: Platform): Promise<Credentials> {
  switch (auth.kind) {
    case 'none':
      return fixed({})
    case 'header':
      return fixed({ [auth.name.toLowerCase()]: `${auth.prefix}${await platform.secret(auth.secret)}` })
    case 'basic':
      return fixed({ authorization: basic(auth.user, await platform.secret(auth.password)) })
    case 'bearer':
      return fixed({ authorization: `Bearer ${await platform.secret(auth.token)}` })
    case 'oauth2':
      return clientCredentials(auth, await platform.secret(auth.clientSecret), platform)
  }
}

const fixed = (headers: Record<string, string>): Credentials => ({ headers: () => Promise.resolve(headers), refused: () => false })

const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const TokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().min(0).optional() })

/** Part of a token's life after which another one is fetched. */
const usedShare = 0.8

/** RFC 6749, 4.4. A token is kept for most of its life, and fetched anew once the application refuses it earlier. */
function clientCredentials(auth: Extract<RestAuth, { kind: 'oauth2' }>, secret: string, platform: Platform): Credentials {
  let token: { headers: Record<string, string>; until: number } | null = null
  const fetchToken = async (): Promise<NonNullable<typeof token>> => {
    const asked = performance.now()
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(auth.scope !== undefined && { scope: auth.scope }), ...auth.parameters })
    if (auth.send === 'body') {
      form.set('client_id', auth.clientId)
      form.set('client_secret', secret)
    }
    const response = await platform.http.request({
      method: 'POST',
      url: auth.tokenUrl,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        ...(auth.send === 'basic' && { authorization: basic(encodeURIComponent(auth.clientId), encodeURIComponent(secret)) }),
      },
      body: form.toString(),
    })
    const answer = TokenAnswer.safeParse(jsonOf(response.body))
    if (response.status !== 200 || !answer.success) {
      throw new ConnectError('authentication', `the token endpoint answered ${response.status}${response.status === 200 ? ' without a token' : ''}`, 'oauth2')
    }
    const lifeMs = (answer.data.expires_in ?? 300) * 1_000
    return { headers: { authorization: `Bearer ${answer.data.access_token}` }, until: asked + lifeMs * usedShare }
  }
  return {
    async headers() {
      if (token === null || performance.now() >= token.until) token = await fetchToken()
      return token.headers
    },
    refused() {
      const had = token !== null
      token = null
      return had
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
