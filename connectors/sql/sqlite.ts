import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { reasonOf } from '../../src/core/reason.ts'
import { ConnectError, type ErrorClass, type Platform } from '../../src/ports/connector.ts'
import type { SqliteConfig } from './config.ts'
import type { Cell, Reader, Row } from './reader.ts'
import type { Writer } from './writer.ts'

/** A writer that holds the file is waited for this long; the engine waits synchronously, and the whole process with it. */
const busyTimeoutMs = 1000

/** Opens the file read-only and begins the transaction. In WAL mode writers go on beside it, otherwise they wait for its end. */
export function openSqlite(config: SqliteConfig, platform: Platform): Reader {
  const file = resolve(platform.baseDir, config.file)
  const database = guarded(file, () => new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs }))
  try {
    guarded(file, () => database.exec('BEGIN'))
  } catch (error) {
    database.close()
    throw error
  }
  return {
    count: (sql, place) => platform.paced(() => promised(() => guarded(place, () => Number(database.prepare(sql).get()?.['total'])))),
    pages: (sql, pageSize, place) => pages(database, sql, pageSize, place, platform),
    rows: (sql, bound, place) => platform.paced(() => promised(() => guarded(place, () => prepare(database, sql).all(...bound).map(toRow)))),
    close: () => promised(() => database.close()),
  }
}

/**
 * Opens the file and begins as its only writer, at once: nothing that was found true can change before the commit. Leave is asked for
 * the transaction as a whole, since whoever else writes waits for its end.
 */
export const openSqliteWriter = (config: SqliteConfig, platform: Platform): Promise<Writer> => platform.paced(() => promised(() => begun(config, platform)))

function begun(config: SqliteConfig, platform: Platform): Writer {
  const file = resolve(platform.baseDir, config.file)
  if (!existsSync(file)) throw new ConnectError('configuration', 'SQLite: there is no such file', file)
  const database = guarded(file, () => new DatabaseSync(file, { timeout: busyTimeoutMs }))
  try {
    guarded(file, () => database.exec('BEGIN IMMEDIATE'))
  } catch (error) {
    database.close()
    throw error
  }
  return {
    holds: (sql, bound, place) => promised(() => guarded(place, () => prepare(database, sql).get(...bound) !== undefined)),
    run: (sql, bound, place) => promised(() => guarded(place, () => void prepare(database, sql).run(...bound))),
    commit: (place) => promised(() => guarded(place, () => database.exec('COMMIT'))),
    cut: () => undefined,
    close: () => promised(() => database.close()),
  }
}

/** What the synchronous engine answers or throws, as a promise. */
const promised = <T>(work: () => T): Promise<T> => new Promise((resolve) => resolve(work()))

/** Whole numbers come as bigint: a JavaScript number would silently round ids above 2^53. */
function prepare(database: DatabaseSync, sql: string) {
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  return statement
}

async function* pages(
  database: DatabaseSync, sql: string, pageSize: number, place: (rowsBefore: number) => string, platform: Platform,
): AsyncGenerator<Row[]> {
  let before = 0
  const rows = guarded(place(0), () => prepare(database, sql).iterate())
  for (;;) {
    if (platform.signal.aborted) throw new ConnectError('transient', 'the read was stopped', place(before))
    const page = await platform.paced(() => promised(() => guarded(place(before), () => firstOf(rows, pageSize))))
    if (page.length > 0) yield page
    if (page.length < pageSize) return
    before += page.length
    // The engine is synchronous: without this, other work of the process would wait for the whole table.
    await nextTurn()
  }
}

function firstOf(rows: Iterator<Record<string, SQLOutputValue>>, count: number): Row[] {
  const page: Row[] = []
  while (page.length < count) {
    const next = rows.next()
    if (next.done === true) break
    page.push(toRow(next.value))
  }
  return page
}

function toRow(record: Record<string, SQLOutputValue>): Row {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, toCell(value)]))
}

function toCell(value: SQLOutputValue): Cell {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof Uint8Array) return { binaryBytes: value.byteLength }
  return value
}

function guarded<T>(place: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof ConnectError) throw error
    const message = reasonOf(error)
    throw new ConnectError(classOf(error), `SQLite: ${message}`, place, { cause: error })
  }
}

/** By primary result code (sqlite.org/rescode.html): the low byte of the extended one. */
function classOf(error: unknown): ErrorClass {
  const extended = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) : NaN
  switch (extended & 0xff) {
    case 1: return 'configuration' // no such table or column, a statement that does not parse
    case 3: case 23: return 'permission'
    case 5: case 6: case 9: case 10: case 13: return 'transient' // busy, locked, interrupted, input or output, disk full
    case 8: case 14: case 26: return 'configuration' // read-only, can't be opened, not a database
    case 11: return 'fatal' // the file is damaged
    case 19: return 'conflict' // a constraint refused it
    default: return 'fatal'
  }
}
