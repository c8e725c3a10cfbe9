import { columnsOf } from '../../src/connect/declared/columns.ts'
import { ConnectError, type ConnectorSession, type ConnectorType, type ObservedClass, type Page, type Platform, type Stream } from '../../src/ports/connector.ts'
import { readChanges } from './changes.ts'
import { SqlConfig, concernsAccounts, type SqlStream } from './config.ts'
import { mapRow } from './map.ts'
import { openPostgres } from './postgres.ts'
import { readAccount } from './read-one.ts'
import type { Reader } from './reader.ts'
import { openSqlite } from './sqlite.ts'
import { selectColumns, selectCount } from './statement.ts'
import { writeSide } from './write.ts'

const classOf: Readonly<Record<SqlStream['piece'], ObservedClass>> = {
  account: 'accounts',
  definition: 'definitions',
  child: 'definitions',
  membership: 'memberships',
  grant: 'grants',
  credential: 'credentials',
}

/** Private permission tables, read by one query a stream inside one consistent, read-only transaction; written by declared statements. */
export const connector: ConnectorType<SqlConfig> = {
  kind: 'sql',
  summary: 'permission tables of an application, by SQL (SQLite, PostgreSQL)',
  config: SqlConfig,
  async open(config, platform): Promise<ConnectorSession> {
    const reader = await openReader(config, platform)
    const definitionsFirst = [...config.streams].sort((a, b) => Number(concernsAccounts(a)) - Number(concernsAccounts(b)))
    const readsOne = config.streams.some((stream) => stream.one !== null)
    const { changes } = config
    return {
      streams: definitionsFirst.map((stream) => streamOf(stream, reader, config.pageSize)),
      ...(config.write.length > 0 && { write: writeSide(config, platform) }),
      ...(readsOne && { readOne: (nativeId: string) => apart(config, platform, (own) => readAccount(config.streams, own, nativeId)) }),
      ...(changes !== null && { changes: (cursor: string | null) => apart(config, platform, (own) => readChanges(changes, config.driver, own, cursor)) }),
      close: () => reader.close(),
    }
  },
}

async function openReader(config: SqlConfig, platform: Platform): Promise<Reader> {
  return config.driver === 'sqlite' ? openSqlite(config, platform) : openPostgres(config, platform)
}

/** A connection of its own: the run's transaction would answer with the past. */
async function apart<T>(config: SqlConfig, platform: Platform, read: (reader: Reader) => Promise<T>): Promise<T> {
  const reader = await openReader(config, platform)
  try {
    return await read(reader)
  } finally {
    await reader.close()
  }
}

function streamOf(stream: SqlStream, reader: Reader, pageSize: number): Stream {
  return {
    name: stream.name,
    classes: [classOf[stream.piece]],
    proof: 'transaction',
    pages: () => pages(stream, reader, pageSize),
    map: (row) => mapRow(stream, row),
  }
}

/** The count is taken first, in the same snapshot; the last page, empty, lets a stream without rows carry its total too. */
async function* pages(stream: SqlStream, reader: Reader, pageSize: number): AsyncGenerator<Page> {
  const total = await reader.count(selectCount(stream.query), `${stream.name}, counting`)
  if (!Number.isSafeInteger(total)) throw new ConnectError('schema', 'the count of the query is not a number', stream.name)
  const rowsFrom = (before: number): string => `${stream.name} from row ${before + 1}`
  let start = 0
  for await (const rows of reader.pages(selectColumns(stream.query, columnsOf(stream)), pageSize, rowsFrom)) {
    yield { rows, place: `${stream.name} rows ${start + 1}-${start + rows.length}`, total, start }
    start += rows.length
  }
  if (start === 0) yield { rows: [], place: `${stream.name}, no rows`, total, start }
}
