import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createChdbConnection } from 'chdb/connection'

/**
 * What happens to a statement: `lost`: it is carried out and the answer dropped; `refused`: the connection ends before it; `late`: the
 * connection ends, and it is carried out `lateMs` afterwards all the same; `slow`: an insert whose guard is asked at once, while its
 * rows land when `landing` resolves.
 */
export type BridgeFault = 'none' | 'lost' | 'refused' | 'late' | 'slow'

export interface Bridge {
  url: string
  /** asked for every statement */
  fault: (sql: string) => BridgeFault
  /** how long each statement waits before it is carried out, ms */
  delayMs: (sql: string) => number
  landing: () => Promise<void>
  readonly statements: string[]
  close(): Promise<void>
}

/** A `late` statement is carried out this long after its connection ended, ms. */
export const lateMs = 200

/** Settings of the HTTP interface itself, which the embedded engine does not know. */
const httpOnly = new Set(['query_id', 'database', 'session_id', 'wait_end_of_query', 'default_format', 'enable_http_compression', 'http_headers_progress_interval_ms'])

/** The HTTP interface of a ClickHouse server, as far as the official client uses it, over the embedded engine at `path`. */
export async function openBridge(path: string, port = 0): Promise<Bridge> {
  const connection = createChdbConnection({ path })
  let turn: Promise<unknown> = Promise.resolve()
  const bridge: Bridge = {
    url: '',
    fault: () => 'none',
    delayMs: () => 0,
    landing: () => Promise.resolve(),
    statements: [],
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await turn
      await connection.close()
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { searchParams } = new URL(request.url ?? '/', 'http://bridge')
    const sql = (searchParams.get('query') ?? '') + (await bodyOf(request))
    bridge.statements.push(sql)
    const fault = bridge.fault(sql)
    if (fault === 'refused' || fault === 'late') request.socket.destroy()
    if (fault === 'refused') return
    await sleep(fault === 'late' ? lateMs : bridge.delayMs(sql))
    try {
      const bytes = fault === 'slow' ? await insertSlowly(searchParams, sql) : await run(searchParams, sql)
      if (fault === 'lost' || fault === 'late') return void request.socket.destroy()
      response.end(bytes)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const code = /Code: (\d+)/.exec(message)?.[1] ?? '0'
      response.writeHead(500, { 'x-clickhouse-exception-code': code }).end(message)
    }
  }

  /** Settings and parameters live in the engine's one session: statements take turns. */
  async function run(searchParams: URLSearchParams, sql: string): Promise<Buffer> {
    const mine = turn.then(() => connection.chdb.queryAsync(`${preamble(searchParams)}${sql}`, { format: 'TabSeparated' }))
    turn = mine.catch(() => undefined)
    return Buffer.from((await mine).bytes())
  }

  async function insertSlowly(searchParams: URLSearchParams, sql: string): Promise<Buffer> {
    const guardAt = sql.lastIndexOf('\nWHERE throwIf(')
    await run(searchParams, `SELECT 1${sql.slice(guardAt)}`)
    await bridge.landing()
    return await run(searchParams, sql.slice(0, guardAt))
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  bridge.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return bridge
}

function preamble(searchParams: URLSearchParams): string {
  const quote = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`
  const database = searchParams.get('database')
  const sets = [...searchParams].filter(([name]) => name !== 'query' && !httpOnly.has(name)).map(([name, value]) => `SET ${name} = ${quote(value)}; `)
  return `${database === null ? '' : `USE ${database}; `}${sets.join('')}`
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
