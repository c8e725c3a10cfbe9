import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { reasonOf } from '../../core/reason.ts'
import { StoreError, type Store } from '../../ports/store.ts'
import { ClickHouseStore, type ClickHouseStoreOptions } from './clickhouse-store.ts'
import { leaveFatalSignals } from './fatal-signals.ts'
import { identifier } from './literal.ts'
import { migrate, readMigrations, remakeViews } from './migrations.ts'

type ClientConnection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>

/** Embedded: the engine in this process. One process holds a data directory, and one process opens one directory at a time. */
interface EmbeddedOptions {
  path: string
}

interface ServerOptions {
  url: string
  database: string
  username?: string
  password?: string
  /** An insert runs no longer than this on the engine; 30,000 unless told. */
  insertLimitMs?: number
}

/** An insert runs no longer than this on the engine, ms, unless told. */
const defaultInsertLimitMs = 30_000
/** What a server may take beyond the limit before it stops an insert, ms: the limit is looked at between blocks. */
const settleMarginMs = 5_000

const settings = {
  async_insert: 0 as const,
  // rows travel in the statement's text
  max_query_size: String(1 << 30),
  output_format_json_quote_64bit_integers: 0 as const,
}

/** Every error reaches the caller: the client's own log would only repeat it on the terminal. */
const log = { level: ClickHouseLogLevel.OFF }

/** Opens the store and brings its tables up to date. Throws StoreError where the engine is out of reach or held by another process. */
export async function openStore(options: EmbeddedOptions | ServerOptions): Promise<Store> {
  return 'path' in options ? openEmbedded(options) : openServer(options)
}

async function openEmbedded({ path }: EmbeddedOptions): Promise<Store> {
  const client = createClient({ connection: await connect(path), clickhouse_settings: settings, log })
  return prepare(client, { place: path, anew: `stop grantline, delete ${path} and start it`, insertLimitMs: defaultInsertLimitMs, settleMs: 0 }, async (store) => {
    await store.command('CREATE DATABASE IF NOT EXISTS grantline', {})
    // the embedded connection takes no database of its own; its session keeps this one
    await store.command('USE grantline', {})
    await migrate(store, readMigrations())
  })
}

async function connect(path: string): Promise<ClientConnection> {
  // half a gigabyte that only who has no server needs
  const { createChdbConnection } = await import('chdb/connection')
  try {
    // both packages declare the same interface, each with its own copy of a class that has a private field
    const connection = createChdbConnection({ path }) as unknown as ClientConnection
    leaveFatalSignals()
    return connection
  } catch (error) {
    throw new StoreError(
      `can't open the tables at ${path}: ${reasonOf(error)}. ` +
        'One process holds a data directory, and opens one at a time: close the other, or ask the running server',
      { cause: error },
    )
  }
}

async function openServer({ url, database, username, password, insertLimitMs = defaultInsertLimitMs }: ServerOptions): Promise<Store> {
  const common = {
    url,
    log,
    clickhouse_settings: settings,
    request_timeout: insertLimitMs + 2 * settleMarginMs,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  }
  const place = `${new URL(url).host}/${database}`
  const at = { place, anew: `stop grantline, drop the database ${database} and start it`, insertLimitMs, settleMs: insertLimitMs + settleMarginMs }
  return prepare(createClient({ ...common, database }), at, async (store) => {
    // a client that names a database which is not there yet can do nothing
    const first = new ClickHouseStore({ client: createClient(common), ...at })
    await first.command(`CREATE DATABASE IF NOT EXISTS ${identifier(database)}`, {}).finally(() => first.close())
    const migrations = readMigrations()
    await migrate(store, migrations)
    // whoever else did that at the same time may have been killed before its end
    await remakeViews(store, migrations)
  })
}

async function prepare(
  client: ClickHouseClient,
  at: Omit<ClickHouseStoreOptions, 'client'>,
  begin: (store: Store) => Promise<void>,
): Promise<Store> {
  const store = new ClickHouseStore({ client, ...at })
  try {
    await begin(store)
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}
