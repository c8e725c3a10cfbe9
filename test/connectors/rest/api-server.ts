import { createServer, type IncomingMessage } from 'node:http'

export interface Asked {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
}

export interface ApiServer {
  url: string
  asked: Asked[]
  stop(): Promise<void>
}

export type Answers = (asked: Asked) => { status?: number; headers?: Record<string, string>; body?: unknown; raw?: string | Buffer }

/** A small admin API on loopback that answers what a test wants. */
export async function startApi(answers: Answers): Promise<ApiServer> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const one: Asked = { method: request.method ?? '', path: url.pathname, query: url.searchParams, headers: request.headers, body }
      asked.push(one)
      const { status = 200, headers = {}, body: content, raw } = answers(one)
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(raw ?? (content === undefined ? '' : JSON.stringify(content)))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    async stop() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
