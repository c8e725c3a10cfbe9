import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A schema registry of this process over HTTP, as much of its Confluent API as grantline calls. */
export interface SmallRegistry {
  url: string
  /** ids that this replica has not heard of yet */
  late: Set<number>
  /** every connection is cut */
  isDown: boolean
  /** what it answers of an id in place of what was registered: other registries take more than ours */
  told: Map<number, unknown>
  /** what answers in its place, where this says so (a proxy that wants a login, say); null: nothing */
  inFront: ((request: IncomingMessage, response: ServerResponse) => boolean) | null
  /** how often each id was asked for */
  asked: Map<number, number>
  close(): void
}

interface Answer {
  status: number
  body: unknown
}

const json = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
const notFound = (code: number, message: string): Answer => ({ status: 404, body: { error_code: code, message } })

export async function startSmallRegistry(): Promise<SmallRegistry> {
  const schemas: string[] = []
  const subjects = new Map<string, number[]>()
  const levels = new Map<string, string>()
  const server = createServer((request, response) => {
    if (registry.isDown) return void response.destroy()
    if (registry.inFront?.(request, response) === true) return
    void answer(request).then(({ status, body }) => response.writeHead(status, json).end(JSON.stringify(body)))
  })
  const registry: SmallRegistry = {
    url: '',
    late: new Set(),
    isDown: false,
    told: new Map(),
    inFront: null,
    asked: new Map(),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const [, kind, name = '', rest = ''] = /^\/(\w+)\/([^/]+)\/?(.*)$/.exec(request.url ?? '') ?? []
    const told = JSON.parse((await text(request)) || '{}') as { schema?: string; compatibility?: string }
    if (kind === 'schemas') return schema(Number(rest))
    if (kind === 'config' && request.method === 'PUT') levels.set(name, told.compatibility ?? '')
    if (kind === 'config') return levels.has(name) ? { status: 200, body: { compatibilityLevel: levels.get(name), ...told } } : notFound(40408, 'no level')
    if (request.method === 'POST') return { status: 200, body: { id: register(name, told.schema ?? '') } }
    const latest = subjects.get(name)?.at(-1)
    return latest === undefined ? notFound(40401, 'Subject not found') : { status: 200, body: { subject: name, id: latest, schema: schemas[latest - 1] } }
  }

  function schema(id: number): Answer {
    registry.asked.set(id, (registry.asked.get(id) ?? 0) + 1)
    if (registry.told.has(id)) return { status: 200, body: registry.told.get(id) }
    const found = registry.late.has(id) ? undefined : schemas[id - 1]
    return found === undefined ? notFound(40403, `Schema ${id} not found`) : { status: 200, body: { schema: found } }
  }

  function register(subject: string, avro: string): number {
    const id = schemas.includes(avro) ? schemas.indexOf(avro) + 1 : schemas.push(avro)
    const ids = subjects.get(subject) ?? []
    if (!ids.includes(id)) subjects.set(subject, [...ids, id])
    return id
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  registry.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return registry
}
