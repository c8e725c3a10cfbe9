import { createServer, type IncomingMessage } from 'node:http'
import type { Answer, Dialect, ListName, Shape } from '../hostile/exchange.ts'
import type { Trait } from './scenario.ts'

/** What an application answered: `GET /path?query` -> answer. Requests that are no GET are answered, and not kept. Its own address is `recordedOrigin`. */
type Answers = Map<string, Answer>

export interface Recording {
  answers: Answers
  /** an account that was read singly, and what was asked for it and for no list; null where none can be */
  single: { account: string; requests: ReadonlySet<string> } | null
}

export interface Recorder {
  /** stands in for the application's origin */
  readonly url: string
  readonly answers: Answers
  stop(): Promise<void>
}

const recordedOrigin = 'http://recorded.invalid'

const passedOn = ['authorization', 'accept', 'content-type', 'cookie', 'x-api-key']
/** what fetch has undone already, and what belongs to one connection */
const dropped = new Set(['content-encoding', 'content-length', 'transfer-encoding', 'connection', 'keep-alive'])

/** Passes requests on to `origin` and keeps its answers in memory; addresses of the application in what is passed back become this one's. */
export async function startRecorder(origin: string): Promise<Recorder> {
  const answers: Answers = new Map()
  let url = ''
  const server = createServer((request, response) => {
    pass(request, origin)
      .then(({ status, headers, raw }) => {
        const told: Answer = { status, headers, json: null, raw }
        if (request.method === 'GET') answers.set(`GET ${request.url ?? '/'}`, parsed(withOrigin(told, origin, recordedOrigin)))
        const own = withOrigin(told, origin, url)
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
    answers,
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
  return { status: response.status, headers: Object.fromEntries([...response.headers].filter(([name]) => !dropped.has(name))), raw: await response.text() }
}

/** The answer with another address of the application wherever it stands. */
function withOrigin({ status, headers, json, raw }: Answer, from: string, to: string): Answer {
  const own = { status, headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replaceAll(from, to)])) }
  return raw === undefined ? { ...own, json: JSON.parse(JSON.stringify(json).replaceAll(from, to)) as unknown } : { ...own, json, raw: raw.replaceAll(from, to) }
}

function parsed(answer: Answer): Answer {
  try {
    const { raw, ...rest } = answer
    return { ...rest, json: JSON.parse(raw ?? '') as unknown }
  } catch {
    return answer
  }
}

/** The recorded application once more, wherever it is asked, and which scenarios make sense for it: what its largest list looks like. */
export function recordedDialect({ answers, single }: Recording): { dialect: Dialect; traits: Trait[] } {
  const lists = new Map<string, { pages: number; rows: number; shape: Shape }>()
  for (const [request, answer] of answers) {
    const shape = shapeOf(answer)
    if (shape === null) continue
    const path = new URL(request.slice(4), recordedOrigin).pathname
    const known = lists.get(path) ?? { pages: 0, rows: 0, shape }
    const rows = (shape.rows === null ? answer.json : (answer.json as Record<string, unknown>)[shape.rows]) as unknown[]
    lists.set(path, { pages: known.pages + 1, rows: known.rows + rows.length, shape: known.rows === 0 ? shape : { ...known.shape, next: known.shape.next ?? shape.next } })
  }
  const [path, list] = [...lists].sort(([, a], [, b]) => b.rows - a.rows)[0] ?? [null, null]
  if (path === null) throw new Error('no answer of the application held a list of objects: there is nothing to put faults into')
  const answer = (target: string, host: string): Answer => {
    const told = answers.get(`GET ${target}`)
    return told === undefined ? { status: 404, headers: {}, json: { error: 'this was not recorded' } } : withOrigin(told, recordedOrigin, `http://${host}`)
  }
  const traits: Trait[] = ['http']
  if (list.pages > 1) traits.push('pages')
  if (list.shape.total !== null) traits.push('total')
  if (list.shape.next !== null) traits.push('chain')
  return {
    dialect: {
      name: 'recorded', shape: list.shape,
      listOf: (target: URL, method: string): ListName | null => {
        if (method !== 'GET') return null
        return single?.requests.has(`GET ${target.pathname}${target.search}`) === true ? 'one' : target.pathname === path ? 'users' : null
      },
      answer: ({ method, target, headers }) =>
        method === 'GET' ? answer(target, headers['host'] ?? '') : { status: 200, headers: {}, json: { access_token: 'recorded', token_type: 'Bearer', expires_in: 3_600 } },
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
