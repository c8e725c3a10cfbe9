import { randomUUID } from 'node:crypto'
import type { Kafka, Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createClient } from '../../../src/adapters/log-kafka/client.ts'
import { clusterOf } from '../../../src/adapters/log-kafka/internals.ts'
import type { KafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts'
import { Reader } from '../../../src/adapters/log-kafka/reader.ts'
import { Transactor } from '../../../src/adapters/log-kafka/transactor.ts'
import type { Message } from '../../../src/ports/log.ts'
import { fetchKafka, launchKafka, type KafkaCluster } from '../../services/kafka.ts'
import { newInstallation, type Installation } from './installation.ts'

let cluster: KafkaCluster
let installation: Installation
let log: KafkaLog
beforeAll(async () => {
  cluster = await launchKafka(await fetchKafka(), { brokers: 3 })
  installation = await newInstallation(cluster.brokers, { replication: 3 })
  log = await installation.open()
}, 300_000)
afterAll(async () => {
  await log.close()
  await cluster.stop()
})

const readOn = async (offset = 0): Promise<Message[]> => {
  const messages = await log.read('facts', 0, offset, { maxMessages: 1_000, maxBytes: 1e6 })
  return messages.length === 0 ? [] : [...messages, ...(await readOn(messages.at(-1)!.offset + 1))]
}

/** All that is committed now, by partition. */
async function textsOf(topic: string, partitions: number): Promise<string[][]> {
  const cluster = clusterOf(createClient(installation.options, 'test'))
  await cluster.connect()
  await cluster.addMultipleTargetTopics([topic])
  const reader = new Reader(cluster, 60_000)
  const textsIn = async (partition: number): Promise<string[]> => {
    const texts: string[] = []
    for (let offset = 0, end = await reader.end(topic, partition); offset < end; ) {
      const { messages, next } = await reader.fetch(topic, partition, offset, 1e6)
      texts.push(...messages.map(({ value }) => String(value)))
      offset = next
    }
    return texts
  }
  const found = await Promise.all(Array.from({ length: partitions }, (_, partition) => textsIn(partition)))
  await cluster.disconnect()
  return found
}

/** Which broker leads the partition that is written to. */
async function leader(): Promise<number> {
  const admin = createClient(installation.options, 'test').admin()
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: [`${installation.options.prefix}facts`] })
  await admin.disconnect()
  return topics[0]!.partitions.find(({ partitionId }) => partitionId === 0)!.leader
}

describe('three brokers, of which one dies', { timeout: 400_000 }, () => {
  it('everything acknowledged is there once, and a task that is opened again goes on, whichever it was', async () => {
    const id = 'task/normalise/0'
    let task = await log.openTask(id)
    let written = 0
    /** As the runtime does: any error spends the hold, the state says what was written. */
    const write = async (): Promise<void> => {
      const next = written + 1
      await vi.waitFor(
        async () => {
          const done = Number(Buffer.from(task.state.get('a/n') ?? []).toString())
          if (done === next) return
          try {
            const value = Uint8Array.of(next)
            await task.commit({ appends: [{ topic: 'facts', partition: 0, key: null, timestamp: 1, value }], state: new Map([['a/n', Buffer.from(String(next))]]) })
          } catch (error) {
            task = await log.openTask(id)
            throw error
          }
        },
        { timeout: 90_000, interval: 100 },
      )
      written = next
    }
    const leaders = new Set<number>()
    for (const broker of cluster.own) {
      leaders.add(await leader())
      await write()
      await broker.kill()
      await write()
      await write()
      await broker.restart()
      await write()
    }
    leaders.add(await leader())
    expect(leaders.size).toBeGreaterThan(1)
    await vi.waitFor(async () => expect((await readOn()).map(({ value }) => value[0])).toEqual(Array.from({ length: written }, (_, i) => i + 1)), { timeout: 60_000, interval: 500 })
  })

  it('what goes to all brokers at once is written once, though some partitions have other leaders than its writer knows', async () => {
    const client = createClient(installation.options, 'test')
    const admin = client.admin()
    await admin.connect()
    const topic = `${installation.options.prefix}leaders`
    const partitions = 9
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 3 }] })
    let writer: Producer | undefined
    const heard: Pick<Kafka, 'producer'> = { producer: (options) => (writer = client.producer(options)) }
    const transactor = await Transactor.open(heard as Kafka, randomUUID(), 60_000)
    let requests = 0
    let acknowledged = 0
    writer!.on('producer.network.request', ({ payload: { apiName } }) => void (requests += apiName === 'Produce' ? 1 : 0))
    // older records are removed by the topic's retention
    const timestamp = Date.now()
    const write = async (): Promise<void> => {
      const items = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, key: null, value: Buffer.from(String(acknowledged)), timestamp }))
      const { offsets } = await transactor.write(items, null, { offsets: () => undefined, commit: () => undefined })
      // a marker follows each transaction, and may come twice: a coordinator that was killed in between does not know that it wrote it
      for (const offset of offsets) expect(offset).toBeGreaterThanOrEqual(2 * acknowledged)
      acknowledged++
    }
    const leaders = async (): Promise<number[]> => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions.toSorted((a, b) => a.partitionId - b.partitionId).map(({ leader: of }) => of)
    await write()
    const before = await leaders()
    expect(new Set(before).size).toBe(3)
    requests = 0
    await write()
    expect(requests).toBe(3)
    await cluster.own[1]!.kill()
    await cluster.own[1]!.restart()
    await vi.waitFor(async () => expect(await leaders()).not.toContain(-1), { timeout: 60_000, interval: 500 })
    expect(await leaders()).not.toEqual(before)
    requests = 0
    await write()
    expect(requests).toBeGreaterThan(3)
    await write()
    await transactor.close()
    await admin.disconnect()
    const once = Array.from({ length: acknowledged }, (_, n) => String(n))
    expect(await textsOf(topic, partitions)).toEqual(Array(partitions).fill(once))
  })
})
