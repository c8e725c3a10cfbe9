import type { Position } from '../../schemas/wire/common.ts'
import type { AnyRecord, Topic } from '../../schemas/wire/topics.ts'
import { CodecError, type Codec } from '../ports/codec.ts'
import type { Log, Message } from '../ports/log.ts'
import { RecordReader } from '../runtime/records.ts'
import { mixed, type MessageWriters } from './message-writers.ts'
import { nobody, type Writers } from './writers.ts'

export interface Recorded {
  position: Position
  record: AnyRecord
}

/** Something in the partition that is no task's record: `record` null where it can't even be read, for `reason`. */
export interface Stray {
  position: Position
  record: AnyRecord | null
  reason: string | null
}

export interface LaneOptions {
  log: Log
  codec: Codec
  writers: Writers
  index: MessageWriters
  topic: Topic
  partition: number
  /** whose records these are */
  writer: number
  /** records that are not compared are passed over */
  isWanted: (record: AnyRecord) => boolean
  /** hears of each stray once, whoever reads the partition */
  onStray: (stray: Stray) => void
}

const readAhead = { maxMessages: 64, maxBytes: 512 * 1024 }

/** What one task wrote to one partition of an output topic, in order. */
export class RecordedLane {
  readonly #options: LaneOptions
  readonly #reader: RecordReader<Topic>
  #messages: Message[] = []
  #next = 0
  #ready: Recorded[] = []
  #unreadable: Stray | null = null

  constructor(options: LaneOptions) {
    this.#options = options
    this.#reader = new RecordReader(options.codec, options.topic, options.partition)
  }

  /** The next one, which stays the next until `shift`; null at the end. */
  async peek(): Promise<Recorded | null> {
    for (;;) {
      const first = this.#ready[0]
      if (first !== undefined) return first
      const message = await this.#take()
      if (message === undefined) return null
      const known = this.#options.index.get(message.offset)
      if (known === undefined || known === mixed || known === this.#options.writer) this.#open(message, known === undefined)
    }
  }

  shift(): void {
    this.#ready.shift()
    this.#unreadable = null
  }

  /** What could not be read between the record shifted last and the next one. */
  get unreadable(): Stray | null {
    return this.#unreadable
  }

  async #take(): Promise<Message | undefined> {
    const { log, topic, partition } = this.#options
    if (this.#messages.length === 0) this.#messages = await log.read(topic, partition, this.#next, readAhead)
    const message = this.#messages.shift()
    if (message !== undefined) this.#next = message.offset + 1
    return message
  }

  #open(message: Message, isFirstLook: boolean): void {
    const { topic, writers, writer, index, isWanted, onStray } = this.#options
    const found = this.#read(message)
    const seen = new Set<number>()
    for (const { position, record, reason } of found.entries) {
      const of = record === null ? nobody : writers.of(topic, record)
      seen.add(of)
      if (record === null) this.#unreadable = { position, record, reason }
      if (of === nobody && isFirstLook) onStray({ position, record, reason })
      if (record !== null && of === writer && isWanted(record)) this.#ready.push({ position, record })
    }
    const [only] = seen
    if (isFirstLook) index.set(message.offset, found.isWhole && seen.size === 1 && only !== undefined ? only : mixed)
  }

  /** `isWhole`: all of it could be read, and nothing in it is a part. */
  #read(message: Message): { entries: Stray[]; isWhole: boolean } {
    const { codec, topic, partition } = this.#options
    try {
      const records = codec.decode(topic, message.value)
      if (records.every(({ type }) => type !== 'Part')) {
        const entries = records.map((record, index) => ({ position: { topic, partition, offset: message.offset, index }, record, reason: null }))
        return { entries, isWhole: true }
      }
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
    }
    const entries = this.#reader.read(message).map(({ position, record, error }) => ({ position, record, reason: error }))
    return { entries, isWhole: false }
  }
}
