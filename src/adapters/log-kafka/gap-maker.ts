import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, Producer } from 'kafkajs'
import { retry } from './client.ts'
import { errorType } from './error-type.ts'
import type { Broker, Cluster } from './internals.ts'

/** The protocol's number of transaction coordinators. */
const TRANSACTIONS = 1
/** Of what fills a gap and is never seen: a record without key and value. */
const fillersInRequest = 10_000
/** Answers that had no effect: the transaction before is being ended, or the coordinator moves. */
const passing: ReadonlySet<string | undefined> = new Set(['CONCURRENT_TRANSACTIONS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP', 'GROUP_LOAD_IN_PROGRESS'])
const attempts = 400
const attemptMs = 10

/**
 * Takes up offsets with nothing that a reader sees: an aborted transaction leaves its records and one marker behind. One that has no
 * records leaves the marker alone, for which kafkajs has no front: these requests go to the coordinator directly.
 */
export class GapMaker {
  readonly #cluster: Cluster
  readonly #markers: string
  readonly #producer: Producer
  readonly #identity: { producerId: string; producerEpoch: number }

  /** Ends what a predecessor left open, which takes up no more than it meant to. `id` begins both transactional ids. */
  static async open(kafka: Kafka, cluster: Cluster, id: string, transactionTimeoutMs: number): Promise<GapMaker> {
    const markers = `${id}/markers`
    const producer = kafka.producer({ transactionalId: `${id}/records`, transactionTimeout: transactionTimeoutMs, maxInFlightRequests: 1, allowAutoTopicCreation: false, retry, createPartitioner: () => ({ message }) => message.partition ?? 0 })
    await producer.connect()
    const probe = await producer.transaction() // only this asks for a producer id, which ends the predecessor's transaction
    await probe.abort()
    const identity = await asked(cluster, markers, (broker) => broker.initProducerId({ transactionalId: markers, transactionTimeout: transactionTimeoutMs }))
    return new GapMaker(cluster, markers, producer, identity)
  }

  private constructor(cluster: Cluster, markers: string, producer: Producer, identity: { producerId: string; producerEpoch: number }) {
    this.#cluster = cluster
    this.#markers = markers
    this.#producer = producer
    this.#identity = identity
  }

  /** The partition's end has moved by `offsets` soon after. */
  async make(topic: string, partition: number, offsets: number): Promise<void> {
    if (offsets === 1) return this.#marker(topic, partition)
    const transaction = await this.#producer.transaction()
    for (let left = offsets - 1; left > 0; left -= fillersInRequest) {
      const messages = Array.from({ length: Math.min(left, fillersInRequest) }, () => ({ key: null, value: null, partition, timestamp: '0' }))
      await transaction.send({ topic, acks: -1, messages })
    }
    await transaction.abort()
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }

  async #marker(topic: string, partition: number): Promise<void> {
    const transaction = { transactionalId: this.#markers, ...this.#identity }
    await asked(this.#cluster, this.#markers, (broker) => broker.addPartitionsToTxn({ ...transaction, topics: [{ topic, partitions: [partition] }] }))
    await asked(this.#cluster, this.#markers, (broker) => broker.endTxn({ ...transaction, transactionResult: false }))
  }
}

async function asked<T>(cluster: Cluster, id: string, ask: (coordinator: Broker) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(await cluster.findGroupCoordinator({ groupId: id, coordinatorType: TRANSACTIONS }))
    } catch (error) {
      if (attempt === attempts || !passing.has(errorType(error))) throw error
      await sleep(attemptMs)
    }
  }
}
