import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/http/api-error.ts'
import type { Api } from '../../src/http/api.ts'
import { datedOf } from '../../src/http/dated-sources.ts'
import { lettersOf } from '../../src/http/letters-header.ts'
import { remoteApi } from '../../src/http/remote-api.ts'
import type { Format } from '../../src/reports/format.ts'
import { wholeText } from '../../src/reports/held-text.ts'
import { createApp, type Health, serve } from '../../src/http/server.ts'

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
const app = createApp(api, 'right-token', health)
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
    const hanging = createApp(null, 'right-token', { ...health, stalled: async () => ['task/normalise/0 stands at offset 4 since 61 s'], troubles: async () => [] })
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
})
