import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { ConnectError, type Platform } from '../../src/ports/connector.ts'
import type { PostgresConfig } from './config.ts'
import { postgresError } from './postgres-errors.ts'
import type { Cell, Reader, Row } from './reader.ts'
import type { Writer } from './writer.ts'

/** The server ends a statement itself; this much later the connection is held to be dead. */
const graceMs = 5000

/** Connects and begins `REPEATABLE READ READ ONLY`: the server refuses every write, and all streams see one snapshot. */
export async function openPostgres(config: PostgresConfig, platform: Platform): Promise<Reader> {
  const { client, guard } = await connect(config, platform, 'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY')
  return {
    count: (sql, place) => guard(place, async () => Number((await client.query<{ total: string }>(sql)).rows[0]?.total)),
    pages: (sql, pageSize, place) => pages(client, sql, pageSize, place, guard),
    rows: (sql, bound, place) => guard(place, async () => (await client.query<Row>(sql, [...bound])).rows),
    close: () => close(client),
  }
}

/** Connects and begins; what the statements are about can be read by `current_setting('grantline.…')` too, where nothing can be bound. */
export async function openPostgresWriter(config: PostgresConfig, platform: Platform, subject: Readonly<Record<string, string>>): Promise<Writer> {
  const { client, guard } = await connect(config, platform, 'BEGIN', Object.hasOwn(subject, 'secret') ? [subject['secret']!] : [])
  for (const [name, value] of Object.entries(subject)) {
    if (name.includes('.')) continue
    await guard(`setting ${name}`, () => client.query('SELECT set_config($1, $2, true)', [`grantline.${name}`, value]))
  }
  return {
    holds: (sql, bound, place) => guard(place, async () => (await client.query(sql, [...bound])).rows.length > 0),
    run: (sql, bound, place) => guard(place, async () => ignore(await client.query(sql, [...bound]))),
    commit: (place) => guard(place, async () => ignore(await client.query('COMMIT'))),
    cut: () => client.connection.stream.destroy(),
    close: () => close(client),
  }
}

/** `secrets`: what the statements hold that no message may. */
async function connect(config: PostgresConfig, platform: Platform, begin: string, secrets: readonly string[] = []): Promise<{ client: pg.Client; guard: Guard }> {
  const where = `${config.host}:${config.port}/${config.database}`
  const password = await platform.secret(config.password)
  const client = new pg.Client({
    host: config.host,
    port: config.port,
    database: config.database,
    user: config.user,
    password,
    ssl: tlsOptions(config, platform, where),
    application_name: 'grantline',
    connectionTimeoutMillis: config.connectTimeoutMs,
    keepAlive: true,
    types: { getTypeParser: parserOf },
  })
  // A connection that dies while idle is told by this event alone; unheard, it would end the process.
  let died: Error | undefined
  client.on('error', (error) => {
    died ??= error
  })
  const deadlineMs = config.statementTimeoutMs + graceMs
  const guard = <T>(place: string, work: () => Promise<T>): Promise<T> =>
    platform.paced(async () => {
      try {
        if (died !== undefined) throw died
        return await bounded(work(), deadlineMs, platform.signal, place)
      } catch (error) {
        throw postgresError(error, place, [password, ...secrets])
      }
    })
  try {
    await guard(where, () => client.connect())
    await guard(where, () => settle(client, config.statementTimeoutMs, begin))
  } catch (error) {
    await close(client)
    throw error
  }
  return { client, guard }
}

async function settle(client: pg.Client, statementTimeoutMs: number, begin: string): Promise<void> {
  await client.query("SET TIME ZONE 'UTC'; SET DateStyle = 'ISO, YMD'; SET bytea_output = 'hex'")
  await client.query(`SET statement_timeout = ${statementTimeoutMs}; SET idle_in_transaction_session_timeout = 0`)
  await client.query(begin)
}

type Guard = <T>(place: string, work: () => Promise<T>) => Promise<T>

async function* pages(
  client: pg.Client, sql: string, pageSize: number, place: (rowsBefore: number) => string, guard: Guard,
): AsyncGenerator<Row[]> {
  const cursor = client.query(new Cursor<Row>(sql, [], { types: { getTypeParser: parserOf } }))
  let before = 0
  let open = true
  try {
    for (;;) {
      const rows = await guard(place(before), () => cursor.read(pageSize))
      if (rows.length > 0) yield rows
      before += rows.length
      if (rows.length < pageSize) {
        open = false
        return
      }
    }
  } catch (error) {
    open = false
    throw error
  } finally {
    if (open) await guard(place(before), () => cursor.close())
  }
}

const ignore = (_: unknown): void => undefined

/** The first to come: the work, the deadline, or the platform's signal to stop. */
async function bounded<T>(work: Promise<T>, deadlineMs: number, signal: AbortSignal, place: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const stopped = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConnectError('transient', 'PostgreSQL: no answer in time; the connection is given up', place)), deadlineMs)
    onAbort = () => reject(new ConnectError('transient', 'the read was stopped', place))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([work, stopped])
  } finally {
    clearTimeout(timer)
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
    // The loser of the race may fail later, when the connection is closed; its error was already told.
    work.catch(() => undefined)
  }
}

/** Ends the connection, and the transaction with it; one that no longer answers is cut. */
async function close(client: pg.Client): Promise<void> {
  const cut = setTimeout(() => client.connection.stream.destroy(), 1000)
  try {
    await client.end()
  } finally {
    clearTimeout(cut)
  }
}

function tlsOptions(config: PostgresConfig, platform: Platform, where: string): pg.ClientConfig['ssl'] {
  if (config.ssl === null) return false
  const { caFile, serverName } = config.ssl
  const options = { rejectUnauthorized: true, ...(serverName !== null && { servername: serverName }) }
  if (caFile === null) return options
  const file = resolve(platform.baseDir, caFile)
  try {
    return { ...options, ca: readFileSync(file, 'utf8') }
  } catch (error) {
    throw new ConnectError('configuration', `ssl.caFile ${file} can't be read`, where, { cause: error })
  }
}

/** Everything stays the server's own text, exact, except booleans, instants and bytes. Keyed by type oid. */
function parserOf(oid: number): (text: string) => Cell {
  switch (oid) {
    case 16: return (text) => text === 't'
    case 17: return (text) => ({ binaryBytes: Math.max(0, (text.length - 2) / 2) })
    case 1082: case 1114: case 1184: return instant
    default: return (text) => text
  }
}

/** `infinity` is the database's way to say never. What a Date can't hold stays text, and the mapping refuses it. */
function instant(text: string): Cell {
  if (text === 'infinity') return null
  const match = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?)?(?:\+00)?$/.exec(text)
  if (match === null) return text
  return new Date(`${match[1]}T${match[2] ?? '00:00:00'}.${(match[3] ?? '').slice(0, 3).padEnd(3, '0')}Z`)
}
