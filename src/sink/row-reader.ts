import type { RecordOf } from '../../schemas/wire/topics.ts'
import { CodecError, type Codec } from '../ports/codec.ts'
import type { Message } from '../ports/log.ts'
import type { Row } from '../ports/store.ts'
import { assemble, type PartRows } from '../runtime/parts.ts'
import { wholeRecord } from '../runtime/whole-record.ts'
import type { Place } from './place.ts'
import { unreadableRow } from './rows/dead-letter.ts'
import { deadLetterTable, rowOf, tableOf, type SinkTopic } from './rows/tables.ts'

export interface PlacedRow {
  table: string
  offset: number
  index: number
  row: Row
}

/** Messages to rows, in log order. Keeps the parts of records that are not whole yet. */
export class RowReader {
  readonly #codec: Codec
  readonly #place: Place
  readonly #parts = new Map<string, unknown>()
  readonly #partRows: PartRows = {
    getOwn: (key) => this.#parts.get(key),
    putOwn: (key, value) => void this.#parts.set(key, value),
    deleteOwn: (key) => void this.#parts.delete(key),
  }

  constructor(codec: Codec, place: Place) {
    this.#codec = codec
    this.#place = place
  }

  /** Whether a record waits for parts: then reading again must not begin after its first one. */
  get isWaiting(): boolean {
    return this.#parts.size > 0
  }

  /** The rows of one message. What can't be read becomes a dead letter at its own position; errors of the environment are thrown. */
  rows(message: Message): PlacedRow[] {
    const records = this.#decode(message.value)
    if (typeof records === 'string') return [this.#unreadable(message, 0, records)]
    return records.flatMap((record, index) => this.#rowsOf(message, index, record))
  }

  #rowsOf(message: Message, index: number, record: RecordOf<SinkTopic>): PlacedRow[] {
    if (record.type !== 'Part') return [this.#placed(message, index, record)]
    const { whole, rejected } = assemble(this.#partRows, record)
    const rows = rejected === null ? [] : [this.#unreadable(message, index, rejected)]
    if (whole === null) return rows
    const joined = wholeRecord(this.#codec, this.#place.topic, record, message.value, whole)
    // a place has one row
    if (typeof joined === 'string') return [this.#unreadable(message, index, joined)]
    return [...rows, this.#placed(message, index, joined)]
  }

  #placed({ offset }: Message, index: number, record: Exclude<RecordOf<SinkTopic>, { type: 'Part' }>): PlacedRow {
    return { table: tableOf[this.#place.topic], offset, index, row: rowOf(record, { ...this.#place, offset, index }) }
  }

  #unreadable({ offset, timestamp, value }: Message, index: number, reason: string): PlacedRow {
    const row = unreadableRow({ ...this.#place, offset, index }, { reason, bytes: value.length, at: timestamp })
    return { table: deadLetterTable, offset, index, row }
  }

  /** The records, or why there are none. */
  #decode(value: Uint8Array): RecordOf<SinkTopic>[] | string {
    try {
      return this.#codec.decode(this.#place.topic, value)
    } catch (error) {
      if (error instanceof CodecError) return error.message
      throw error
    }
  }
}
