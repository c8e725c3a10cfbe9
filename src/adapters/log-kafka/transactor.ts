import type { Kafka, Message, Producer, RecordMetadata } from 'kafkajs'
import { FencedError } from '../../ports/log.ts'
import { retry } from './client.ts'
import { errorType } from './error-type.ts'
import { CompressionTypes } from './kafkajs.ts'
import { placeOf } from './reader.ts'
import type { DirectTransaction, TopicPartitions } from './transactions.ts'
import { untilCoordinated } from './until-coordinated.ts'
import { waves, type Outgoing } from './waves.ts'

export interface Written {
  /** of each outgoing record, in their order */
  offsets: number[]
  /** place -> the offset after the last record there */
  ends: Map<string, { topic: string; partition: number; end: number }>
  /** the newest append time that a broker gave, ms; null where all topics keep the writer's */
  appendedMs: number | null
}

interface InputPosition {
  group: string
  topic: string
  partition: number
  offset: number
}

const fencedTypes: ReadonlySet<string | undefined> = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'])

/**
 * The one holder of a transactional id. Any error spends it: what became of the transaction is not known then, and a producer of
 * kafkajs that failed to commit can't be used again. Taking a new one under the same id settles it.
 */
export class Transactor {
  readonly #id: string
  readonly #producer: Producer

  private constructor(id: string, producer: Producer) {
    this.#id = id
    this.#producer = producer
  }

  /** Fences whoever holds the id, and waits until its last transaction is committed or aborted. */
  static async open(kafka: Kafka, id: string, transactionTimeoutMs: number): Promise<Transactor> {
    return await untilCoordinated(() => Transactor.#open(kafka, id, transactionTimeoutMs))
  }

  static async #open(kafka: Kafka, id: string, transactionTimeoutMs: number): Promise<Transactor> {
    const producer = kafka.producer({
      transactionalId: id,
      transactionTimeout: transactionTimeoutMs,
      idempotent: false, // the transactional part is; this only saves a second producer id that nobody uses
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry,
      createPartitioner: () => () => 0, // never asked: each record names its partition
    })
    try {
      await producer.connect()
      const probe = await producer.transaction() // only this asks for a producer id, which is what fences
      await probe.abort()
      return new Transactor(id, producer)
    } catch (error) {
      await quietly(producer.disconnect())
      throw error
    }
  }

  /** All of it in one transaction. `before` is called at the named moments. Throws FencedError where another took the id. */
  async write(items: readonly Outgoing[], input: InputPosition | null, before: { offsets(): void; commit(): void }): Promise<Written> {
    let begun: DirectTransaction | null = null
    try {
      const transaction = (begun = (await this.#producer.transaction()) as DirectTransaction)
      const topics = topicsOf(items)
      await untilCoordinated(() => transaction.addPartitions(topics))
      // each is waited for, so that none arrives after the abort
      const both = [produceAll(transaction, items, () => before.offsets()), commitPosition(transaction, input)] as const
      await Promise.allSettled(both)
      const [written] = await Promise.all(both)
      before.commit()
      await transaction.commit()
      return written
    } catch (error) {
      // others must not wait for it; where this fails, the next holder of the id ends it
      if (begun?.isActive() === true) await quietly(begun.abort())
      if (fencedTypes.has(errorType(error))) throw new FencedError(`${this.#id} was taken over by another owner. Stop this one`, { cause: error })
      throw error
    }
  }

  async close(): Promise<void> {
    await quietly(this.#producer.disconnect())
  }
}

async function produceAll(transaction: DirectTransaction, items: readonly Outgoing[], onSent: () => void): Promise<Written> {
  const written: Written = { offsets: [], ends: new Map(), appendedMs: null }
  for (const wave of waves(items)) note(written, wave, await transaction.produce(recordsOf(wave), { compression: CompressionTypes.ZSTD, retry }))
  onSent()
  return written
}

async function commitPosition(transaction: DirectTransaction, input: InputPosition | null): Promise<void> {
  if (input === null) return
  const { group, topic, partition, offset } = input
  const offsets = { consumerGroupId: group, topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }] }
  await untilCoordinated(() => transaction.sendOffsets(offsets))
}

function topicsOf(items: readonly Outgoing[]): TopicPartitions[] {
  const topics = new Map<string, Set<number>>()
  for (const { topic, partition } of items) {
    const partitions = topics.get(topic)
    if (partitions === undefined) topics.set(topic, new Set([partition]))
    else partitions.add(partition)
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions: [...partitions].map((partition) => ({ partition })) }))
}

/** Of one request to each broker. */
function recordsOf(wave: readonly Outgoing[]): Map<string, Map<number, Message[]>> {
  const topics = new Map<string, Map<number, Message[]>>()
  for (const item of wave) {
    let partitions = topics.get(item.topic)
    if (partitions === undefined) topics.set(item.topic, (partitions = new Map<number, Message[]>()))
    const messages = partitions.get(item.partition)
    if (messages === undefined) partitions.set(item.partition, [messageOf(item)])
    else messages.push(messageOf(item))
  }
  return topics
}

function messageOf({ key, value, timestamp, headers }: Outgoing): Message {
  return { key, value, timestamp: String(timestamp), ...(headers ? { headers } : {}) }
}

function note(written: Written, wave: readonly Outgoing[], answers: readonly RecordMetadata[]): void {
  const next = new Map<string, number>()
  for (const { topicName, partition, baseOffset, logAppendTime } of answers) {
    next.set(placeOf(topicName, partition), Number(baseOffset))
    const appended = Number(logAppendTime ?? -1)
    if (appended >= 0) written.appendedMs = Math.max(appended, written.appendedMs ?? 0)
  }
  for (const { topic, partition } of wave) {
    const place = placeOf(topic, partition)
    const offset = next.get(place)
    if (offset === undefined) throw new Error(`the brokers did not say where records of ${place} landed`)
    written.offsets.push(offset)
    next.set(place, offset + 1)
    written.ends.set(place, { topic, partition, end: offset + 1 })
  }
}

async function quietly(promise: Promise<unknown>): Promise<void> {
  try {
    await promise
  } catch {
    // it was the second error: the first one is told
  }
}
