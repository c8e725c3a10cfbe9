import type { AnyRecord, Topic } from '../../schemas/wire/topics.ts'
import { CodecError, type Codec } from '../ports/codec.ts'
import type { Log, Message } from '../ports/log.ts'
import { EnvironmentError, reasonOf } from './errors.ts'

/** Messages asked for at a time; they are mostly chunks of hundreds of records. */
const maxMessages = 1_000

/** A message decoded, or why it can't be. */
export type Decoded = { message: Message; records: AnyRecord[] } | { message: Message; undecodable: CodecError }

/** One partition's messages in order, read ahead in bounded portions. */
export class Input {
  readonly #log: Log
  readonly #codec: Codec
  readonly #topic: Topic
  readonly #partition: number
  readonly #maxBytes: number
  #ahead: Message[] = []
  #next = 0

  constructor(log: Log, codec: Codec, topic: Topic, partition: number, maxBytes: number) {
    this.#log = log
    this.#codec = codec
    this.#topic = topic
    this.#partition = partition
    this.#maxBytes = maxBytes
  }

  /** The message at `offset` or the first after it; null at the end. Callers go forward only. */
  async take(offset: number): Promise<Decoded | null> {
    if (this.#next >= this.#ahead.length) {
      this.#ahead = await this.#read(offset)
      this.#next = 0
    }
    const message = this.#ahead[this.#next]
    if (message === undefined) return null
    this.#next++
    return this.#decode(message)
  }

  async #read(offset: number): Promise<Message[]> {
    try {
      return await this.#log.read(this.#topic, this.#partition, offset, { maxMessages, maxBytes: this.#maxBytes })
    } catch (error) {
      const place = `${this.#topic}/${this.#partition}`
      throw new EnvironmentError(`${place}: reading from offset ${offset} failed: ${reasonOf(error)}`, { cause: error })
    }
  }

  #decode(message: Message): Decoded {
    try {
      return { message, records: this.#codec.decode(this.#topic, message.value) }
    } catch (error) {
      if (error instanceof CodecError) return { message, undecodable: error }
      const place = `${this.#topic}/${this.#partition}/${message.offset}`
      throw new EnvironmentError(`${place}: the codec could not work: ${reasonOf(error)}`, { cause: error })
    }
  }
}
