import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import { RecordReader } from '../runtime/records.ts'

/** What came to partition 0 of a topic since the last time. */
export class Tail<T extends Topic> {
  readonly #log: Log
  readonly #codec: Codec
  readonly #topic: T
  #position = 0

  constructor(log: Log, codec: Codec, topic: T) {
    this.#log = log
    this.#codec = codec
    this.#topic = topic
  }

  /** What is there so far is somebody else's. */
  async skip(): Promise<void> {
    this.#position = await this.#log.end(this.#topic, 0)
  }

  async news(): Promise<RecordOf<T>[]> {
    const reader = new RecordReader(this.#codec, this.#topic, 0)
    const found: RecordOf<T>[] = []
    for (;;) {
      const messages = await this.#log.read(this.#topic, 0, this.#position, { maxMessages: 1_000, maxBytes: 2 ** 24 })
      if (messages.length === 0) return found
      for (const message of messages) {
        this.#position = message.offset + 1
        for (const { record } of reader.read(message)) if (record !== null) found.push(record)
      }
    }
  }
}
