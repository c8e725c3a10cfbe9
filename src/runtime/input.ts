import type { Topic } from '../../schemas/wire/topics.ts'
import { reasonOf } from '../core/reason.ts'
import { CodecError, type Codec, type Foreseen, type OpenChunk } from '../ports/codec.ts'
import type { Log, Message } from '../ports/log.ts'
import { EnvironmentError, ProcessorError } from './errors.ts'

/** Messages asked for at a time; they are mostly chunks of hundreds of records. */
const maxMessages = 1_000

/** A message that can be decoded, or why it can't be. */
type Taken = { message: Message; chunk: OpenChunk<Topic> } | { message: Message; undecodable: CodecError }

/** One partition's messages in order, read ahead in bounded portions. */
export class Input {
  readonly #log: Log
  readonly #codec: Codec
  readonly #topic: Topic
  readonly #partition: number
  readonly #maxBytes: number
  /** the next one last: what was taken is not held until more is read */
  #ahead: Message[] = []

  constructor(log: Log, codec: Codec, topic: Topic, partition: number, maxBytes: number) {
    this.#log = log
    this.#codec = codec
    this.#topic = topic
    this.#partition = partition
    this.#maxBytes = maxBytes
  }

  /**
   * The message at `offset` or the first after it; null at the end. Callers go forward only. With `foreseen` records are looked through and decoded
   * one by one, where the codec can; else all of a message's at once.
   */
  async take(offset: number, foreseen: Foreseen | null = null): Promise<Taken | null> {
    if (this.#ahead.length === 0) this.#ahead = (await this.#read(offset)).toReversed()
    const message = this.#ahead.pop()
    return message === undefined ? null : this.#open(message, foreseen)
  }

  async #read(offset: number): Promise<Message[]> {
    try {
      return await this.#log.read(this.#topic, this.#partition, offset, { maxMessages, maxBytes: this.#maxBytes })
    } catch (error) {
      const place = `${this.#topic}/${this.#partition}`
      throw new EnvironmentError(`${place}: reading from offset ${offset} failed: ${reasonOf(error)}`, { cause: error })
    }
  }

  #open(message: Message, foreseen: Foreseen | null): Taken {
    try {
      return { message, chunk: this.#chunk(message, foreseen) }
    } catch (error) {
      if (error instanceof CodecError) return { message, undecodable: error }
      if (error instanceof ProcessorError) throw error
      const place = `${this.#topic}/${this.#partition}/${message.offset}`
      throw new EnvironmentError(`${place}: the codec could not work: ${reasonOf(error)}`, { cause: error })
    }
  }

  #chunk({ value }: Message, foreseen: Foreseen | null): OpenChunk<Topic> {
    const open = foreseen === null ? undefined : this.#codec.open?.(this.#topic, value, foreseen)
    if (open !== undefined) return open
    const records = this.#codec.decode(this.#topic, value)
    return { count: records.length, record: (index) => records[index]!, encoded: () => null, foreseen: () => null }
  }
}
