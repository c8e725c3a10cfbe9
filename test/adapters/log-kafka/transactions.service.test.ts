import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../../../src/adapters/log-kafka/client.ts'
import type { DirectTransaction } from '../../../src/adapters/log-kafka/transactions.ts'
import { Transactor } from '../../../src/adapters/log-kafka/transactor.ts'
import type { Outgoing } from '../../../src/adapters/log-kafka/waves.ts'
import { FencedError } from '../../../src/ports/log.ts'
import { startKafka, type KafkaCluster } from '../../services/kafka.ts'

/** How often the transaction's coordinator is told what a transaction writes to. */
let cluster: KafkaCluster
let kafka: Kafka
beforeAll(async () => {
  cluster = await startKafka()
  kafka = createClient({ brokers: cluster.brokers, tls: null, sasl: null, log: () => undefined }, 'test')
}, 240_000)
afterAll(() => cluster.stop())

const partitions = 6
/** Each falls into another moment of a transaction. */
const takeovers = 150
const none = { offsets: () => undefined, commit: () => undefined }
const timeoutMs = 20_000

async function newTopic(): Promise<string> {
  const topic = `announcing-${randomUUID()}`
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
  await admin.disconnect()
  return topic
}

/** Names of the requests that the producer made since. */
function heard(producer: Producer): string[] {
  const names: string[] = []
  producer.on('producer.network.request', ({ payload: { apiName } }) => void names.push(apiName))
  return names
}

/** Announcements between the first record of a transaction and its end; those before it may be repeated while the last one is being ended. */
function late(names: readonly string[]): number {
  let begun = false
  let found = 0
  for (const name of names) {
    if (name === 'Produce') begun = true
    if (name === 'EndTxn') begun = false
    if (begun && name === 'AddPartitionsToTxn') found++
  }
  return found
}
const everywhere = (topic: string): Outgoing[] =>
  Array.from({ length: partitions }, (_, partition) => ({ topic, partition, key: null, value: Buffer.from('x'), timestamp: 1_700_000_000_000 }))

describe('a transaction over many partitions', () => {
  it('is announced before its first record, each time anew, and each record is where the answer says', async () => {
    const topic = await newTopic()
    let producer: Producer | undefined
    const heardOf: Pick<Kafka, 'producer'> = { producer: (options) => (producer = kafka.producer(options)) }
    const transactor = await Transactor.open(heardOf as Kafka, randomUUID(), timeoutMs)
    const requests = heard(producer!)
    try {
      for (const turn of [0, 1]) {
        const { offsets } = await transactor.write(everywhere(topic), null, none)
        // the marker of the transaction before took an offset
        expect(offsets).toEqual(Array.from({ length: partitions }, () => 2 * turn))
        expect(requests.filter((name) => name === 'EndTxn')).toHaveLength(turn + 1)
      }
      // one broker leads them all
      expect(requests.filter((name) => name === 'Produce')).toHaveLength(2)
      expect(requests).toContain('AddPartitionsToTxn')
      expect(requests).not.toContain('GroupCoordinator')
      expect(late(requests)).toBe(0)
    } finally {
      await transactor.close()
    }
  })

  it('is announced partition by partition by kafkajs itself', async () => {
    const topic = await newTopic()
    const producer = kafka.producer({ transactionalId: randomUUID(), maxInFlightRequests: 1, idempotent: true, createPartitioner: () => ({ message }) => message.partition! })
    await producer.connect()
    try {
      const requests = heard(producer)
      const transaction = (await producer.transaction()) as DirectTransaction
      for (const { partition, value, key } of everywhere(topic)) await transaction.send({ topic, messages: [{ partition, key, value }] })
      await transaction.commit()
      expect(late(requests)).toBe(partitions - 1)
    } finally {
      await producer.disconnect()
    }
  })
})

it('that is taken over in any moment ends as one that was taken over, and as nothing else', async () => {
  const topic = await newTopic()
  const id = randomUUID()
  const outcomes: unknown[] = []
  let holder = await Transactor.open(kafka, id, timeoutMs)
  for (let turn = 0; turn < takeovers; turn++) {
    const writing = holder
    const ended = (async (): Promise<unknown> => {
      try {
        for (;;) await writing.write(everywhere(topic), null, none)
      } catch (error) {
        return error
      }
    })()
    await sleep(Math.random() * 30)
    holder = await Transactor.open(kafka, id, timeoutMs)
    outcomes.push(await ended)
    await writing.close()
  }
  await holder.close()
  expect(outcomes.filter((error) => !(error instanceof FencedError))).toEqual([])
}, 120_000)
