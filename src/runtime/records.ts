import type { Position } from '../../schemas/wire/common.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import { CodecError } from '../ports/codec.ts'
import type { Log, Message } from '../ports/log.ts'
import { assemble, type PartRows } from './parts.ts'
import { wholeRecord } from './whole-record.ts'

interface ReadRecord<T extends Topic> {
  position: Position
  message: Message
  /** null where the message or the record can't be decoded: `error` says why */
  record: RecordOf<T> | null
  error: string | null
}

/**
 * Logical records of messages in log order, for readers that keep no state of their own: parts are put together (in memory; the
 * record stands where its last part does), and what can't be decoded is said rather than thrown.
 */
export class RecordReader<T extends Topic> {
  readonly #codec: Codec
  readonly #topic: T
  readonly #partition: number
  readonly #parts = new MemoryRows()

  constructor(codec: Codec, topic: T, partition: number) {
    this.#codec = codec
    this.#topic = topic
    this.#partition = partition
  }

  read(message: Message): ReadRecord<T>[] {
    const records = this.#decode(message.value)
    if (records instanceof CodecError) return [this.#failed(message, 0, records.message)]
    return records.flatMap((record, index) => {
      if (record.type !== 'Part') return [{ position: this.#position(message, index), message, record, error: null }]
      const { whole, rejected } = assemble(this.#parts, record)
      const answers = rejected === null ? [] : [this.#failed(message, index, rejected)]
      if (whole === null) return answers
      const joined = wholeRecord(this.#codec, this.#topic, record, message.value, whole)
      if (typeof joined === 'string') return [...answers, this.#failed(message, index, joined)]
      return [...answers, { position: this.#position(message, index), message, record: joined, error: null }]
    })
  }

  #decode(value: Uint8Array): RecordOf<T>[] | CodecError {
    try {
      return this.#codec.decode(this.#topic, value)
    } catch (error) {
      if (error instanceof CodecError) return error
      throw error
    }
  }

  #failed(message: Message, index: number, error: string): ReadRecord<T> {
    return { position: this.#position(message, index), message, record: null, error }
  }

  #position({ offset }: Message, index: number): Position {
    return { topic: this.#topic, partition: this.#partition, offset, index }
  }
}

class MemoryRows implements PartRows {
  readonly #rows = new Map<string, unknown>()
  getOwn(key: string): unknown {
    return this.#rows.get(key)
  }
  putOwn(key: string, value: unknown): void {
    this.#rows.set(key, value)
  }
  deleteOwn(key: string): void {
    this.#rows.delete(key)
  }
}

/** Everything that a partition holds now, from `offset` on. */
export async function* readPartition<T extends Topic>(
  log: Log, codec: Codec, topic: T, partition: number, offset = 0,
): AsyncGenerator<ReadRecord<T>> {
  const reader = new RecordReader(codec, topic, partition)
  for await (const message of messagesOf(log, topic, partition, offset)) yield* reader.read(message)
}

/** The same of messages in which this text stands: of records that are too small to travel in parts, all that name it are there. */
export async function* readNaming<T extends Topic>(log: Log, codec: Codec, topic: T, partition: number, text: string): AsyncGenerator<ReadRecord<T>> {
  const reader = new RecordReader(codec, topic, partition)
  const bytes = Buffer.from(text)
  for await (const message of messagesOf(log, topic, partition, 0)) if (isIn(message.value, bytes)) yield* reader.read(message)
}

async function* messagesOf(log: Log, topic: Topic, partition: number, offset: number): AsyncGenerator<Message> {
  for (let next = offset; ; ) {
    const messages = await log.read(topic, partition, next, { maxMessages: 1_000, maxBytes: 4 * 1024 * 1024 })
    const last = messages.at(-1)
    if (last === undefined) return
    yield* messages
    next = last.offset + 1
  }
}

const isIn = ({ buffer, byteOffset, length }: Uint8Array, text: Buffer): boolean => Buffer.from(buffer, byteOffset, length).includes(text)
