import { createServer, type ServerResponse } from 'node:http'

export type Answer = { status?: number; body: unknown } | { raw: string; declaredBytes?: number } | 'hang up'
export type Handler = (url: URL) => Answer

export interface HostileServer {
  readonly baseUrl: string
  handler: Handler
  stop(): Promise<void>
}

/** A real HTTP server on loopback that answers what a test wants, faults included. */
export async function startHostileServer(): Promise<HostileServer> {
  let handler: Handler = () => ({ status: 500, body: {} })
  const server = createServer((request, response) => {
    answer(response, handler(new URL(request.url ?? '/', 'http://localhost')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return {
    baseUrl: `http://127.0.0.1:${address.port}/scim`,
    get handler() {
      return handler
    },
    set handler(next) {
      handler = next
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(response: ServerResponse, what: Answer): void {
  if (what === 'hang up') {
    response.destroy()
  } else if ('raw' in what) {
    const length = what.declaredBytes ?? Buffer.byteLength(what.raw)
    response.writeHead(200, { 'content-type': 'application/scim+json', 'content-length': String(length) })
    response.write(what.raw, () => (what.declaredBytes === undefined ? response.end() : response.destroy()))
  } else {
    response.writeHead(what.status ?? 200, { 'content-type': 'application/scim+json' })
    response.end(JSON.stringify(what.body))
  }
}

const listSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
export const errorBody = (status: number, more: object = {}): object => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), ...more,
})

/** An honest page by index, as RFC 7644 has it; `over` is where a test bends it. */
export function indexPage(rows: readonly object[], url: URL, over: object = {}): Answer {
  const start = Math.max(1, Number(url.searchParams.get('startIndex') ?? '1'))
  const page = rows.slice(start - 1, start - 1 + Number(url.searchParams.get('count') ?? '100'))
  return { body: { schemas: [listSchema], totalResults: rows.length, startIndex: start, itemsPerPage: page.length, Resources: page, ...over } }
}

/** An honest page by cursor: the cursor is the position. */
export function cursorPage(rows: readonly object[], url: URL, over: object = {}): Answer {
  const start = Number(url.searchParams.get('cursor') ?? '0')
  const end = start + Number(url.searchParams.get('count') ?? '100')
  const next = end < rows.length ? { nextCursor: String(end) } : {}
  return { body: { schemas: [listSchema], totalResults: rows.length, ...next, Resources: rows.slice(start, end), ...over } }
}

export const people = (count: number, more: (n: number) => object = () => ({})): object[] =>
  Array.from({ length: count }, (_, n) => ({ id: `u${n}`, userName: `user ${n}`, ...more(n) }))
