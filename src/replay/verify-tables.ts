import { z } from 'zod'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Row, Store } from '../ports/store.ts'
import type { Place } from '../sink/place.ts'
import { RowReader, type PlacedRow } from '../sink/row-reader.ts'
import { deadLetterTable, sinkTopics, tableOf, type SinkTopic } from '../sink/rows/tables.ts'
import { RowDigests } from './row-digests.ts'
import { TableRange, type TableDifference } from './table-range.ts'

export interface VerifyTablesOptions {
  log: Log
  codec: Codec
  store: Store
  /** default: every topic that has a table */
  topics?: readonly SinkTopic[]
  /** only this partition */
  partition?: number
  /** only rows of messages from this offset on */
  from?: number
  /** only rows of messages below this offset */
  to?: number
  /** only rows that name this application (`app`, or `source` where there is no such column) */
  app?: string
  onProgress?: (progress: Place & { offset: number; end: number }) => void
}

export interface PlaceReport extends Place {
  /** rows that the log gives and the tables have once, with equal values */
  rows: number
  /** rows that the sink has not come to yet: above its floor, and after everything that is there */
  late: number
  difference: TableDifference | null
}

/** Rows that name a topic and partition which has no business in their table. */
export interface TableStray {
  table: string
  topic: string
  partition: number
  rows: number
  firstOffset: number
}

export interface TablesReport {
  holds: boolean
  places: PlaceReport[]
  strays: TableStray[]
}

/** Rows whose digests are compared at a time, and rows that are compared themselves: a range costs a look at all of the table, whose order is another one. */
const rangeDigests = 100_000
const rangeRows = 4_000
const reads = { maxMessages: 2_000, maxBytes: 4 * 1024 * 1024 }
const Floor = z.object({ floor: z.int() })
const Stray = z.object({ topic: z.string(), partition: z.int(), rows: z.int(), firstOffset: z.int() })

/**
 * Holds every row of ClickHouse against the log, in bounded ranges: each (topic, partition, offset, index) that the log gives is
 * there once with equal values, and nothing else is. Digests of the values are compared, and where these differ the values. Names the first difference of each place. May run beside the sink, and reads
 * only. Throws StoreError, and what the log throws.
 */
export async function verifyTables(options: VerifyTablesOptions): Promise<TablesReport> {
  const { log, topics = sinkTopics, partition, store } = options
  const places: PlaceReport[] = []
  for (const topic of topics) {
    for (let p = 0; p < log.partitions[topic]; p++) {
      if (partition === undefined || partition === p) places.push(await verifyPlace({ topic, partition: p }, options))
    }
  }
  const strays = partition === undefined ? await straysOf(store, log, topics) : []
  return { holds: strays.length === 0 && places.every(({ difference }) => difference === null), places, strays }
}

async function verifyPlace(place: Place, options: VerifyTablesOptions): Promise<PlaceReport> {
  const { log, codec, store, from = 0, to = Number.MAX_SAFE_INTEGER, app, onProgress } = options
  const tables = new TableRange(store, place)
  const looking = { place, options, tables, floor: await floorOf(store, place), lasts: await tables.lastOffsets() }
  const reader = new RowReader(codec, place)
  const report: PlaceReport = { ...place, rows: 0, late: 0, difference: null }
  /** Most ranges hold as they are. The others are read again, from `whole` on, where no record waited for its parts. */
  const compare = async (range: Range, digests: RowDigests): Promise<void> => {
    const [first, last] = [Math.max(range.low, from), Math.min(range.high, to)]
    if (first >= last) return
    if (await digests.areHeld(store, place, tables.tables, { from: first, to: last, app: app ?? null })) report.rows += digests.size
    else await compareClosely(range, looking, report)
  }

  let range: Range = { whole: 0, low: 0, high: 0 }
  let digests = new RowDigests()
  for (;;) {
    const messages = await log.read(place.topic, place.partition, range.high, reads)
    // parts of what stands at `from` may lie before it, so all messages are read
    for (const message of messages) {
      for (const placed of reader.rows(message)) if (isWithin(placed, options)) digests.add(placed)
      range.high = message.offset + 1
      if (digests.size < rangeDigests) continue
      await compare(range, digests)
      if (report.difference !== null) return report
      range = { whole: reader.isWaiting ? range.whole : range.high, low: range.high, high: range.high }
      digests = new RowDigests()
    }
    onProgress?.({ ...place, offset: range.high, end: await log.end(place.topic, place.partition) })
    if (messages.length === 0 || range.high >= to) break
  }
  await compare(range, digests)
  const filled = Math.max(...(await tables.lastOffsets()).values())
  // asked after the tables: what the sink has inserted meanwhile is in the log by now
  const end = await log.end(place.topic, place.partition)
  if (report.difference === null && filled >= end) await compareClosely({ whole: end, low: end, high: Number.MAX_SAFE_INTEGER }, looking, report)
  return report
}

/** Offsets of messages, `high` not among them. A reader that begins at `whole`, at `low` or before it, lacks no part of a record. */
interface Range {
  whole: number
  low: number
  high: number
}

interface Looking {
  place: Place
  options: VerifyTablesOptions
  tables: TableRange
  floor: number
  lasts: ReadonlyMap<string, number>
}

/** Row by row, up to the first difference. */
async function compareClosely({ whole, low, high }: Range, { place, options, tables, floor, lasts }: Looking, report: PlaceReport): Promise<void> {
  const { log, codec, from = 0, to = Number.MAX_SAFE_INTEGER, app } = options
  const isLate = ({ table, offset }: PlacedRow): boolean => offset >= floor && offset > (lasts.get(table) ?? -1)
  const reader = new RowReader(codec, place)
  const compare = async (begun: number, end: number, logged: readonly PlacedRow[]): Promise<void> => {
    const [first, last] = [Math.max(begun, from), Math.min(end, to)]
    if (first >= last) return
    const { difference, late } = await tables.compare(first, last, logged, (row) => isAbout(row, app), isLate)
    report.difference = difference
    report.late += late
    if (difference === null) report.rows += logged.length - late
  }
  let pending: PlacedRow[] = []
  let begun = low
  for (let next = whole; next < high; ) {
    const messages = await log.read(place.topic, place.partition, next, reads)
    if (messages.length === 0) break
    for (const message of messages) {
      if (message.offset >= high) break
      const rows = reader.rows(message)
      next = message.offset + 1
      if (message.offset < low) continue
      for (const placed of rows) if (isWithin(placed, options)) pending.push(placed)
      if (pending.length < rangeRows) continue
      await compare(begun, next, pending)
      if (report.difference !== null) return
      begun = next
      pending = []
    }
    if (messages.at(-1)!.offset >= high) break
  }
  await compare(begun, high, pending)
}

const isWithin = ({ offset, row }: PlacedRow, { from = 0, to = Number.MAX_SAFE_INTEGER, app }: VerifyTablesOptions): boolean => offset >= from && offset < to && isAbout(row, app)

function isAbout(row: Row, app: string | undefined): boolean {
  return app === undefined || ('app' in row ? row['app'] : row['source']) === app
}

async function floorOf(store: Store, place: Place): Promise<number> {
  const [row] = await store.query(
    'SELECT max(e.floor) AS floor FROM sink_epochs AS e WHERE e.topic = {topic:String} AND e.partition = {partition:UInt32}', { ...place }, Floor,
  )
  return row?.floor ?? 0
}

async function straysOf(store: Store, log: Log, topics: readonly SinkTopic[]): Promise<TableStray[]> {
  const strays: TableStray[] = []
  for (const table of new Set([...topics.map((topic) => tableOf[topic]), deadLetterTable])) {
    const rows = await store.query(
      `SELECT t.topic AS topic, t.partition AS partition, toInt64(count()) AS rows, min(t.offset) AS firstOffset
       FROM ${table} AS t GROUP BY t.topic, t.partition ORDER BY t.topic, t.partition`,
      {},
      Stray,
    )
    for (const row of rows) {
      const topic = sinkTopics.find((name) => name === row.topic)
      const belongs = topic !== undefined && row.partition < log.partitions[topic] && (tableOf[topic] === table || table === deadLetterTable)
      if (!belongs) strays.push({ table, ...row })
    }
  }
  return strays
}
