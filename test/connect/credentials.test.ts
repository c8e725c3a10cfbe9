import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { Auth, authorised } from '../../src/connect/credentials.ts'
import { createPlatform } from '../../src/connect/platform.ts'
import { ConnectError, type HttpClient, type Platform } from '../../src/ports/connector.ts'
import { HandClock, systemClock } from '../../src/runtime/clock.ts'

/** An application whose tokens can be revoked, and its token endpoint. */
interface Guarded {
  origin: string
  accepted: string
  issued: number
  expiresIn: number | undefined
  tokenRequests: { authorization: string | undefined; body: string }[]
  asked: (string | undefined)[]
  /** answers of the token endpoint go through here */
  tokenAnswer: (token: string) => { status: number; body: object }
}

let app: Guarded
let close: () => void
let baseDir: string
beforeEach(async () => {
  baseDir = mkdtempSync(join(tmpdir(), 'grantline-credentials-'))
  app = {
    origin: '', accepted: '', issued: 0, expiresIn: 3_600, tokenRequests: [], asked: [],
    tokenAnswer: (token) => ({ status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: app.expiresIn } }),
  }
  const server = createServer((request, response) => {
    if (request.url === '/token') {
      void textOf(request).then((body) => {
        app.tokenRequests.push({ authorization: request.headers.authorization, body })
        app.issued += 1
        app.accepted = `Bearer issued-token-${app.issued}`
        const answer = app.tokenAnswer(`issued-token-${app.issued}`)
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
      })
      return
    }
    const given = request.headers.authorization ?? (request.headers['x-api-key'] as string | undefined)
    app.asked.push(given)
    response.writeHead(given === app.accepted ? 200 : 401).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  app.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = () => {
    server.closeAllConnections()
    server.close()
  }
})
afterEach(() => {
  close()
  rmSync(baseDir, { recursive: true })
})

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

function platform(): Platform {
  const env = { SECRET: 'client-secret-value', KEY: 'key-value' }
  return createPlatform({ app: 'guarded', config: { url: app.origin }, clock: systemClock, signal: new AbortController().signal, env, baseDir })
}

const client = (auth: z.input<typeof Auth>, clock = new HandClock(0)): HttpClient => authorised(platform(), Auth.parse(auth), clock)
const get = (http: HttpClient) => http.request({ method: 'GET', url: `${app.origin}/users` })
const oauth = () => ({ kind: 'oauth2' as const, tokenUrl: `${app.origin}/token`, clientId: 'grantline', clientSecret: 'env:SECRET' })

describe('OAuth2 client credentials', () => {
  it('gets a token once and keeps it', async () => {
    const http = client({ ...oauth(), scope: 'read users', parameters: { audience: 'api' } })
    for (let n = 0; n < 3; n++) expect((await get(http)).status).toBe(200)
    expect(app.tokenRequests).toHaveLength(1)
    expect(new URLSearchParams(app.tokenRequests[0]!.body).get('scope')).toBe('read users')
    expect(app.tokenRequests[0]!.authorization).toBe(`Basic ${Buffer.from('grantline:client-secret-value').toString('base64')}`)
  })

  it('several that ask at once get one token', async () => {
    const http = client(oauth())
    await Promise.all([get(http), get(http), get(http)])
    expect(app.issued).toBe(1)
  })

  it('renews it shortly before its end', async () => {
    const clock = new HandClock(0)
    app.expiresIn = 60
    const http = client(oauth(), clock)
    await get(http)
    clock.advance(47_000)
    await get(http)
    expect(app.issued).toBe(1)
    clock.advance(2_000)
    await get(http)
    expect(app.issued).toBe(2)
  })

  it('a token that was revoked is renewed once, and the request sent again', async () => {
    const http = client(oauth())
    await get(http)
    app.accepted = 'Bearer issued-token-2'
    expect((await get(http)).status).toBe(200)
    expect(app.issued).toBe(2)
    expect(app.asked).toHaveLength(3)
  })

  it('an application that refuses new tokens too ends it: authentication', async () => {
    app.tokenAnswer = () => ({ status: 200, body: { access_token: 'other', expires_in: 60 } })
    await expect(get(client(oauth()))).rejects.toMatchObject({ class: 'authentication' })
    expect(app.issued).toBe(2)
  })

  it('a refused client is told without its secret', async () => {
    app.tokenAnswer = () => ({ status: 400, body: { error: 'invalid_client', error_description: 'client-secret-value' } })
    const error = await get(client({ ...oauth(), send: 'body' })).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ class: 'authentication', message: expect.stringContaining('invalid_client') as string })
    expect(JSON.stringify(error) + String(error)).not.toContain('client-secret-value')
    expect(new URLSearchParams(app.tokenRequests[0]!.body).get('client_secret')).toBe('client-secret-value')
  })
})

it('a user of a client without a secret gets tokens too (RFC 6749, 4.3), renewed like any', async () => {
  const http = client({ kind: 'oauth2-password', tokenUrl: `${app.origin}/token`, clientId: 'admin-cli', user: 'ada', password: 'env:SECRET' })
  await get(http)
  app.accepted = 'Bearer issued-token-2'
  expect((await get(http)).status).toBe(200)
  expect(app.tokenRequests.map(({ authorization, body }) => [authorization, body])).toEqual([1, 2].map(() => [undefined, 'grant_type=password&client_id=admin-cli&username=ada&password=client-secret-value']))
})

describe('secrets by reference', () => {
  it.each([
    [{ kind: 'bearer', token: 'env:KEY' } as const, 'Bearer key-value'],
    [{ kind: 'basic', user: 'u', password: 'env:KEY' } as const, `Basic ${Buffer.from('u:key-value').toString('base64')}`],
    [{ kind: 'header', name: 'X-Api-Key', secret: 'env:KEY' } as const, 'key-value'],
  ])('%j', async (auth, sent) => {
    app.accepted = sent
    expect((await get(client(auth))).status).toBe(200)
    expect(app.asked).toEqual([sent])
  })

  it('one that was rotated is read again after a refusal', async () => {
    writeFileSync(join(baseDir, 'key'), 'old-key')
    app.accepted = 'Bearer old-key'
    const http = client({ kind: 'bearer', token: 'file:key' })
    await get(http)
    writeFileSync(join(baseDir, 'key'), 'new-key')
    app.accepted = 'Bearer new-key'
    expect((await get(http)).status).toBe(200)
  })

  it('one that did not change is not tried twice', async () => {
    app.accepted = 'Bearer other'
    await expect(get(client({ kind: 'bearer', token: 'env:KEY' }))).rejects.toMatchObject({ class: 'authentication' })
    expect(app.asked).toHaveLength(1)
  })

  it('values in a config are refused', () => {
    expect(Auth.safeParse({ kind: 'bearer', token: 'hunter2' }).success).toBe(false)
  })
})
