import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/http/api-error.ts'
import type { Api } from '../../src/http/api.ts'
import { datedOf } from '../../src/http/dated-sources.ts'
import { lettersOf } from '../../src/http/letters-header.ts'
import { remoteApi } from '../../src/http/remote-api.ts'
import type { Format } from '../../src/reports/format.ts'
import { wholeText } from '../../src/reports/held-text.ts'
import { createApp, type Health, serve } from '../../src/http/server.ts'
import { Callers } from '../../src/http/callers.ts'

const calls: unknown[] = []
/** What a message of a stranger may call its source. */
const strange = 'a"b\n\u00f6\\, "c";since=1'
const api: Api = {
  report: async (name, filters, format) => {
    calls.push([name, filters, format])
    if (name === 'nothing') throw new ApiError(404, 'there is no report nothing')
    if (name === 'strange') return { text: [Buffer.from('[]\n')], cutAt: null, unknown: [], unproven: [], paused: [{ source: strange, since: 7 }], behind: [], deadLetters: [{ source: strange, letters: 2 }] }
    return { text: [Buffer.from(format === 'json' ? '[]\n' : 'a,b\r\n')], cutAt: name === 'access' ? 1_000 : null, unknown: name === 'lag' ? ['identity', 'account'] : [], unproven: name === 'access' ? [{ source: 'portal', since: 5 }, { source: 'desk', since: null }] : [], paused: name === 'access' ? [{ source: 'sold', since: 7 }] : [], behind: [], deadLetters: name === 'access' ? [{ source: 'billing', letters: 3 }, { source: 'topic/lag', letters: 1 }] : [] }
  },
  summary: async () => ({ findings: [], grants: [], sources: [], lags: [], deadLetters: [] }),
  connectors: async () => [],
  explain: async (id) => {
    throw new ApiError(404, `there is no finding ${id}`)
  },
  action: async (id) => {
    throw new ApiError(404, `there is no action ${id}`)
  },
  decideActions: async (request) => {
    calls.push(['actions', request])
    return 1
  },
  letter: async (id) => {
    throw new ApiError(404, `there is no dead letter ${id}`)
  },
  decideLetter: async (id, decision) => {
    calls.push(['decide', id, decision])
    return 'discarded'
  },
  sync: async (app) => void calls.push(['sync', app]),
  deliver: async (name, { headers, body }) => {
    if (headers['x-signature'] !== 'right') throw new ApiError(401, 'the signature is not right')
    calls.push(['deliver', name, Buffer.from(body).toString('utf8')])
  },
  rule: async (ruling) => void calls.push(['rule', ruling]),
  post: async (feed, rows) => {
    if (feed === 'elsewhere') throw new ApiError(503, 'feed elsewhere is written by another process now')
    calls.push(['post', feed, rows])
    return { accepted: rows.length, rejected: [], unknownApps: [{ app: 'sohp', rows: 1, near: 'shop' }] }
  },
}
const health: Health = {
  stalled: async () => [],
  troubles: async () => ['task/normalise/0: out of reach'],
  metrics: async () => ({ text: 'grantline_build_info 1\n', contentType: 'text/plain; version=0.0.4' }),
}
const failures: string[] = []
const onFailed = (request: string, error: Error): void => void failures.push(`${request}: ${error.message}`)
const callers = new Callers('right-token', [
  { name: 'auditors', token: 'a-token-that-reads', may: ['read'] },
  { name: 'hr-system', token: 'a-token-that-posts', may: ['post:hr'] },
  { name: 'desk', token: 'a-token-that-decides', may: ['read', 'decide'] },
  { name: 'clock', token: 'a-token-that-syncs', may: ['sync'] },
])
const app = createApp({ api, callers, health, onFailed })
const ask = (path: string, init: RequestInit = {}, token = 'right-token'): Promise<Response> =>
  Promise.resolve(app.request(path, { ...init, headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` } }))

describe('the HTTP API', () => {
  it('refuses every request under /v1 without the token, and says so as a problem', async () => {
    for (const path of ['/v1/summary', '/v1/connectors', '/v1/reports/findings', '/v1/explain/x']) {
      for (const response of [await app.request(path), await ask(path, {}, 'wrong-token'), await ask(path, {}, '')]) {
        expect(response.status).toBe(401)
        expect(await response.json()).toMatchObject({ status: 401, title: 'the bearer token is missing or wrong' })
      }
    }
    for (const path of ['/v1/apps/billing/sync', '/v1/dead-letters/3f/decision', '/v1/rulings', '/v1/feeds/hr']) {
      expect((await app.request(path, { method: 'POST', body: '[]' })).status).toBe(401)
    }
    expect(calls).toEqual([])
  })

  it('answers liveness and readiness to anyone', async () => {
    expect((await app.request('/livez')).status).toBe(200)
    const ready = await app.request('/readyz')
    expect([ready.status, await ready.text()]).toEqual([503, 'task/normalise/0: out of reach\n'])
    const hanging = createApp({ api: null, callers, health: { ...health, stalled: async () => ['task/normalise/0 stands at offset 4 since 61 s'], troubles: async () => [] }, onFailed })
    const alive = await hanging.request('/livez')
    expect([alive.status, await alive.text()]).toEqual([503, 'task/normalise/0 stands at offset 4 since 61 s\n'])
    expect((await hanging.request('/readyz')).status).toBe(200)
  })

  it('passes filters on and answers in the format asked for', async () => {
    const response = await ask('/v1/reports/findings?app=billing&format=csv')
    expect(response.headers.get('content-type')).toContain('text/csv')
    expect(calls.at(-1)).toEqual(['findings', { app: 'billing' }, 'csv'])
  })

  it('says beside a report what was read and is not in it, and that there are more rows; nothing where all is', async () => {
    const header = async (path: string): Promise<string | null> => (await ask(path)).headers.get('grantline-dead-letters')
    for (const format of ['json', 'csv', 'table']) expect(await header(`/v1/reports/access?format=${format}`)).toBe('"billing";letters=3, "topic/lag";letters=1')
    expect(await header('/v1/reports/findings')).toBe(null)
    expect((await ask('/v1/reports/access')).headers.get('grantline-cut-at')).toBe('1000')
    expect((await ask('/v1/reports/findings')).headers.get('grantline-cut-at')).toBe(null)
    const server = await serve(app, '127.0.0.1', 0)
    const remote = remoteApi(server.url, 'right-token')
    const told = async (name: string, format: Format): Promise<object> => {
      const answer = await remote.report(name, {}, format, 80)
      return { ...answer, text: await wholeText(answer.text) }
    }
    expect(await told('access', 'json')).toEqual({ text: '[]\n', cutAt: 1_000, unknown: [], unproven: [{ source: 'portal', since: 5 }, { source: 'desk', since: null }], paused: [{ source: 'sold', since: 7 }], behind: [], deadLetters: [{ source: 'billing', letters: 3 }, { source: 'topic/lag', letters: 1 }] })
    expect(await told('findings', 'csv')).toEqual({ text: 'a,b\r\n', cutAt: null, unknown: [], unproven: [], paused: [], behind: [], deadLetters: [] })
    expect(await told('lag', 'csv')).toMatchObject({ unknown: ['identity', 'account'] })
    await server.close()
  })

  it('turns a wrong question into a problem with its status', async () => {
    expect((await ask('/v1/reports/nothing')).status).toBe(404)
    expect((await ask('/v1/reports/findings?format=xml')).status).toBe(400)
    expect(await (await ask('/v1/explain/abc')).json()).toMatchObject({ status: 404, title: 'there is no finding abc' })
    expect((await ask('/v1/rulings', { method: 'POST', body: '{"source":"hr","kind":"forget"}' })).status).toBe(400)
    expect((await ask('/v1/rulings', { method: 'POST', body: 'not json' })).status).toBe(400)
    expect((await ask('/v1/dead-letters/3f')).status).toBe(404)
    expect((await ask('/v1/dead-letters/3f/decision', { method: 'POST', body: '{"decision":"discard","by":"ann"}' })).status).toBe(400)
    expect((await ask('/elsewhere')).status).toBe(404)
  })

  it('takes intent as a JSON array or as NDJSON', async () => {
    const asJson = await ask('/v1/feeds/hr', { method: 'POST', body: '[{"id":"P1"}]' })
    expect(await asJson.json()).toEqual({ accepted: 1, rejected: [], unknownApps: [{ app: 'sohp', rows: 1, near: 'shop' }] })
    await ask('/v1/feeds/hr', { method: 'POST', body: '{"id":"P1"}\n{"id":"P2"}\n', headers: { 'content-type': 'application/x-ndjson' } })
    expect(calls.at(-1)).toEqual(['post', 'hr', [{ id: 'P1' }, { id: 'P2' }]])
  })

  it('takes rows in the charset that they name, and none that are not UTF-8 and name none', async () => {
    const body = Buffer.from('[{"id":"müller"}]', 'latin1')
    expect((await ask('/v1/feeds/hr', { method: 'POST', body, headers: { 'content-type': 'application/json; charset=iso-8859-1' } })).status).toBe(200)
    expect(calls.at(-1)).toEqual(['post', 'hr', [{ id: 'müller' }]])
    const before = calls.length
    const refused = await ask('/v1/feeds/hr', { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    expect([refused.status, await refused.json()]).toMatchObject([400, { title: 'the body is not UTF-8 at byte 10' }])
    expect(calls).toHaveLength(before)
  })

  it('says that another process takes the rows', async () => {
    const response = await ask('/v1/feeds/elsewhere', { method: 'POST', body: '[{"id":"P1"}]' })
    expect([response.status, await response.json()]).toEqual([503, expect.objectContaining({ status: 503, title: 'feed elsewhere is written by another process now' })])
  })

  it('refuses a body that is too large', async () => {
    const response = await ask('/v1/feeds/hr', { method: 'POST', body: 'x'.repeat(17 * 1024 * 1024) })
    expect(response.status).toBe(413)
  })

  it('takes webhooks without the token, byte for byte, and answers only once they are kept', async () => {
    calls.length = 0
    const deliver = (signature: string, body: string) => app.request('/v1/webhooks/portal', { method: 'POST', body, headers: { 'x-signature': signature } })
    expect((await deliver('right', '{ "a":\t1 }\r\n')).status).toBe(204)
    expect((await deliver('wrong', '{}')).status).toBe(401)
    expect((await deliver('right', 'x'.repeat(2 ** 20 + 1))).status).toBe(413)
    expect((await app.request('/v1/webhooks/portal')).status).toBe(401)
    expect(calls).toEqual([['deliver', 'portal', '{ "a":\t1 }\r\n']])
  })

  it('takes decisions about actions, and refuses one without a name or a reason', async () => {
    calls.length = 0
    const approve = { decision: 'approve', ids: ['3f'], by: 'A. Kaya', why: 'asked' }
    const response = await ask('/v1/actions/decision', { method: 'POST', body: JSON.stringify(approve) })
    expect([response.status, await response.json()]).toEqual([202, { recorded: 1 }])
    for (const wrong of [{ ...approve, by: '' }, { ...approve, why: undefined }, { ...approve, ids: [] }, { decision: 'release', by: 'x', why: 'y' }, { decision: 'delete' }]) {
      expect((await ask('/v1/actions/decision', { method: 'POST', body: JSON.stringify(wrong) })).status).toBe(400)
    }
    await ask('/v1/actions/decision', { method: 'POST', body: JSON.stringify({ decision: 'release', app: 'billing', by: 'A. Kaya', why: 'sold' }) })
    expect(calls).toEqual([['actions', approve], ['actions', { decision: 'release', app: 'billing', by: 'A. Kaya', why: 'sold', until: null }]])
    expect((await ask('/v1/actions/3f')).status).toBe(404)
    expect((await app.request('/v1/actions/decision', { method: 'POST', body: '{}' })).status).toBe(401)
  })

  it('answers whatever a stranger called a source, and tells it as far as a header can', async () => {
    const response = await ask('/v1/reports/strange')
    expect(response.status).toBe(200)
    expect(datedOf(response.headers.get('grantline-paused'))).toEqual([{ source: expect.stringMatching(/^a\?b\?+c\?+since=1$/) as string, since: 7 }])
    expect(lettersOf(response.headers.get('grantline-dead-letters'))).toEqual([{ source: expect.stringMatching(/^a\?b\?+c\?+since=1$/) as string, letters: 2 }])
  })

  it('tells who runs it why a request could not be answered, and the one who asked only that', async () => {
    failures.length = 0
    const broken = createApp({ api: { ...api, summary: async () => Promise.reject(new Error('the tables are gone: /data/tables')) }, callers, health, onFailed })
    const response = await broken.request('/v1/summary', { headers: { authorization: 'Bearer right-token' } })
    expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([500, 'application/problem+json', { type: 'about:blank', status: 500, title: 'the question could not be answered; the process’s log says why' }])
    expect(failures).toEqual(['GET /v1/summary: the tables are gone: /data/tables'])
  })
})

describe('a token of the config file', () => {
  const tokens = { auditors: 'a-token-that-reads', 'hr-system': 'a-token-that-posts', desk: 'a-token-that-decides', clock: 'a-token-that-syncs' }
  type Name = keyof typeof tokens
  const bodies: Record<string, unknown> = {
    '/v1/feeds/:feed': [{ id: 'P1' }],
    '/v1/rulings': { source: 'hr', kind: 'baseline', by: 'A. Kaya', reason: 'all there' },
    '/v1/actions/decision': { decision: 'reject', ids: ['3f'], by: 'A. Kaya', why: 'no' },
    '/v1/dead-letters/:id/decision': { decision: 'retry', by: 'A. Kaya' },
  }
  const named: Record<string, string> = { feed: 'hr', app: 'billing', report: 'findings', id: '3f' }
  const by = async (name: Name, method: string, path: string): Promise<Response> =>
    ask(path.replace(/:(\w+)/g, (_, parameter: string) => named[parameter]!), method === 'GET' ? {} : { method, body: JSON.stringify(bodies[path] ?? {}) }, tokens[name])
  const routes = [...new Set(app.routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1/') && path !== '/v1/webhooks/:app').map(({ method, path }) => `${method} ${path}`))]
    .map((route) => route.split(' ') as [string, string])

  it('may do what it lists, at every place there is, and nothing else', async () => {
    const may = async (name: Name): Promise<string[]> => {
      const answers = await Promise.all(routes.map(async ([method, path]) => ({ route: `${method} ${path}`, status: (await by(name, method, path)).status })))
      expect(answers.filter(({ status }) => status === 401 || status >= 500)).toEqual([])
      return answers.flatMap(({ route, status }) => (status === 403 ? [] : [route]))
    }
    const reads = routes.flatMap(([method, path]) => (method === 'GET' ? [`GET ${path}`] : []))
    expect(reads).toHaveLength(6)
    expect(routes).toHaveLength(11)
    expect(await may('auditors')).toEqual(reads)
    expect(await may('hr-system')).toEqual(['POST /v1/feeds/:feed'])
    expect(await may('clock')).toEqual(['POST /v1/apps/:app/sync'])
    expect((await may('desk')).filter((route) => !reads.includes(route))).toEqual(['POST /v1/dead-letters/:id/decision', 'POST /v1/actions/decision', 'POST /v1/rulings'])
  })

  it('is told what it may, and reaches nothing otherwise', async () => {
    calls.length = 0
    const response = await ask('/v1/feeds/elsewhere', { method: 'POST', body: '[{"id":"P1"}]' }, tokens['hr-system'])
    expect([response.status, await response.json()]).toEqual([403, { type: 'about:blank', status: 403, title: 'token hr-system may not post:elsewhere: it may post:hr (http.tokens in the config file)' }])
    await by('auditors', 'POST', '/v1/rulings')
    await by('clock', 'GET', '/v1/reports/:report')
    expect(calls).toEqual([])
  })

  it('signs what is decided by it; the installation’s own leaves it as it was said', async () => {
    calls.length = 0
    for (const path of Object.keys(bodies).slice(1)) await by('desk', 'POST', path)
    await ask('/v1/rulings', { method: 'POST', body: JSON.stringify(bodies['/v1/rulings']) })
    expect(calls.map((call) => ((call as unknown[]).at(-1) as { by: string }).by)).toEqual([...Array<string>(3).fill('A. Kaya (token desk)'), 'A. Kaya'])
  })

  it('has a secret of its own', () => {
    const twice = [{ name: 'a', token: 'x', may: ['read' as const] }, { name: 'b', token: 'x', may: ['decide' as const] }]
    expect(() => new Callers('own', twice)).toThrow('http.tokens.b has the secret of http.tokens.a: give each token one of its own')
    expect(() => new Callers('x', twice.slice(0, 1))).toThrow('http.tokens.a has the secret of http.token: ')
  })
})
