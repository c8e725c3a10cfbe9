import type { Kafka, Producer } from 'kafkajs'
import { z } from 'zod'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import type { Message } from '../../ports/log.ts'
import { refuseCollision, type SchemaStore, type StoredSchema } from '../codec/schema-store.ts'
import type { Reader } from './reader.ts'
import { retry } from './client.ts'

const Stored = z.object({ topic: z.enum(topicNames), text: z.string() })
const readBytes = 1024 * 1024

/** The key of what an unfinished filling is filling the log with; other keys are ids. */
const fillingKey = 'filling'

/** The schemas of all messages in a compacted topic beside them: id -> schema. For installations without a schema registry. */
export class KafkaSchemas implements SchemaStore {
  readonly #producer: Producer
  readonly #reader: Reader
  readonly #topic: string
  readonly #known = new Map<number, StoredSchema>()
  #filling: string | null = null
  #next = 0
  #writing: Promise<unknown> = Promise.resolve()

  static async open(kafka: Kafka, reader: Reader, topic: string): Promise<KafkaSchemas> {
    const producer = kafka.producer({ maxInFlightRequests: 1, allowAutoTopicCreation: false, retry, createPartitioner: () => () => 0 })
    await producer.connect()
    const schemas = new KafkaSchemas(producer, reader, topic)
    await schemas.#catchUp()
    return schemas
  }

  private constructor(producer: Producer, reader: Reader, topic: string) {
    this.#producer = producer
    this.#reader = reader
    this.#topic = topic
  }

  /** What an import that was begun and is not finished fills this log with. */
  get filling(): string | null {
    return this.#filling
  }

  async noteFilling(source: string | null): Promise<void> {
    await this.#producer.send({ topic: this.#topic, acks: -1, messages: [{ key: fillingKey, value: source }] })
    this.#filling = source
  }

  get(id: number): StoredSchema | undefined {
    return this.#known.get(id)
  }

  /** Known here at once, in the log before the next commit. */
  put(id: number, topic: Topic, text: string): void {
    const stored = this.get(id)
    if (stored !== undefined) return refuseCollision(id, stored, topic, text)
    this.#known.set(id, { topic, text })
    const message = { key: String(id), value: JSON.stringify({ topic, text }) }
    this.#writing = this.#writing.then(() => this.#producer.send({ topic: this.#topic, acks: -1, messages: [message] }))
    this.#writing.catch(() => this.#known.delete(id))
  }

  /** Rejects where one could not be written; the next message that needs it tries again. */
  async written(): Promise<void> {
    const writing = this.#writing
    try {
      await writing
    } catch (error) {
      if (this.#writing === writing) this.#writing = Promise.resolve()
      throw error
    }
  }

  /** Before they are handed on: another process may have written with a schema that is newer than what is known here. */
  async know(messages: readonly Message[]): Promise<void> {
    if (messages.some(({ value }) => value.length >= 5 && value[0] === 0 && !this.#known.has(idOf(value)))) await this.#catchUp()
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const messages = await this.#reader.read(this.#topic, 0, this.#next, readBytes)
      if (messages.length === 0) return
      for (const { offset, key, value } of messages) {
        this.#next = Number(offset) + 1
        if (key?.toString() === fillingKey) this.#filling = value?.toString() ?? null
        if (key === null || value === null || key.toString() === fillingKey) continue
        this.#known.set(Number(key.toString()), Stored.parse(JSON.parse(value.toString())))
      }
    }
  }
}

const idOf = (value: Uint8Array): number => new DataView(value.buffer, value.byteOffset).getUint32(1)
