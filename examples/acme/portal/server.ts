import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { PortalUser, type PortalStore } from './store.ts'

/**
 * The manufacturing portal's bespoke admin API, on loopback:
 *   GET    /admin/v2/users?page=1&per_page=200      { items, page, total }
 *   GET    /admin/v2/users/:login                   the user with its direct groups
 *   PUT    /admin/v2/users/:login                   create or replace
 *   DELETE /admin/v2/users/:login
 *   GET    /admin/v2/groups?page=1&per_page=200     { items, page, total }: members, subgroups and permissions
 *   PUT    /admin/v2/groups/:id/members/:login      and DELETE
 *   GET    /admin/v2/events?after=0                 { items: [{ seq, login }], last }
 * Every request carries X-Admin-Key.
 */
export interface Portal {
  url: string
  store: PortalStore
  /** The next requests of this page of this list answer 500, until null: what a half-broken portal does. */
  breakPage: (page: { list: 'users' | 'groups'; page: number } | null) => void
  close: () => Promise<void>
}

export async function startPortal(store: PortalStore, options: { port: number; adminKey: string }): Promise<Portal> {
  let broken: { list: string; page: number } | null = null
  const server = createServer((request, response) => {
    handle(request, response, store, options.adminKey, () => broken).catch((error: unknown) => {
      send(response, 500, { error: error instanceof Error ? error.message : String(error) })
    })
  })
  await listen(server, options.port)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    store,
    breakPage: (page) => {
      broken = page
    },
    close: () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      fail(error.code === 'EADDRINUSE' ? new Error(`the example's portal can't listen on 127.0.0.1:${port}: another program does. Stop it (\`npm start\` may be running already), or give the portal another port in examples/acme: start.ts, grantline.yaml and portal/rest.yaml name it`) : error)
    })
    server.listen(port, '127.0.0.1', done)
  })
}

const Paging = z.object({ page: z.coerce.number().int().min(1).default(1), per_page: z.coerce.number().int().min(1).max(500).default(200) })

async function handle(request: IncomingMessage, response: ServerResponse, store: PortalStore, adminKey: string, broken: () => { list: string; page: number } | null): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const [, admin, version, kind, id, members, login] = url.pathname.split('/').map(decodeURIComponent)
  if (admin !== 'admin' || version !== 'v2') return send(response, 404, { error: 'no such resource' })
  if (!sameKey(request.headers['x-admin-key'], adminKey)) return send(response, 401, { error: 'X-Admin-Key is missing or wrong' })

  if (request.method === 'GET' && (kind === 'users' || kind === 'groups') && id === undefined) {
    const { page, per_page } = Paging.parse(Object.fromEntries(url.searchParams))
    if (broken()?.list === kind && broken()?.page === page) return send(response, 500, { error: 'the index of this page is being rebuilt' })
    const all: readonly unknown[] = kind === 'users' ? store.users() : store.groups()
    return send(response, 200, { items: all.slice((page - 1) * per_page, page * per_page), page, total: all.length })
  }
  if (request.method === 'GET' && kind === 'events') {
    const after = z.coerce.number().int().min(0).default(0).parse(url.searchParams.get('after') ?? undefined)
    return send(response, 200, { items: store.eventsAfter(after), last: store.lastSeq() })
  }
  if (kind === 'users' && id !== undefined) {
    if (request.method === 'PUT') {
      store.putUser(PortalUser.parse({ ...(JSON.parse(await body(request)) as object), login: id }))
      return send(response, 200, store.user(id))
    }
    const user = store.user(id)
    if (user === undefined) return send(response, 404, { error: `no user ${id}` })
    if (request.method === 'GET') return send(response, 200, user)
    if (request.method === 'DELETE') {
      store.deleteUser(id)
      return send(response, 204, null)
    }
  }
  if (kind === 'groups' && id !== undefined && members === 'members' && login !== undefined && (request.method === 'PUT' || request.method === 'DELETE')) {
    const known = store.setMember(id, login, request.method === 'PUT')
    return known ? send(response, 204, null) : send(response, 404, { error: `no group ${id}` })
  }
  return send(response, 405, { error: 'not supported here' })
}

function send(response: ServerResponse, status: number, content: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(content === null ? undefined : JSON.stringify(content))
}

async function body(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > 1_000_000) throw new Error('the body is larger than 1 MB')
  }
  return text
}

function sameKey(given: string | string[] | undefined, wanted: string): boolean {
  if (typeof given !== 'string' || given.length !== wanted.length) return false
  return timingSafeEqual(Buffer.from(given), Buffer.from(wanted))
}
