import type { Kafka, Producer } from 'kafkajs'
import type { Topic } from '../../../schemas/wire/topics.ts'
import type { Message } from '../../ports/log.ts'
import type { Filling } from '../../ports/portable-log.ts'
import { retry } from './client.ts'
import { GapMaker } from './gap-maker.ts'
import type { Cluster } from './internals.ts'
import { outgoingOf } from './kafka-task.ts'
import type { KafkaSchemas } from './kafka-schemas.ts'
import { CompressionTypes } from './kafkajs.ts'
import { placeOf, type Reader } from './reader.ts'
import { topicName } from './topics.ts'
import { waves } from './waves.ts'

interface FillingParts {
  kafka: Kafka
  cluster: Cluster
  reader: Reader
  schemas: KafkaSchemas
  prefix: string
  transactionTimeoutMs: number
}

/**
 * Writes outside of transactions, since the marker that ends one takes up an offset: an idempotent producer, one request at a time,
 * each looked at for where it landed. Where messages stood apart, aborted transactions take up what lay between.
 */
export class KafkaFilling implements Filling {
  readonly #parts: FillingParts
  readonly #producer: Producer
  readonly #gaps: GapMaker
  /** topic and partition on the brokers -> the offset that the next record gets */
  readonly #ends = new Map<string, number>()

  static async open(parts: FillingParts): Promise<KafkaFilling> {
    const { kafka, cluster, prefix, transactionTimeoutMs } = parts
    const gaps = await GapMaker.open(kafka, cluster, `${prefix}filling`, transactionTimeoutMs)
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, retry, createPartitioner: () => ({ message }) => message.partition ?? 0 })
    await producer.connect()
    return new KafkaFilling(parts, producer, gaps)
  }

  private constructor(parts: FillingParts, producer: Producer, gaps: GapMaker) {
    this.#parts = parts
    this.#producer = producer
    this.#gaps = gaps
  }

  async add(topic: Topic, partition: number, messages: readonly Message[]): Promise<void> {
    await this.#parts.schemas.written()
    for (let first = 0; first < messages.length; ) {
      let last = first
      while (messages[last + 1]?.offset === messages[last]!.offset + 1) last++
      const run = messages.slice(first, last + 1)
      await this.extend(topic, partition, run[0]!.offset)
      await this.#write(topic, partition, run)
      first = last + 1
    }
  }

  async extend(topic: Topic, partition: number, end: number): Promise<void> {
    const { prefix } = this.#parts
    const gap = end - (await this.#end(topic, partition))
    if (gap < 0) throw new Error(`${placeOf(topicName(prefix, topic), partition)} has more than it is filled with: something else writes to it. Begin again with another kafka.prefix`)
    if (gap === 0) return
    await this.#gaps.make(topicName(prefix, topic), partition, gap)
    await this.#settled(topic, partition, end)
  }

  async finish(id: string): Promise<void> {
    await this.#parts.schemas.written()
    await this.#parts.schemas.noteFilled(id)
    await Promise.all([this.#producer.disconnect(), this.#gaps.close()])
  }

  async #write(topic: Topic, partition: number, run: readonly Message[]): Promise<void> {
    const { prefix } = this.#parts
    const name = topicName(prefix, topic)
    let next = run[0]!.offset
    for (const wave of waves(run.map((message) => outgoingOf(prefix, { topic, partition, ...message })))) {
      const messages = wave.map(({ key, value, timestamp, headers }) => ({ key, value, partition, timestamp: String(timestamp), ...(headers ? { headers } : {}) }))
      const [answer] = await this.#producer.send({ topic: name, acks: -1, compression: CompressionTypes.ZSTD, messages })
      const landed = Number(answer?.baseOffset)
      if (landed !== next) throw new Error(`${placeOf(name, partition)}: what belongs at offset ${next} landed at ${landed}: something else writes to it. Begin again with another kafka.prefix`)
      next += wave.length
    }
    await this.#settled(topic, partition, next)
  }

  async #end(topic: Topic, partition: number): Promise<number> {
    const name = topicName(this.#parts.prefix, topic)
    return this.#ends.get(placeOf(name, partition)) ?? (await this.#parts.reader.end(name, partition))
  }

  /** Visible, so that a marker is written before what comes behind it. */
  async #settled(topic: Topic, partition: number, end: number): Promise<void> {
    const { prefix, reader } = this.#parts
    const name = topicName(prefix, topic)
    reader.noteCommitted(name, partition, end)
    const found = await reader.end(name, partition)
    if (found !== end) throw new Error(`${placeOf(name, partition)} ends at ${found} where it should at ${end}: something else writes to it. Begin again with another kafka.prefix`)
    this.#ends.set(placeOf(name, partition), end)
  }
}
