import { topics, type RecordOf, type Topic } from '../../schemas/wire/topics.ts'
import { partitionOf } from '../core/partition.ts'
import type { Codec } from '../ports/codec.ts'
import type { Append } from '../ports/log.ts'
import { maxMessageBytes, maxRecordBytes, splitRecord, travelsInParts } from './parts.ts'

/** Records that one message of a chunked topic holds at most. */
const maxMessageRecords = 1_000

interface OpenMessage {
  topic: Topic
  partition: number
  key: string | null
  timestamp: number
  records: Uint8Array[]
  bytes: number
}

/**
 * Packs the records of one transaction into messages, in order per topic and partition: up to about 256 KiB or 1,000 records a
 * message where the topic is chunked, else one each. A record is encoded when it is added: later changes to it have no effect.
 */
export class Chunker {
  readonly #codec: Codec
  readonly #partitions: Readonly<Record<Topic, number>>
  readonly #writer: string
  readonly #open = new Map<string, OpenMessage>()
  #full: Append[] = []
  #bytes = 0
  #records = 0

  /** `writer` names who writes, in the ids of parts. */
  constructor(codec: Codec, partitions: Readonly<Record<Topic, number>>, writer: string) {
    this.#codec = codec
    this.#partitions = partitions
    this.#writer = writer
  }

  /** Encoded size of what was added, bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** What was added, counted once for each partition that it goes to. */
  get records(): number {
    return this.#records
  }

  /**
   * To the partition that `key` hashes to, or to every partition where `key` is null. `timestamp` is that of the input that
   * caused it, ms. Throws CodecError where the record does not fit its schema, RangeError where it is over 64 MiB.
   */
  add<T extends Topic>(topic: T, key: string | null, record: RecordOf<T>, timestamp: number): void {
    const count = this.#partitions[topic]
    const pieces = this.#encode(topic, record)
    if (key !== null) this.#put(topic, partitionOf(key, count), key, pieces, timestamp)
    else for (let partition = 0; partition < count; partition++) this.#put(topic, partition, null, pieces, timestamp)
  }

  /** All messages since the last call. */
  take(): Append[] {
    for (const message of this.#open.values()) this.#close(message)
    this.#open.clear()
    const appends = this.#full
    this.#full = []
    this.#bytes = 0
    this.#records = 0
    return appends
  }

  #encode<T extends Topic>(topic: T, record: RecordOf<T>): Uint8Array[] {
    const bytes = this.#codec.encodeRecord(topic, record)
    if (bytes.length > maxRecordBytes) {
      throw new RangeError(`a ${record.type} for ${topic} takes ${bytes.length} bytes; a record has at most ${maxRecordBytes}`)
    }
    if (bytes.length <= maxMessageBytes || !travelsInParts(topic)) return [bytes]
    const parts = splitRecord(this.#writer, this.#codec.encode(topic, [record]))
    return parts.map((part) => this.#codec.encodeRecord(topic, part as RecordOf<T>))
  }

  #put(topic: Topic, partition: number, key: string | null, pieces: readonly Uint8Array[], timestamp: number): void {
    const slot = `${topic}/${partition}`
    for (const piece of pieces) {
      let message = this.#open.get(slot)
      if (message !== undefined && (message.bytes + piece.length > maxMessageBytes || message.records.length >= maxMessageRecords)) {
        this.#close(message)
        message = undefined
      }
      if (message === undefined) {
        message = { topic, partition, key, timestamp, records: [], bytes: 0 }
        this.#open.set(slot, message)
      }
      if (message.key !== key) message.key = null
      message.records.push(piece)
      message.bytes += piece.length
      this.#bytes += piece.length
      if (!topics[topic].chunked) {
        this.#close(message)
        this.#open.delete(slot)
      }
    }
    this.#records++
  }

  #close({ topic, partition, key, timestamp, records }: OpenMessage): void {
    this.#full.push({ topic, partition, key, timestamp, value: this.#codec.frame(topic, records) })
  }
}
