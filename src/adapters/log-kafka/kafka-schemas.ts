import { randomUUID } from 'node:crypto'
import type { Kafka, Producer } from 'kafkajs'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { jsonOrNull } from '../../core/json.ts'
import { FencedError, type Message } from '../../ports/log.ts'
import { isSameSchema, refuseCollision, StoredSchema, type SchemaStore } from '../codec/schema-store.ts'
import { textBytes } from '../log-embedded/layout.ts'
import { retry } from './client.ts'
import type { OtherTopics } from './other-topics.ts'
import type { Reader } from './reader.ts'
import { Transactor } from './transactor.ts'

const readBytes = 1024 * 1024

/** Keys of what an unfinished filling is filling the log with, of the log's id, of the topics' own, and before its name of a topic's on the brokers; other keys are ids of schemas. */
const fillingKey = 'filling'
const idKey = 'id'
const incarnationKey = 'incarnation'
const topicKey = 'topic-id/'

interface KafkaSchemasOptions {
  kafka: Kafka
  reader: Reader
  topic: string
  transactionTimeoutMs: number
  others: OtherTopics
}

/**
 * The schemas of all messages in a compacted topic beside them: id -> schema. For installations without a schema registry; and in any
 * installation what the log has to say of itself.
 */
export class KafkaSchemas implements SchemaStore {
  readonly #producer: Producer
  readonly #reader: Reader
  readonly #topic: string
  readonly #known = new Map<number, StoredSchema>()
  #id: string | null = null
  #incarnation: string | null = null
  #filling: string | null = null
  /** of the topics by their names, when the log first had them */
  readonly #topicIds = new Map<string, string>()
  #next = 0
  /** put here, and not in the log yet */
  readonly #unwritten = new Map<number, StoredSchema>()
  #writing: Promise<void> | null = null

  static async open(options: KafkaSchemasOptions): Promise<KafkaSchemas> {
    const { kafka, reader, topic } = options
    const producer = kafka.producer({ maxInFlightRequests: 1, allowAutoTopicCreation: false, retry, createPartitioner: () => () => 0 })
    await producer.connect()
    const schemas = new KafkaSchemas(producer, reader, topic)
    try {
      await schemas.#catchUp()
      while (schemas.#id === null) await schemas.#giveId(options)
      await schemas.#requireTopics(await options.others.ids())
      return schemas
    } catch (error) {
      await schemas.close()
      throw error
    }
  }

  private constructor(producer: Producer, reader: Reader, topic: string) {
    this.#producer = producer
    this.#reader = reader
    this.#topic = topic
  }

  /** Of the log. */
  get id(): string {
    if (this.#id === null) throw new Error(`${this.#topic} gives the log no id, though one was read there when it was opened`)
    return this.#id
  }

  /** Of these topics: where the log is carried elsewhere, or back, its id goes along and this does not. Topics that were given none have their log's id. */
  get incarnation(): string {
    return this.#incarnation ?? this.id
  }

  /** What an import that was begun and is not finished fills this log with. */
  get filling(): string | null {
    return this.#filling
  }

  async noteFilling(source: string): Promise<void> {
    await this.#producer.send({ topic: this.#topic, acks: -1, messages: [{ key: fillingKey, value: source }] })
    this.#filling = source
  }

  /** In one batch: both or neither. */
  async noteFilled(id: string): Promise<void> {
    await this.#producer.send({ topic: this.#topic, acks: -1, messages: [{ key: idKey, value: id }, { key: fillingKey, value: null }] })
    this.#id = id
    this.#filling = null
  }

  get(id: number): StoredSchema | undefined {
    return this.#known.get(id) ?? this.#unwritten.get(id)
  }

  /** Known here at once, in the log before the next commit. */
  put(id: number, topic: Topic, text: string): void {
    const stored = this.get(id)
    if (stored !== undefined) return refuseCollision(id, stored, topic, text)
    this.#unwritten.set(id, { topic, text })
  }

  /**
   * Resolves when all that was put is in the log. Rejects where some of it could not be written, which is tried again when this is asked again, and where another
   * process has given an id to another schema at the same time: the one that came first in the log has it.
   */
  async written(): Promise<void> {
    while (this.#unwritten.size > 0) await (this.#writing ??= this.#write())
  }

  /** Before they are handed on: another process may have written with a schema that is newer than what is known here. */
  async know(messages: readonly Message[]): Promise<void> {
    if (messages.some(({ value }) => value.length >= 5 && value[0] === 0 && !this.#known.has(idOf(value)))) await this.#catchUp()
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }

  /** Throws where one of these topics is not the one that the log had. Those that it has only now are noted. */
  async #requireTopics(ids: ReadonlyMap<string, string>): Promise<void> {
    const others = [...ids].filter(([topic, id]) => (this.#topicIds.get(topic) ?? id) !== id)
    if (others.length > 0) {
      throw new Error(
        `${others.map(([topic, id]) => `${topic} was made anew (its id on the brokers is ${id}, it was ${this.#topicIds.get(topic)})`).join('; ')}: ` +
          'positions in states and tables count the messages of what was deleted. Nothing was read. ' +
          'Topics belong together: begin a log under another kafka.prefix, and fill it with an export of before where there is one (grantline log import)',
      )
    }
    const missing = [...ids].filter(([topic]) => !this.#topicIds.has(topic))
    if (missing.length === 0) return
    await this.#producer.send({ topic: this.#topic, acks: -1, messages: missing.map(([topic, id]) => ({ key: `${topicKey}${topic}`, value: id })) })
    for (const [topic, id] of missing) this.#topicIds.set(topic, id)
  }

  /** Of processes that find none at the same time, each fences the one before it, and looks again before it writes: one writes. */
  async #giveId({ kafka, reader, topic, transactionTimeoutMs, others }: KafkaSchemasOptions): Promise<void> {
    const transactor = await Transactor.open(kafka, `${topic}.id`, transactionTimeoutMs)
    try {
      await this.#catchUp()
      if (this.#id !== null) return
      const held = await others.held()
      if (held !== null) throw new Error(`${topic} was made anew, or is of no log yet, though ${held} holds messages: they are of a log that is gone in part. Begin under another kafka.prefix, or delete all topics of this one`)
      const records = [idKey, incarnationKey].map((key) => ({ topic, partition: 0, key: textBytes(key), value: Buffer.from(randomUUID()), timestamp: Date.now() }))
      const { ends } = await transactor.write(records, null, { offsets: () => undefined, commit: () => undefined })
      for (const { end } of ends.values()) reader.noteCommitted(topic, 0, end)
      await this.#catchUp()
    } catch (error) {
      if (!(error instanceof FencedError)) throw error
    } finally {
      await transactor.close()
    }
  }

  /** What whoever asks meanwhile waits for, too. */
  async #write(): Promise<void> {
    try {
      const missing = [...this.#unwritten].filter(([id]) => !this.#known.has(id))
      if (missing.length > 0) {
        await this.#send(missing)
        await this.#catchUp()
      }
      for (const [id, schema] of missing) if (!this.#known.has(id)) this.#known.set(id, schema)
      const lost = [...this.#unwritten].find(([id, schema]) => !isSameSchema(this.#known.get(id) ?? schema, schema))
      if (lost !== undefined) {
        const first = this.#known.get(lost[0])!
        // compaction leaves what came last
        if (missing.includes(lost)) await this.#send([[lost[0], first]])
        throw new Error(
          `schema id ${lost[0]} was given to a schema of ${lost[1].topic} here, and at the same time to another one, of ${first.topic}, which came into ${this.#topic} first. ` +
            'A schema registry that gives an id twice has lost what it held: restore its storage, and start this process again',
        )
      }
      for (const id of [...this.#unwritten.keys()]) if (this.#known.has(id)) this.#unwritten.delete(id)
    } finally {
      this.#writing = null
    }
  }

  async #send(batch: readonly (readonly [id: number, schema: StoredSchema])[]): Promise<void> {
    const messages = batch.map(([id, schema]) => ({ key: String(id), value: JSON.stringify(schema) }))
    const [answer] = await this.#producer.send({ topic: this.#topic, acks: -1, messages })
    if (answer?.baseOffset !== undefined) this.#reader.noteCommitted(this.#topic, 0, Number(answer.baseOffset) + messages.length)
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const messages = await this.#reader.read(this.#topic, 0, this.#next, readBytes)
      if (messages.length === 0) return
      for (const { offset, key, value } of messages) {
        this.#next = Number(offset) + 1
        this.#note(key?.toString() ?? null, value?.toString() ?? null)
      }
    }
  }

  #note(key: string | null, value: string | null): void {
    if (key === fillingKey) this.#filling = value
    else if (key === idKey) this.#id = value
    else if (key === incarnationKey) this.#incarnation = value
    else if (key?.startsWith(topicKey) === true && value !== null) this.#topicIds.set(key.slice(topicKey.length), value)
    else if (key !== null && value !== null) this.#noteSchema(key, value)
  }

  /** A stranger, and a release that has more topics, may have written what is no schema here: nothing that can be read here names it. */
  #noteSchema(key: string, value: string): void {
    const stored = StoredSchema.safeParse(jsonOrNull(value))
    if (/^\d+$/.test(key) && stored.success && !this.#known.has(Number(key))) this.#known.set(Number(key), stored.data)
  }
}

const idOf = (value: Uint8Array): number => new DataView(value.buffer, value.byteOffset).getUint32(1)
