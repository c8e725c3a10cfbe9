import { timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono, type HonoRequest } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { decodeText } from '../connect/text.ts'
import { ActionRequest } from './actions.ts'
import { ApiError } from './api-error.ts'
import { RulingRequest, type Api } from './api.ts'
import { cutHeader } from './cut-header.ts'
import { datedText } from './dated-sources.ts'
import { lettersHeader, lettersText } from './letters-header.ts'
import { LetterDecision } from './letters.ts'
import { pausedHeader } from './paused-header.ts'
import { unknownHeader } from './unknown-header.ts'
import { unprovenHeader } from './unproven-header.ts'

export interface HttpServer {
  url: string
  close(): Promise<void>
}

/** What anyone may ask of a process, without a token: it tells no content. */
export interface Health {
  /** what hangs and only a new process can help with, one line each; none: alive */
  stalled(): Promise<string[]>
  /** what is not well, one line each; none: ready */
  troubles(): Promise<string[]>
  /** of Prometheus */
  metrics(): Promise<{ text: string; contentType: string }>
}

const Format = z.enum(['json', 'csv', 'table']).default('json')
const contentTypes = { json: 'application/json', csv: 'text/csv; charset=utf-8', table: 'text/plain; charset=utf-8' }
const maxBodyBytes = 16 * 1024 * 1024
const maxWebhookBytes = 1024 * 1024

/**
 * The HTTP API. Everything under /v1 needs `Authorization: Bearer <token>`; errors are RFC 9457 problem details. Without `api` there
 * is nothing under /v1.
 *   GET  /livez, /readyz, /metrics
 *   GET  /v1/reports/<report>?…   a named report, `format=json` (default), csv or table; what was read and is not in it: `Grantline-Dead-Letters`;
 *                                 where there are more rows than its limit: `Grantline-Cut-At`; where it is empty, filters that
 *                                 name what was never seen: `Grantline-Unknown`; sources that it rests on and that had not been
 *                                 read completely by then: `Grantline-Unproven`; and that nobody reads any more: `Grantline-Paused`
 *   GET  /v1/summary
 *   GET  /v1/connectors           health of every application and feed
 *   GET  /v1/explain/<finding>
 *   GET  /v1/dead-letters/<id>
 *   POST /v1/dead-letters/<id>/decision   retry, or discard with a reason
 *   GET  /v1/actions/<id>         every change of one action
 *   POST /v1/actions/decision     approve or reject actions, release what a brake holds
 *   POST /v1/apps/<app>/sync
 *   POST /v1/feeds/<feed>         a JSON array of rows, or NDJSON
 *   POST /v1/rulings
 *   POST /v1/webhooks/<app>       no token: the application signs what it sends
 */
export function createApp(api: Api | null, token: string, health: Health): Hono {
  const app = new Hono()
  const say = (lines: readonly string[]): Response => new Response(lines.length === 0 ? 'ok\n' : `${lines.join('\n')}\n`, { status: lines.length === 0 ? 200 : 503 })
  app.get('/livez', async () => say(await health.stalled()))
  app.get('/readyz', async () => say(await health.troubles()))
  app.get('/metrics', async (context) => {
    const { text, contentType } = await health.metrics()
    return context.body(text, 200, { 'content-type': contentType })
  })
  if (api !== null) addApi(app, api, token)
  app.notFound((context) => context.json(problem(404, `there is nothing at ${context.req.path}`), 404))
  app.onError((error, context) => {
    if (error instanceof ApiError) return context.json(problem(error.status, error.message), error.status)
    if (error instanceof z.ZodError) return context.json(problem(400, z.prettifyError(error)), 400)
    return context.json(problem(500, 'the question could not be answered; the process’s log says why'), 500)
  })
  return app
}

function addApi(app: Hono, api: Api, token: string): void {
  const tooLarge = (bytes: number) => bodyLimit({ maxSize: bytes, onError: (context) => context.json(problem(413, `the body is larger than ${bytes} bytes: send it in parts`), 413) })
  app.post('/v1/webhooks/:app', tooLarge(maxWebhookBytes), async (context) => {
    const body = new Uint8Array(await context.req.arrayBuffer())
    await api.deliver(context.req.param('app'), { headers: context.req.header(), body })
    return context.body(null, 204)
  })
  app.use('/v1/*', async (context, next) => {
    if (!sameToken(context.req.header('authorization'), token)) throw new ApiError(401, 'the bearer token is missing or wrong')
    await next()
  })
  app.use('/v1/*', tooLarge(maxBodyBytes))
  app.get('/v1/explain/:id', async (context) => context.json(await api.explain(context.req.param('id'))))
  app.get('/v1/connectors', async (context) => context.json(await api.connectors()))
  app.get('/v1/summary', async (context) => context.json(await api.summary()))
  app.get('/v1/reports/:report', async (context) => {
    const { format: asked, width, ...filters } = context.req.query()
    const format = Format.parse(asked)
    const { text, cutAt, unknown, unproven, paused, deadLetters } = await api.report(context.req.param('report'), filters, format, Number(width ?? 160))
    return context.body(ReadableStream.from(text), 200, {
      'content-type': contentTypes[format],
      ...(cutAt !== null && { [cutHeader]: String(cutAt) }),
      ...(unknown.length > 0 && { [unknownHeader]: unknown.join(', ') }),
      ...(unproven.length > 0 && { [unprovenHeader]: datedText(unproven) }),
      ...(paused.length > 0 && { [pausedHeader]: datedText(paused) }),
      ...(deadLetters.length > 0 && { [lettersHeader]: lettersText(deadLetters) }),
    })
  })
  app.get('/v1/dead-letters/:id', async (context) => context.json(await api.letter(context.req.param('id'))))
  app.post('/v1/dead-letters/:id/decision', async (context) => {
    const decision = LetterDecision.parse(parseJson(await textOf(context.req)))
    return context.json({ did: await api.decideLetter(context.req.param('id'), decision) }, 202)
  })
  app.get('/v1/actions/:id', async (context) => context.json(await api.action(context.req.param('id'))))
  app.post('/v1/actions/decision', async (context) => {
    const request = ActionRequest.parse(parseJson(await textOf(context.req)))
    return context.json({ recorded: await api.decideActions(request) }, 202)
  })
  app.post('/v1/apps/:app/sync', async (context) => {
    await api.sync(context.req.param('app'))
    return context.body(null, 202)
  })
  app.post('/v1/rulings', async (context) => {
    await api.rule(RulingRequest.parse(parseJson(await textOf(context.req))))
    return context.body(null, 202)
  })
  app.post('/v1/feeds/:feed', async (context) => {
    const text = await textOf(context.req)
    const ndjson = context.req.header('content-type')?.startsWith('application/x-ndjson') ?? false
    const rows = ndjson ? text.split('\n').filter((line) => line.trim() !== '').map(parseJson) : z.array(z.unknown()).parse(parseJson(text))
    return context.json(await api.post(context.req.param('feed'), rows))
  })
}

export async function serve(app: Hono, host: string, port: number): Promise<HttpServer> {
  const server = createAdaptorServer({ fetch: app.fetch })
  await new Promise<void>((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      fail(error.code === 'EADDRINUSE' ? new Error(`http: ${host}:${port} is taken by another program; set http.port to another one, or to 0 for any`) : error)
    })
    server.listen(port, host, done)
  })
  const bound = (server.address() as AddressInfo).port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

const problem = (status: number, title: string): { type: string; status: number; title: string } => ({ type: 'about:blank', status, title })

const textOf = async (request: HonoRequest): Promise<string> =>
  decodeText(new Uint8Array(await request.arrayBuffer()), request.header('content-type'), (reason) => new ApiError(400, `the body ${reason}`))

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ApiError(400, `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Compares in constant time; lengths may differ without telling by how much. */
function sameToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header?.replace(/^Bearer /, '') ?? '')
  const wanted = Buffer.from(token)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
