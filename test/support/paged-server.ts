import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ListRow {
  id: string
  name: string
}

export interface ListAnswer {
  status: number
  headers: Record<string, string>
  body: { items: ListRow[]; total?: number; start?: number; next?: string | null } | string
}

/** Bends the honest answer of the nth list request (from 1); what it returns is sent. Null: not this one. */
export type Bend = (answer: ListAnswer, request: number, url: URL) => ListAnswer | 'hang up' | null

export interface PagedServer {
  readonly origin: string
  rows: ListRow[]
  /** largest page the server gives */
  maxPage: number
  bend: Bend
  /** requests that the bend changed */
  fired: number
  /** paths with query, in order */
  readonly requests: string[]
  /** runs before each request is answered */
  before: (request: number) => void
  stop(): Promise<void>
}

export const rowsOf = (count: number): ListRow[] => Array.from({ length: count }, (_, n) => ({ id: `u${String(n).padStart(4, '0')}`, name: `user ${n}` }))

/** A real HTTP server whose list /users can be paged in every way that a strategy knows, honest until it is bent. */
export async function startPagedServer(count: number): Promise<PagedServer> {
  const state: PagedServer = {
    origin: '', rows: rowsOf(count), maxPage: 1_000, bend: () => null, fired: 0, requests: [], before: () => undefined,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = createServer((request, response) => answer(state, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(state, { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

function answer(state: PagedServer, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', state.origin)
  state.requests.push(`${url.pathname}${url.search}`)
  state.before(state.requests.length)
  const honest = honestAnswer(state, url)
  const bent = state.bend(structuredClone(honest), state.requests.length, url)
  if (bent !== null) state.fired += 1
  if (bent === 'hang up') {
    response.destroy()
    return
  }
  const { status, headers, body } = bent ?? honest
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body))
}

function honestAnswer(state: PagedServer, url: URL): ListAnswer {
  const { rows } = state
  const asked = url.searchParams
  const size = Math.min(Number(asked.get('limit') ?? 100), state.maxPage)
  const start = startOf(rows, asked, size)
  const items = asked.has('all') ? rows : rows.slice(start, start + size)
  const end = start + items.length
  const more = end < rows.length
  const next = `/users?${new URLSearchParams({ cursor: items.at(-1)?.id ?? '', limit: String(size) }).toString()}`
  return {
    status: 200,
    headers: more ? { link: `<${next}>; rel="next", </users?page=1>; rel="first"` } : {},
    body: { items, total: rows.length, next: more ? (asked.has('address') ? next : (items.at(-1)?.id ?? null)) : null },
  }
}

function startOf(rows: readonly ListRow[], asked: URLSearchParams, size: number): number {
  const behind = asked.get('after') ?? asked.get('cursor')
  if (behind !== null && behind !== '') {
    const at = rows.findIndex(({ id }) => id > behind)
    return at < 0 ? rows.length : at
  }
  if (asked.has('page')) return (Number(asked.get('page')) - 1) * size
  if (asked.has('startIndex')) return Number(asked.get('startIndex')) - 1
  return Number(asked.get('offset') ?? 0)
}
