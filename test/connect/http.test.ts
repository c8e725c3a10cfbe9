import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type HttpOptions, type HttpWait, type RequestReport, createHttpClient } from '../../src/connect/http.ts'
import { jsonBody } from '../../src/connect/json-body.ts'
import { Limiter } from '../../src/connect/throttle/limiter.ts'
import { defaultTimeouts } from '../../src/connect/transport.ts'
import { ConnectError, type HttpResponse } from '../../src/ports/connector.ts'
import type { Clock } from '../../src/runtime/clock.ts'

const servers: { close(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void

async function serve(handler: Handler): Promise<{ origin: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const server: Server = createServer((request, response) => {
    requests.push(request)
    handler(request, response, requests.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push({ close: () => { server.closeAllConnections(); server.close() } })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** Waits take no time; how long they would have taken is kept. */
function instantClock(): Clock & { slept: number[] } {
  const slept: number[] = []
  let now = 0
  return {
    slept,
    nowMs: () => Date.UTC(2026, 0, 1) + now,
    monotonicMs: () => now,
    sleep: (ms) => {
      slept.push(ms)
      now += ms
      return Promise.resolve()
    },
  }
}

function client(origin: string, options: Partial<HttpOptions> = {}) {
  const clock = instantClock()
  const waits: HttpWait[] = []
  const reports: RequestReport[] = []
  const http = createHttpClient({
    origins: new Set([origin]), clock, signal: new AbortController().signal, random: () => 0, onWait: (wait) => waits.push(wait),
    onRequest: (report) => reports.push(report), limiter: new Limiter({ clock, maxPerSecond: 1e9, initialPerSecond: 1e9 }), ...options,
  })
  return { http, clock, waits, reports }
}

async function failureOf(request: Promise<HttpResponse>): Promise<ConnectError> {
  const outcome = await request.catch((error: unknown) => error)
  if (outcome instanceof ConnectError) return outcome
  throw new Error(`expected a ConnectError, got ${JSON.stringify(outcome)}`)
}

describe('a request', () => {
  it('carries method, headers and body, and answers status, headers and body', async () => {
    const { origin, requests } = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => response.writeHead(201, { 'x-seen': request.headers['x-ask'] ?? '' }).end(body.toUpperCase()))
    })
    const { http } = client(origin)
    const response = await http.request({ method: 'POST', url: `${origin}/a?b=c`, headers: { 'x-ask': 'yes' }, body: 'grüezi' })
    expect(response).toMatchObject({ status: 201, body: 'GRÜEZI', headers: { 'x-seen': 'yes' } })
    expect(requests[0]?.url).toBe('/a?b=c')
  })

  it.each([400, 404, 409, 410, 412, 422])('answers %i, which only the connector understands', async (status) => {
    const { origin } = await serve((_request, response) => response.writeHead(status).end('why'))
    expect(await client(origin).http.request({ method: 'GET', url: origin })).toMatchObject({ status, body: 'why' })
  })

  it.each([[401, 'authentication'], [403, 'permission'], [501, 'fatal']] as const)('ends %i at once as %s', async (status, errorClass) => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(status).end())
    const error = await failureOf(client(origin).http.request({ method: 'GET', url: `${origin}/users?token=abc` }))
    expect(error).toMatchObject({ class: errorClass, place: `GET ${origin}/users` })
    expect(error.message).toContain(String(status))
    expect(requests).toHaveLength(1)
  })
})

describe('repeats', () => {
  it.each([408, 425, 500, 502, 504])('a GET after %i', async (status) => {
    const { origin, requests } = await serve((_request, response, count) => response.writeHead(count < 3 ? status : 200).end('ok'))
    const { http, clock, waits } = client(origin)
    expect((await http.request({ method: 'GET', url: origin })).body).toBe('ok')
    expect(requests).toHaveLength(3)
    expect(clock.slept).toEqual([125, 250])
    expect(waits.map(({ attempt, reason }) => [attempt, reason])).toEqual([[1, `the application answered ${status}`], [2, `the application answered ${status}`]])
  })

  it('not a POST after 503, but after 429, which says that nothing was done', async () => {
    const { origin, requests } = await serve((request, response, count) => response.writeHead(request.url === '/busy' && count === 1 ? 429 : request.url === '/busy' ? 200 : 503).end())
    const { http } = client(origin)
    expect((await http.request({ method: 'POST', url: `${origin}/busy`, body: 'x' })).status).toBe(200)
    expect(await failureOf(http.request({ method: 'POST', url: `${origin}/down`, body: 'x' }))).toMatchObject({ class: 'transient' })
    expect(requests.map(({ url }) => url)).toEqual(['/busy', '/busy', '/down'])
  })

  it('waits as long as Retry-After asks, and counts no refusal as a failed attempt', async () => {
    const answers = ['2', 'Thu, 01 Jan 2026 00:00:09 GMT', '86400', '1', '1', '1', '1', '1']
    const { origin } = await serve((_request, response, count) => {
      const after = answers[count - 1]
      if (after === undefined) response.end('ok')
      else response.writeHead(429, { 'retry-after': after, date: '' }).end()
    })
    const { http, waits, reports } = client(origin, { patienceMs: 1e9 })
    await http.request({ method: 'GET', url: origin })
    expect(waits.slice(0, 3).map(({ waitMs }) => Math.round(waitMs / 1_000))).toEqual([2, 7, 86_400])
    expect(reports).toMatchObject([{ outcome: 'ok', attempts: 9, refused: 8 }])
    expect(reports[0]!.throttledMs).toBeGreaterThan(86_400_000)
  })

  it('a refusal without any word is waited out too, until patience ends', async () => {
    const { origin, requests } = await serve((_request, response, count) => response.writeHead(count < 9 ? 429 : 200).end('ok'))
    expect((await client(origin).http.request({ method: 'POST', url: origin })).body).toBe('ok')
    expect(requests).toHaveLength(9)
    const never = await serve((_request, response) => response.writeHead(429).end())
    const error = await failureOf(client(never.origin, { patienceMs: 60_000 }).http.request({ method: 'GET', url: never.origin }))
    expect(error).toMatchObject({ class: 'throttled', message: expect.stringContaining('429') as string })
  })

  it('not where the application asks for more patience than there is: that is said at once, and nothing asked until then', async () => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(429, { 'retry-after': 'Fri, 31 Dec 2099 23:59:59 GMT' }).end())
    const { http, clock, waits } = client(origin)
    for (const reason of [/429.*: nothing is asked of it until 2026-01-02T00:00:00/, /too much to do: nothing is asked of it until 2026-01-02T00:00:00/]) {
      expect(await failureOf(http.request({ method: 'GET', url: origin }))).toMatchObject({ class: 'throttled', message: expect.stringMatching(reason) as string })
    }
    expect([requests.length, waits, clock.slept]).toEqual([1, [], []])
  })

  it('a PUT that is said to be repeatable; a write with its key is repeated by whoever knows what that means', async () => {
    const { origin, requests } = await serve((_request, response, count) => response.writeHead(count % 2 === 1 ? 502 : 200).end('ok'))
    const { http } = client(origin)
    expect((await http.request({ method: 'PUT', url: origin, repeatable: true })).status).toBe(200)
    expect(await failureOf(http.request({ method: 'POST', url: origin, headers: { 'Idempotency-Key': 'k' } }))).toMatchObject({ class: 'transient' })
    expect(requests).toHaveLength(3)
  })

  it('a 200 whose body is cut, or holds an error, is asked for again', async () => {
    const { origin, requests } = await serve((_request, response, count) => response.end(count === 1 ? '{"items": [' : count === 2 ? '{"error": "busy"}' : '{"items": []}'))
    const { http, reports } = client(origin)
    const answer = await http.request({
      method: 'GET', url: origin,
      check: (response) => {
        const body = jsonBody(response, 'users') as object
        if ('error' in body) throw new ConnectError('throttled', 'busy', 'users')
      },
    })
    expect(answer.body).toBe('{"items": []}')
    expect(requests).toHaveLength(3)
    expect(reports).toMatchObject([{ attempts: 3, refused: 1 }])
  })

  it('what a check says is for ever is not asked for again', async () => {
    const { origin, requests } = await serve((_request, response) => response.end('{}'))
    const refuse = (): void => {
      throw new ConnectError('schema', 'no list', 'users')
    }
    expect(await failureOf(client(origin).http.request({ method: 'GET', url: origin, check: refuse }))).toMatchObject({ class: 'schema' })
    expect(requests).toHaveLength(1)
  })

  it('gives up after its attempts and says how many', async () => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(503).end())
    const error = await failureOf(client(origin, { retry: { attempts: 3, baseMs: 1, maxMs: 5 } }).http.request({ method: 'GET', url: origin }))
    expect(error).toMatchObject({ class: 'transient', message: 'the application answered 503 (3 attempts)' })
    expect(requests).toHaveLength(3)
  })

  it('stops waiting when it is aborted', async () => {
    const { origin, requests } = await serve((_request, response) => response.writeHead(503).end())
    const controller = new AbortController()
    const { http } = client(origin, { signal: controller.signal, onWait: () => controller.abort(new Error('stopping')) })
    await expect(http.request({ method: 'GET', url: origin })).rejects.toThrow('stopping')
    expect(requests).toHaveLength(1)
  })
})

describe('broken connections', () => {
  it('a GET is repeated after a reset, a POST is not: it may have been carried out', async () => {
    const { origin, requests } = await serve((request, response, count) => {
      if (request.method === 'GET' && count > 1) response.end('ok')
      else request.socket.destroy()
    })
    const { http } = client(origin)
    expect((await http.request({ method: 'GET', url: origin })).body).toBe('ok')
    expect(await failureOf(http.request({ method: 'POST', url: origin, body: '{}' }))).toMatchObject({ class: 'transient' })
    expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  it('a POST is repeated where the connection was refused: it was never sent', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createTcpServer().listen(0, '127.0.0.1', () => {
        const { port: free } = server.address() as AddressInfo
        server.close(() => resolve(free))
      })
    })
    const { http, clock } = client(`http://127.0.0.1:${port}`)
    const error = await failureOf(http.request({ method: 'POST', url: `http://127.0.0.1:${port}/`, body: 'x' }))
    expect(error).toMatchObject({ class: 'transient', message: 'the connection failed (ECONNREFUSED) (5 attempts)' })
    expect(clock.slept.filter((ms) => ms > 1)).toHaveLength(4)
  })

  it('an answer that never comes, one that stops in the middle and one that trickles are time-outs', async () => {
    const { origin } = await serve((request, response) => {
      if (request.url === '/never') return
      response.writeHead(200, { 'content-length': '100' }).write('half')
      if (request.url !== '/trickle') return
      const timer = setInterval(() => response.write('.'), 100)
      response.on('close', () => clearInterval(timer))
    })
    const timeouts = { ...defaultTimeouts, headersMs: 300, bodyMs: 400, totalMs: 3_000 }
    const { http } = client(origin, { timeouts, retry: { attempts: 1, baseMs: 1, maxMs: 1 } })
    const messages = { '/never': 'no answer within 300 ms', '/half': 'the answer stopped in the middle for 400 ms', '/trickle': 'the answer was not whole after 3000 ms' }
    for (const [path, message] of Object.entries(messages)) {
      expect(await failureOf(http.request({ method: 'GET', url: origin + path }))).toMatchObject({ class: 'transient', message })
    }
  })

  it('a body that is cut short is not taken for the whole', async () => {
    const { origin } = await serve((request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => request.socket.destroy())
    })
    const { http } = client(origin, { retry: { attempts: 1, baseMs: 1, maxMs: 1 } })
    expect(await failureOf(http.request({ method: 'GET', url: origin }))).toMatchObject({ class: 'transient' })
  })

  it('a body that is not the text that it says it is, is no answer; that of a refusal is not looked at so closely', async () => {
    const { origin } = await serve((request, response) => response.writeHead(request.url === '/users' ? 200 : 404, { 'content-type': 'application/json' }).end(Buffer.from('["müller"]', 'latin1')))
    const { http } = client(origin)
    expect(await failureOf(http.request({ method: 'GET', url: `${origin}/users` }))).toMatchObject({ class: 'transient', message: 'the answer is not UTF-8 at byte 4', place: '/users' })
    expect(await http.request({ method: 'GET', url: `${origin}/users/nobody` })).toMatchObject({ status: 404, body: '["m\ufffdller"]' })
  })

  it('a body above the limit is refused, and not asked for again', async () => {
    const { origin, requests } = await serve((_request, response) => response.end('x'.repeat(5_000)))
    const error = await failureOf(client(origin, { maxBodyBytes: 1_000 }).http.request({ method: 'GET', url: origin }))
    expect(error).toMatchObject({ class: 'schema', message: expect.stringContaining('1000 bytes') as string })
    expect(requests).toHaveLength(1)
  })

  it('a body above the limit that answers a write leaves open whether it was done, and is not sent again', async () => {
    const { origin, requests } = await serve((_request, response) => response.end('x'.repeat(5_000)))
    const error = await failureOf(client(origin, { maxBodyBytes: 1_000 }).http.request({ method: 'POST', url: origin, body: '{}' }))
    expect(error).toMatchObject({ class: 'transient', message: expect.stringContaining('not known whether it was done') as string })
    expect(requests).toHaveLength(1)
  })
})

describe('an application that is down', () => {
  it('is left alone after ten failures in a row, then tried by one request', async () => {
    let up = false
    const { origin, requests } = await serve((_request, response) => response.writeHead(up ? 200 : 500).end('ok'))
    const { http, clock } = client(origin)
    const get = () => http.request({ method: 'GET', url: origin })
    for (let n = 0; n < 2; n++) expect(await failureOf(get())).toMatchObject({ message: 'the application answered 500 (5 attempts)' })
    expect(await failureOf(get())).toMatchObject({ class: 'transient', message: expect.stringContaining('left alone') as string })
    expect(requests).toHaveLength(10)
    await clock.sleep(10_000, new AbortController().signal)
    up = true
    const [first, second] = await Promise.allSettled([get(), get()])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    expect((await get()).status).toBe(200)
  })
})

describe('where requests may go', () => {
  it('nowhere but to the configured origin', async () => {
    const { origin } = await serve((_request, response) => response.end())
    const { http } = client(origin)
    for (const url of ['http://127.0.0.1:1/x', origin.replace('http:', 'https:'), origin.replace('127.0.0.1', 'localhost'), 'file:///etc/hosts', 'nonsense']) {
      expect(await failureOf(http.request({ method: 'GET', url }))).toMatchObject({ class: 'configuration' })
    }
  })

  it('follows redirects of a GET inside the origin only', async () => {
    const other = await serve((_request, response) => response.end('stolen'))
    const { origin, requests } = await serve((request, response) => {
      if (request.url === '/inside') response.writeHead(302, { location: '/end' }).end()
      else if (request.url === '/outside') response.writeHead(302, { location: `${other.origin}/` }).end()
      else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end()
      else response.end('end')
    })
    const { http } = client(origin)
    expect((await http.request({ method: 'GET', url: `${origin}/inside`, headers: { authorization: 'Bearer t' } })).body).toBe('end')
    expect(await failureOf(http.request({ method: 'GET', url: `${origin}/outside` }))).toMatchObject({ class: 'configuration' })
    expect(await failureOf(http.request({ method: 'GET', url: `${origin}/loop` }))).toMatchObject({ class: 'configuration' })
    expect(await failureOf(http.request({ method: 'POST', url: `${origin}/inside` }))).toMatchObject({ class: 'configuration' })
    expect(other.requests).toEqual([])
    expect(requests.length).toBeLessThan(12)
  })

  it.each(['teams/..', 'teams/%2e%2E/members', './x', 'teams/..?a=b', 'teams\\..'])('not to %s, which parsing would make another address', async (path) => {
    const { origin, requests } = await serve((_request, response) => response.end())
    const { http } = client(origin)
    expect(await failureOf(http.request({ method: 'DELETE', url: `${origin}/${path}` }))).toMatchObject({ class: 'schema', message: expect.stringContaining('".."') as string })
    expect(requests).toHaveLength(0)
    await http.request({ method: 'GET', url: `${origin}/teams/...?at=/../x` })
    expect(requests.map(({ url }) => url)).toEqual(['/teams/...?at=/../x'])
  })

  it('refuses credentials in the URL, without repeating them', async () => {
    const { origin } = await serve((_request, response) => response.end())
    const error = await failureOf(client(origin).http.request({ method: 'GET', url: origin.replace('//', '//user:hunter2@') }))
    expect(error.class).toBe('configuration')
    expect(error.message + error.place).not.toContain('hunter2')
  })
})
