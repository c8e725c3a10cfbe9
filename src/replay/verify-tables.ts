import { z } from 'zod'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Row, Store } from '../ports/store.ts'
import type { Place } from '../sink/place.ts'
import { RowReader, type PlacedRow } from '../sink/row-reader.ts'
import { deadLetterTable, sinkTopics, tableOf, type SinkTopic } from '../sink/rows/tables.ts'
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

/** Rows compared at a time. */
const rangeRows = 4_000
const reads = { maxMessages: 2_000, maxBytes: 4 * 1024 * 1024 }
const Floor = z.object({ floor: z.int() })
const Stray = z.object({ topic: z.string(), partition: z.int(), rows: z.int(), firstOffset: z.int() })

/**
 * Holds every row of ClickHouse against the log, in bounded ranges: each (topic, partition, offset, index) that the log gives is
 * there once with equal values, and nothing else is. Names the first difference of each place. May run beside the sink, and reads
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
  const { log, codec, store, from = 0, to = Number.MAX_SAFE_INTEGER, onProgress } = options
  const floor = await floorOf(store, place)
  const tables = new TableRange(store, place)
  const lasts = await tables.lastOffsets()
  const isLate = ({ table, offset }: PlacedRow): boolean => offset >= floor && offset > (lasts.get(table) ?? -1)
  const reader = new RowReader(codec, place)
  const report: PlaceReport = { ...place, rows: 0, late: 0, difference: null }
  const compare = async (low: number, high: number, logged: readonly PlacedRow[]): Promise<void> => {
    const wanted = logged.filter(({ offset, row }) => offset >= from && offset < to && isAbout(row, options.app))
    const [first, last] = [Math.max(low, from), Math.min(high, to)]
    if (first >= last) return
    const { difference, late } = await tables.compare(first, last, wanted, (row) => isAbout(row, options.app), isLate)
    report.difference = difference
    report.late += late
    if (difference === null) report.rows += wanted.length - late
  }

  let pending: PlacedRow[] = []
  let begun = 0
  let next = 0
  for (;;) {
    const messages = await log.read(place.topic, place.partition, next, reads)
    // parts of what stands at `from` may lie before it, so all messages are read
    for (const message of messages) {
      pending.push(...reader.rows(message))
      next = message.offset + 1
      if (pending.length < rangeRows) continue
      await compare(begun, next, pending)
      if (report.difference !== null) return report
      begun = next
      pending = []
    }
    onProgress?.({ ...place, offset: next, end: await log.end(place.topic, place.partition) })
    if (messages.length === 0 || next >= to) break
  }
  await compare(begun, next, pending)
  const filled = Math.max(...(await tables.lastOffsets()).values())
  // asked after the tables: what the sink has inserted meanwhile is in the log by now
  const end = await log.end(place.topic, place.partition)
  if (report.difference === null && filled >= end) await compare(end, Number.MAX_SAFE_INTEGER, [])
  return report
}

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
