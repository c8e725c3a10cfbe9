import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono, type HonoRequest } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { decodeText } from '../connect/text.ts'
import { reasonOf } from '../core/reason.ts'
import { ActionRequest } from './actions.ts'
import { ApiError } from './api-error.ts'
import { RulingRequest, type Api } from './api.ts'
import { requireRight, signed, type Caller, type Callers } from './callers.ts'
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

type Server = Hono<{ Variables: { caller: Caller } }>

export interface Serving {
  /** null: there is nothing under /v1 */
  api: Api | null
  callers: Callers
  health: Health
  /** Hears of a request that could not be answered, which is told no reason: that may be anything. */
  onFailed: (request: string, error: Error) => void
}

/**
 * The HTTP API (docs/http.md). Everything under /v1 needs `Authorization: Bearer <token>`, of a token that may do it; errors are RFC 9457
 * problem details.
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
export function createApp({ api, callers, health, onFailed }: Serving): Server {
  const app: Server = new Hono()
  const say = (lines: readonly string[]): Response => new Response(lines.length === 0 ? 'ok\n' : `${lines.join('\n')}\n`, { status: lines.length === 0 ? 200 : 503 })
  app.get('/livez', async () => say(await health.stalled()))
  app.get('/readyz', async () => say(await health.troubles()))
  app.get('/metrics', async (context) => {
    const { text, contentType } = await health.metrics()
    return context.body(text, 200, { 'content-type': contentType })
  })
  if (api !== null) addApi(app, api, callers)
  app.notFound(({ req }) => problem(404, `there is nothing at ${req.path}`))
  app.onError((error, { req }) => {
    if (error instanceof ApiError) return problem(error.status, error.message)
    if (error instanceof z.ZodError) return problem(400, z.prettifyError(error))
    onFailed(`${req.method} ${req.path}`, error)
    return problem(500, 'the question could not be answered; the process’s log says why')
  })
  return app
}

function addApi(app: Server, api: Api, callers: Callers): void {
  const tooLarge = (bytes: number) => bodyLimit({ maxSize: bytes, onError: () => problem(413, `the body is larger than ${bytes} bytes: send it in parts`) })
  app.post('/v1/webhooks/:app', tooLarge(maxWebhookBytes), async (context) => {
    const body = new Uint8Array(await context.req.arrayBuffer())
    await api.deliver(context.req.param('app'), { headers: context.req.header(), body })
    return context.body(null, 204)
  })
  app.use('/v1/*', async (context, next) => {
    context.set('caller', callers.of(context.req.header('authorization')))
    if (context.req.method === 'GET') requireRight(context.get('caller'), 'read')
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
    requireRight(context.get('caller'), 'decide')
    const decision = LetterDecision.parse(parseJson(await textOf(context.req)))
    return context.json({ did: await api.decideLetter(context.req.param('id'), signed(decision, context.get('caller'))) }, 202)
  })
  app.get('/v1/actions/:id', async (context) => context.json(await api.action(context.req.param('id'))))
  app.post('/v1/actions/decision', async (context) => {
    requireRight(context.get('caller'), 'decide')
    const request = ActionRequest.parse(parseJson(await textOf(context.req)))
    return context.json({ recorded: await api.decideActions(signed(request, context.get('caller'))) }, 202)
  })
  app.post('/v1/apps/:app/sync', async (context) => {
    requireRight(context.get('caller'), 'sync')
    await api.sync(context.req.param('app'))
    return context.body(null, 202)
  })
  app.post('/v1/rulings', async (context) => {
    requireRight(context.get('caller'), 'decide')
    await api.rule(signed(RulingRequest.parse(parseJson(await textOf(context.req))), context.get('caller')))
    return context.body(null, 202)
  })
  app.post('/v1/feeds/:feed', async (context) => {
    const feed = context.req.param('feed')
    requireRight(context.get('caller'), `post:${feed}`)
    const text = await textOf(context.req)
    const ndjson = context.req.header('content-type')?.startsWith('application/x-ndjson') ?? false
    const rows = ndjson ? text.split('\n').filter((line) => line.trim() !== '').map(parseJson) : z.array(z.unknown()).parse(parseJson(text))
    return context.json(await api.post(feed, rows))
  })
}

export async function serve(app: Server, host: string, port: number): Promise<HttpServer> {
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

const problem = (status: number, title: string): Response =>
  new Response(JSON.stringify({ type: 'about:blank', status, title }), { status, headers: { 'content-type': 'application/problem+json' } })

const textOf = async (request: HonoRequest): Promise<string> =>
  decodeText(new Uint8Array(await request.arrayBuffer()), request.header('content-type'), (reason) => new ApiError(400, `the body ${reason}`))

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ApiError(400, `the body is not JSON: ${reasonOf(error)}`)
  }
}
