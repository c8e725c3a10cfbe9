import { createHash } from 'node:crypto'
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

/**
 * The HTTP interface of a ClickHouse server, as far as the official client uses it, over the embedded engine at `path`, or before the
 * server at `CLICKHOUSE_URL`.
 */
export async function openBridge(path: string, port = 0): Promise<Bridge> {
  const server = process.env['CLICKHOUSE_URL'] ?? ''
  const engine = server === '' ? embeddedEngine(path) : serverEngine(new URL(server), path)
  const bridge: Bridge = {
    url: '',
    fault: () => 'none',
    delayMs: () => 0,
    landing: () => Promise.resolve(),
    statements: [],
    close: async () => {
      front.closeAllConnections()
      await new Promise((resolve) => front.close(resolve))
      await engine.close()
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
      const bytes = fault === 'slow' ? await insertSlowly(searchParams, sql) : await engine.run(searchParams, sql)
      if (fault === 'lost' || fault === 'late') return void request.socket.destroy()
      response.end(bytes)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const code = /Code: (\d+)/.exec(message)?.[1] ?? '0'
      response.writeHead(500, { 'x-clickhouse-exception-code': code }).end(message)
    }
  }

  async function insertSlowly(searchParams: URLSearchParams, sql: string): Promise<Buffer> {
    const guardAt = sql.lastIndexOf('\nWHERE throwIf(')
    await engine.run(searchParams, `SELECT 1${sql.slice(guardAt)}`)
    await bridge.landing()
    return await engine.run(searchParams, sql.slice(0, guardAt))
  }

  const front = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => front.listen(port, '127.0.0.1', resolve))
  bridge.url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`
  return bridge
}

interface Engine {
  /** What the statement answers. Throws an error whose message begins as a server's does: `Code: <number>`. */
  run(searchParams: URLSearchParams, sql: string): Promise<Buffer>
  close(): Promise<void>
}

/** Settings and parameters live in the engine's one session: statements take turns. */
function embeddedEngine(path: string): Engine {
  const connection = createChdbConnection({ path })
  let turn: Promise<unknown> = Promise.resolve()
  return {
    async run(searchParams, sql) {
      const mine = turn.then(() => connection.chdb.queryAsync(`${preamble(searchParams)}${sql}`, { format: 'TabSeparated' }))
      turn = mine.catch(() => undefined)
      return Buffer.from((await mine).bytes())
    },
    async close() {
      await turn
      await connection.close()
    },
  }
}

/** Databases have other names there, the same for the same `path`, so that suites and runs do not meet. They are left behind. */
function serverEngine({ origin, username, password }: URL, path: string): Engine {
  const own = createHash('sha256').update(path).digest('hex').slice(0, 12)
  const headers = { 'x-clickhouse-user': decodeURIComponent(username) || 'default', 'x-clickhouse-key': decodeURIComponent(password) }
  return {
    async run(searchParams, sql) {
      const asked = new URLSearchParams(searchParams)
      asked.delete('query')
      const database = asked.get('database')
      if (database !== null) asked.set('database', `${database}_${own}`)
      const body = sql.replace(/^CREATE DATABASE IF NOT EXISTS `(\w+)`/, `CREATE DATABASE IF NOT EXISTS \`$1_${own}\``)
      const answer = await fetch(`${origin}/?${asked.toString()}`, { method: 'POST', headers, body })
      if (!answer.ok) throw new Error(await answer.text())
      return Buffer.from(await answer.arrayBuffer())
    },
    close: () => Promise.resolve(),
  }
}

/** Settings of the HTTP interface itself, which the embedded engine does not know. */
const httpOnly = new Set(['query_id', 'database', 'session_id', 'wait_end_of_query', 'default_format', 'enable_http_compression', 'http_headers_progress_interval_ms'])

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
