import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { callDeadline } from '../../src/connect/writes/deadline.ts'
import { ConnectError, type ConnectorSession, type Mapped, type WriteSide } from '../../src/ports/connector.ts'

/** What happens to one request: it is carried out and answered, or something else. */
export type Mishap = 'ok' | 'drop-before' | 'drop-after' | 'forbid' | 'hang'

interface User {
  enabled: boolean
  /** a role counts once it is active: giving one takes two requests */
  roles: Map<string, 'listed' | 'active'>
}

/**
 * A real HTTP application with users and roles whose reads may lag behind its writes, and whose writes may go wrong in the ways that
 * matter: lost before they take effect, applied though nobody hears, refused, half done.
 *   GET, POST /names/:name, which answers and makes the user `id-of-<name>` · GET /users/:id · PUT, DELETE /users/:id/roles/:role · POST /users/:id/roles/:role/activate · POST /users/:id/enable, /disable
 */
export class WritableApp {
  readonly users = new Map<string, User>()
  /** changes that took effect, in order */
  readonly changed: string[] = []
  readonly requests: { line: string; key: string | null }[] = []
  mishap: (line: string) => Mishap = () => 'ok'
  /** so many reads of a user after a change still show it as it was */
  staleReads = 0
  readonly #stale = new Map<string, { shown: string | null; left: number }>()
  readonly #server: Server
  readonly #hanging: (() => void)[] = []

  constructor() {
    this.#server = createServer((request, response) => {
      const line = `${request.method ?? ''} ${request.url ?? ''}`
      this.requests.push({ line, key: keyOf(request) })
      const mishap = this.mishap(line)
      if (mishap === 'drop-before') return void request.socket.destroy()
      if (mishap === 'forbid') return void response.writeHead(403).end()
      const carryOut = (): { status: number; body: string } => this.#handle(line)
      if (mishap === 'hang') return void this.#hanging.push(() => void carryOut())
      const { status, body } = carryOut()
      if (mishap === 'drop-after') return void request.socket.destroy()
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  /** Requests that hung are carried out now, long after whoever sent them gave up. */
  letGo(): void {
    for (const carryOut of this.#hanging.splice(0)) carryOut()
  }

  add(id: string, ...roles: string[]): void {
    this.users.set(id, { enabled: true, roles: new Map(roles.map((role) => [role, 'active'])) })
  }

  #handle(line: string): { status: number; body: string } {
    const [, verbOfName, name] = /^(GET|POST) \/names\/([^/]+)$/.exec(line) ?? []
    if (name !== undefined) return this.#named(`id-of-${name}`, line, verbOfName === 'POST')
    const [, method = '', id = '', role, verb] = /^(\w+) \/users\/([^/]+)(?:\/roles\/([^/]+))?(?:\/(\w+))?$/.exec(line) ?? []
    const user = this.users.get(id)
    if (user === undefined) return { status: 404, body: '{}' }
    if (method === 'GET') return { status: 200, body: this.#shown(id, user) }
    const before = text(user)
    const shownBefore = this.#stale.get(id)?.shown ?? before
    if (role === undefined) user.enabled = verb === 'enable'
    else if (method === 'DELETE') user.roles.delete(role)
    else if (verb === 'activate') user.roles.set(role, 'active')
    else user.roles.set(role, user.roles.get(role) ?? 'listed')
    if (text(user) !== before) {
      this.changed.push(line)
      this.#stale.set(id, { shown: shownBefore, left: this.staleReads })
    }
    return { status: 200, body: '{}' }
  }

  /** The application gives the id; a second POST makes a second one, which the test would see in `changed`. */
  #named(id: string, line: string, makes: boolean): { status: number; body: string } {
    if (makes) {
      this.add(id)
      this.changed.push(line)
    }
    return this.users.has(id) ? { status: 200, body: JSON.stringify({ id }) } : { status: 404, body: '{}' }
  }

  #shown(id: string, user: User): string {
    const stale = this.#stale.get(id)
    if (stale === undefined || stale.left <= 0 || stale.shown === null) return text(user)
    stale.left -= 1
    return stale.shown
  }
}

const text = ({ enabled, roles }: User): string => JSON.stringify({ enabled, roles: [...roles].sort() })
const keyOf = (request: IncomingMessage): string | null => {
  const header = request.headers['idempotency-key']
  return typeof header === 'string' ? header : null
}

/** A session of a connector for it. `readsOne` false: it can't read a single account. */
export function openWritable(url: string, options: { readsOne?: boolean; writes?: boolean } = {}): Promise<ConnectorSession> {
  const { readsOne = true, writes = true } = options
  return Promise.resolve({
    streams: [{ name: 'users', classes: ['accounts', 'memberships'], proof: 'none', map: () => [], async *pages() { /* never read whole here */ } }],
    ...(readsOne ? { readOne: (id: string) => readUser(url, id) } : {}),
    ...(writes ? { write: writeSide(url) } : {}),
    close: () => Promise.resolve(),
  })
}

async function readUser(url: string, id: string): Promise<Mapped[] | null> {
  const response = await send(url, 'GET', `/users/${id}`, null)
  if (response.status === 404) return null
  const user = (await response.json()) as { enabled: boolean; roles: [string, string][] }
  const attributes = { kind: 'human', status: user.enabled ? 'active' : 'disabled', display: null, created: null, lastUsed: null, owner: null, values: {} } as const
  return [
    { piece: 'account', id, valid: null, attributes },
    ...user.roles.filter(([, state]) => state === 'active').map(([role]): Mapped => ({ piece: 'membership', account: id, ref: { kind: 'role', id: role }, valid: null })),
  ]
}

function writeSide(url: string): WriteSide {
  return {
    operations: ['create-account', 'grant', 'revoke', 'enable-account', 'disable-account'],
    located: (name) => idOf(url, name),
    steps: ({ name }) => (name === 'grant' ? ['list', 'activate'] : [name]),
    async ensure({ account, ref, name }, step, key) {
      if (name === 'create-account') {
        if ((await idOf(url, account)) !== null) return 'already'
        await send(url, 'POST', `/names/${account}`, key)
        return 'applied'
      }
      const path = ref === null ? `/users/${account}/${name === 'disable-account' ? 'disable' : 'enable'}` : `/users/${account}/roles/${ref.id}`
      const [method, to] = step === 'list' ? ['PUT', path] : step === 'activate' ? ['POST', `${path}/activate`] : ref === null ? ['POST', path] : ['DELETE', path]
      const response = await send(url, method, to, key)
      if (response.status === 403) throw new ConnectError('permission', 'the application answered 403', to)
      if (response.status === 404) throw new ConnectError('not-found', 'the application answered 404', to)
      return 'applied'
    },
  }
}

async function idOf(url: string, name: string): Promise<string | null> {
  const response = await send(url, 'GET', `/names/${name}`, null)
  return response.status === 404 ? null : ((await response.json()) as { id: string }).id
}

async function send(url: string, method: string, path: string, key: string | null): Promise<Response> {
  try {
    return await fetch(`${url}${path}`, { method, headers: key === null ? {} : { 'idempotency-key': key }, signal: callDeadline() ?? null })
  } catch (error) {
    throw new ConnectError('transient', 'the connection failed', path, { cause: error })
  }
}
