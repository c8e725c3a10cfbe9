import { createServer, type IncomingMessage } from 'node:http'
import type { Answer, Dialect, ListName, Shape } from '../hostile/exchange.ts'
import type { Trait } from './scenario.ts'

/** What an application answered: `GET /path?query` -> answer. Requests that are no GET are answered, and not kept. */
export type Recording = Map<string, Answer>

export interface Recorder {
  /** stands in for the application's origin */
  readonly url: string
  readonly recording: Recording
  stop(): Promise<void>
}

const passedOn = ['authorization', 'accept', 'content-type', 'cookie', 'x-api-key']
/** what fetch has undone already, and what belongs to one connection */
const dropped = new Set(['content-encoding', 'content-length', 'transfer-encoding', 'connection', 'keep-alive'])

/** Passes requests on to `origin` and keeps its answers in memory; addresses of the application in them become this one's. */
export async function startRecorder(origin: string): Promise<Recorder> {
  const recording: Recording = new Map()
  let url = ''
  const server = createServer((request, response) => {
    pass(request, origin)
      .then(({ status, headers, raw }) => {
        const own: Answer = { status, headers: rewritten(headers, origin, url), json: null, raw: raw.replaceAll(origin, url) }
        if (request.method === 'GET') recording.set(`GET ${request.url ?? '/'}`, parsed(own))
        response.writeHead(status, own.headers)
        response.end(own.raw)
      })
      .catch(() => response.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the recorder has no port')
  url = `http://127.0.0.1:${address.port}`
  return {
    url,
    recording,
    async stop() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

async function pass(request: IncomingMessage, origin: string): Promise<{ status: number; headers: Record<string, string>; raw: string }> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => passedOn.includes(name) || name.startsWith('x-')).map(([name, value]) => [name, String(value)]))
  const body = Buffer.concat(chunks)
  const response = await fetch(origin + (request.url ?? '/'), { method: request.method ?? 'GET', headers, redirect: 'manual', ...(body.length > 0 && { body }) })
  return { status: response.status, headers: Object.fromEntries(response.headers), raw: await response.text() }
}

const rewritten = (headers: Record<string, string>, from: string, to: string): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)).map(([name, value]) => [name, value.replaceAll(from, to)]))

function parsed(answer: Answer): Answer {
  try {
    const { raw, ...rest } = answer
    return { ...rest, json: JSON.parse(raw ?? '') as unknown }
  } catch {
    return answer
  }
}

/**
 * The recorded application once more, and which scenarios make sense for it: what its largest list looks like. `singles`: requests of the
 * recording that read one account.
 */
export function recordedDialect(recording: Recording, url: string, singles: ReadonlySet<string>): { dialect: Dialect; traits: Trait[] } {
  const lists = new Map<string, { pages: number; rows: number; shape: Shape }>()
  for (const [request, answer] of recording) {
    const shape = shapeOf(answer)
    if (shape === null) continue
    const path = new URL(request.slice(4), url).pathname
    const known = lists.get(path) ?? { pages: 0, rows: 0, shape }
    const rows = (shape.rows === null ? answer.json : (answer.json as Record<string, unknown>)[shape.rows]) as unknown[]
    lists.set(path, { pages: known.pages + 1, rows: known.rows + rows.length, shape: known.rows === 0 ? shape : { ...known.shape, next: known.shape.next ?? shape.next } })
  }
  const [path, list] = [...lists].sort(([, a], [, b]) => b.rows - a.rows)[0] ?? [null, null]
  if (path === null) throw new Error('no answer of the application held a list of objects: there is nothing to put faults into')
  const answer = (target: string): Answer => recording.get(`GET ${target}`) ?? { status: 404, headers: {}, json: { error: 'this was not recorded' } }
  const traits: Trait[] = ['http']
  if (list.pages > 1) traits.push('pages')
  if (list.shape.total !== null) traits.push('total')
  if (list.shape.next !== null) traits.push('chain')
  return {
    dialect: {
      name: 'recorded', shape: list.shape,
      listOf: (target: URL, method: string): ListName | null => {
        if (method !== 'GET') return null
        return singles.has(`GET ${target.pathname}${target.search}`) ? 'one' : target.pathname === path ? 'users' : null
      },
      answer: ({ method, target }) =>
        method === 'GET' ? answer(target) : { status: 200, headers: {}, json: { access_token: 'recorded', token_type: 'Bearer', expires_in: 3_600 } },
    },
    traits,
  }
}

const totals = ['total', 'totalResults', 'totalCount', 'total_count', 'count', 'size']
const nexts = ['next', 'nextCursor', 'next_cursor', 'nextPageToken', 'next_page_token', 'nextLink', '@odata.nextLink', 'next_url']
const ids = ['id', 'login', 'userName', 'username', 'uuid', 'key', 'name']

function shapeOf({ status, json, headers }: Answer): Shape | null {
  if (status !== 200 || typeof json !== 'object' || json === null) return null
  const isRows = (value: unknown): value is Record<string, unknown>[] =>
    Array.isArray(value) && value.length > 0 && value.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))
  const body = json as Record<string, unknown>
  const largest = Array.isArray(json) ? null : Object.entries(body).filter(([, value]) => isRows(value)).sort(([, a], [, b]) => (b as unknown[]).length - (a as unknown[]).length)[0]
  if (largest === undefined || (largest === null && !isRows(json))) return null
  const row = ((largest === null ? json : largest[1]) as Record<string, unknown>[])[0]!
  const id = ids.find((name) => ['string', 'number'].includes(typeof row[name]))
  if (id === undefined) return null
  const has = (names: readonly string[], type: string): string | null => (largest === null ? null : (names.find((name) => typeof body[name] === type) ?? null))
  return { rows: largest === null ? null : largest[0], total: has(totals, 'number'), next: headers['link'] === undefined ? has(nexts, 'string') : 'link', id, name: Object.keys(row).find((key) => key !== id && typeof row[key] === 'string') ?? id }
}
