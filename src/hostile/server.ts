import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Answer, Asked, Dialect } from './exchange.ts'
import type { Fault } from './fault.ts'

interface HostileServer {
  readonly url: string
  /** every request that came, in order, whatever became of it */
  readonly asked: readonly Asked[]
  /** requests that have neither been answered nor given up */
  readonly unanswered: number
  /** These faults from now on, and counting of requests begins again. */
  arm(faults: readonly Fault[]): void
  stop(): Promise<void>
}

const maxBodyBytes = 1_000_000

/** The application on loopback, behind its faults. The first fault that has something to do to an exchange does it. */
export async function startHostile(dialect: Dialect, options: { port?: number } = {}): Promise<HostileServer> {
  const asked: Asked[] = []
  const counts = new Map<string | null, number>()
  const previous = new Map<string | null, Answer>()
  let faults: readonly Fault[] = []

  const exchange = (request: Omit<Asked, 'nth'>): Answer => {
    const list = dialect.listOf(request.url, request.method)
    const before = counts.get(list) ?? 0
    const isCount = dialect.isCount?.(request.url) === true
    const nth = isCount ? Math.max(0, before - 1) : before
    counts.set(list, isCount ? before : before + 1)
    const one: Asked = { ...request, nth }
    asked.push(one)
    let told: Answer | null = null
    const honest = (): Answer => structuredClone((told ??= dialect.answer(one)))
    for (const fault of faults) {
      const answer = fault.apply({ asked: one, honest, shape: dialect.shape, previous: isCount ? null : (previous.get(list) ?? null) }, list)
      if (answer === null) continue
      if (answer.status === 200 && !isCount) previous.set(list, answer)
      return answer
    }
    const answer = honest()
    if (!isCount) previous.set(list, answer)
    return answer
  }

  let unanswered = 0
  const server = createServer((request, response) => {
    unanswered += 1
    response.once('close', () => (unanswered -= 1))
    read(request).then(
      (body) => {
        const target = request.url ?? '/'
        const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
        send(response, exchange({ method: request.method ?? 'GET', target, url: new URL(target, 'http://localhost'), headers, body }))
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(options.port ?? 0, '127.0.0.1', done)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the hostile application has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    get unanswered() {
      return unanswered
    },
    arm(next) {
      faults = next
      counts.clear()
      previous.clear()
      asked.length = 0
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw new Error('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(response: ServerResponse, { status, headers, json, raw, wire }: Answer): void {
  if (wire === 'reset') return void response.destroy()
  if (wire === 'hang') return
  const body = Buffer.from(raw ?? (json === undefined ? '' : JSON.stringify(json)))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': String(body.length), ...headers })
  if (wire === 'cut') return void response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy())
  if (wire === 'stall') return void response.write(body.subarray(0, Math.floor(body.length / 2)))
  if (wire === 'drip') return drip(response, body)
  response.end(body)
}

/** In twenty pieces, a few milliseconds apart. */
function drip(response: ServerResponse, body: Buffer): void {
  const size = Math.max(1, Math.ceil(body.length / 20))
  let at = 0
  const next = (): void => {
    if (response.destroyed) return
    if (at >= body.length) return void response.end()
    response.write(body.subarray(at, (at += size)))
    setTimeout(next, 3)
  }
  next()
}
