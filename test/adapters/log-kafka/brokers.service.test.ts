import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type kafkajs from 'kafkajs'
import type { Admin, Kafka, Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createClient, retry } from '../../../src/adapters/log-kafka/client.ts'
import { clusterOf, type Cluster } from '../../../src/adapters/log-kafka/internals.ts'
import type { KafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts'
import { Reader } from '../../../src/adapters/log-kafka/reader.ts'
import { allRepairs } from '../../../src/adapters/log-kafka/repair.ts'
import { Transactor } from '../../../src/adapters/log-kafka/transactor.ts'
import type { Message } from '../../../src/ports/log.ts'
import { fetchKafka, launchKafka, type KafkaCluster } from '../../services/kafka.ts'
import { copyOfKafkajs } from './copies.ts'
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

/** To the end: a segment has the records of one time, and an answer those of one segment. */
const readOn = async (of: KafkaLog, partition: number, offset = 0): Promise<Message[]> => {
  const messages = await of.read('facts', partition, offset, { maxMessages: 1_000, maxBytes: 1e6 })
  return messages.length === 0 ? [] : [...messages, ...(await readOn(of, partition, messages.at(-1)!.offset + 1))]
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
    await vi.waitFor(async () => expect((await readOn(log, 0)).map(({ value }) => value[0])).toEqual(Array.from({ length: written }, (_, i) => i + 1)), { timeout: 60_000, interval: 500 })
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
    // a commit is acknowledged before its markers are everywhere
    await vi.waitFor(async () => expect(await textsOf(topic, partitions)).toEqual(Array(partitions).fill(once)), { timeout: 60_000, interval: 500 })
  })
})

describe('a byte that is another on the disks of the brokers', { timeout: 60_000 }, () => {
  it('is refused with its place, where kafkajs as published takes it as it comes; the byte put right, all is read', async () => {
    const admin = createClient(installation.options, 'test').admin()
    await admin.connect()
    const topic = `${installation.options.prefix}damaged`
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 3 }] })
    await admin.disconnect()
    const writer = await connected(createClient(installation.options, 'test').producer({ idempotent: true, maxInFlightRequests: 1, retry }))
    for (const value of ['before', 'granted', 'behind']) await writer.send({ topic, acks: -1, messages: [{ partition: 0, value }] })
    await writer.disconnect()
    const change = (from: string, to: string): void => {
      for (const { data } of cluster.own) {
        const file = openSync(join(data, `${topic}-0`, '00000000000000000000.log'), 'r+')
        writeSync(file, to, readFileSync(file).indexOf(from))
        closeSync(file)
      }
    }
    const read = async ({ Kafka: Client, logLevel }: typeof kafkajs): Promise<string[]> => {
      const view = clusterOf(new Client({ brokers: [...cluster.brokers], logLevel: logLevel.NOTHING, retry }))
      await view.connect()
      await view.addMultipleTargetTopics([topic])
      const { messages } = await new Reader(view, 60_000).fetch(topic, 0, 0, 1e6)
      await view.disconnect()
      return messages.map(({ value }) => String(value))
    }
    change('granted', 'revoked')
    await expect(read(copyOfKafkajs(allRepairs))).rejects.toThrow('the batch at offset 1 is not as it was written')
    expect(await read(copyOfKafkajs(allRepairs.filter((repair) => repair !== 'unchecked')))).toEqual(['before', 'revoked', 'behind'])
    change('revoked', 'granted')
    expect(await read(copyOfKafkajs(allRepairs))).toEqual(['before', 'granted', 'behind'])
  })
})

/** The topic `single` of which each broker has one partition, and a log of which every partition has one copy: steps, one after another. */
describe('three brokers, of which one dies that has the only copies', { timeout: 200_000 }, () => {
  let single: Installation
  let own: KafkaLog
  let admin: Admin
  let view: Cluster
  let topic: string
  let dead: number
  let living: number[]
  let early: Consumed
  let late: Consumed
  let patient: Producer
  let waiting: Promise<unknown>
  let isWritten = false
  const leadersOf = async (name: string): Promise<number[]> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [`${single.options.prefix}${name}`] })
    return topics[0]!.partitions.toSorted((a, b) => a.partitionId - b.partitionId).map(({ leader: of }) => of)
  }
  /** One that has a leader, or none. */
  const partitionOf = async (name: string, isLed: boolean): Promise<number> => (await leadersOf(name)).findIndex((of) => of >= 0 === isLed)
  const commit = async (log: KafkaLog, value: number, to: number): Promise<void> => {
    const task = await log.openTask(`task/normalise/${await partitionOf('state-normalise', true)}`)
    try {
      await task.commit({ appends: [{ topic: 'facts', partition: to, key: null, timestamp: 1, value: Uint8Array.of(value) }], state: new Map([['a/n', Uint8Array.of(value)]]) })
    } finally {
      await task.close()
    }
  }
  const valuesOf = async (partition: number): Promise<number[]> => (await readOn(own, partition)).map(({ value }) => value[0]!)

  beforeAll(async () => {
    const client = createClient(installation.options, 'test')
    admin = client.admin()
    await admin.connect()
    await vi.waitFor(async () => expect((await admin.describeCluster()).brokers).toHaveLength(3), patience)
    view = clusterOf(client)
    await view.connect()
    single = await newInstallation(cluster.brokers, { replication: 1 })
    own = await single.open()
    topic = `${single.options.prefix}single`
    await admin.createTopics({ topics: [{ topic, replicaAssignment: [1, 2, 3].map((broker, partition) => ({ partition, replicas: [broker] })) }] })
    // no log is opened without its schemas
    const [schemasLeader] = await leadersOf('schemas')
    dead = [2, 1].find((partition) => partition + 1 !== schemasLeader)!
    living = [0, 1, 2].filter((partition) => partition !== dead)
    early = await consume(client, topic, await groupElsewhere(view, dead + 1))
    patient = await connected(client.producer({ idempotent: true, maxInFlightRequests: 1, retry: { ...retry, retries: 1_000 } }))
    for (const partition of [0, 1, 2]) await patient.send({ topic, messages: [{ partition, value: 'first' }] })
    await vi.waitFor(() => expect(early.seen).toEqual([['first'], ['first'], ['first']]), patience)
    await cluster.own[dead]!.kill()
    waiting = patient.send({ topic, messages: [{ partition: dead, value: 'second' }] }).then(() => (isWritten = true))
    for (const partition of living) await vi.waitFor(async () => expect(await leaderTold(view, partition + 1, topic, dead)).toBe(-1), patience)
    await view.addMultipleTargetTopics([topic])
  }, 200_000)
  afterAll(async () => {
    await Promise.all([early, late, patient, admin, view].map((it) => it.disconnect()))
    await own.close()
    await single.dispose()
  })

  it('kafkajs as published finds no leader at all, repaired it writes to those that live', async () => {
    const clientOf = ({ Kafka: Client, logLevel }: typeof kafkajs): Kafka =>
      new Client({ brokers: [...cluster.brokers], logLevel: logLevel.NOTHING, retry: { retries: 3, initialRetryTime: 20, maxRetryTime: 100 } })
    const write = async (client: Kafka): Promise<void> => {
      const producer = await connected(client.producer())
      try {
        for (const partition of living) await producer.send({ topic, messages: [{ partition, value: 'second' }] })
      } finally {
        await producer.disconnect()
      }
    }
    await expect(write(clientOf(copyOfKafkajs(allRepairs.filter((repair) => repair !== 'leaderless'))))).rejects.toThrow('There is no leader for this topic-partition')
    await write(clientOf(copyOfKafkajs(allRepairs)))
  })

  it('those that live are read, by a consumer that was there and by one that begins', async () => {
    late = await consume(createClient(installation.options, 'late'), topic, await groupElsewhere(view, dead + 1))
    for (const { seen } of [early, late]) await vi.waitFor(() => expect(living.map((partition) => seen[partition])).toEqual([['first', 'second'], ['first', 'second']]), patience)
  })

  it('what concerns the one that has no leader is refused for now, and nothing is done by halves', async () => {
    const ends = (partitions: readonly number[]): Promise<unknown> => view.fetchTopicsOffset([{ topic, partitions: partitions.map((partition) => ({ partition })), fromBeginning: false }])
    for (const partition of living) expect(await ends([partition])).toEqual([{ topic, partitions: [{ partition, offset: '2' }] }])
    const refused = [() => ends([dead]), () => ends([0, 1, 2]), () => admin.fetchTopicOffsets(topic), () => admin.deleteTopicRecords({ topic, partitions: [{ partition: dead, offset: '1' }] })]
    for (const ask of refused) await expect(ask()).rejects.toMatchObject({ name: 'KafkaJSBrokerNotFound', retriable: true })
    const producer = await connected(createClient(installation.options, 'test').producer({ retry: { retries: 1 } }))
    await expect(producer.send({ topic, messages: [0, 1, 2].map((partition) => ({ partition, value: 'lost' })) })).rejects.toThrow('Broker -1 not found')
    for (const partition of living) expect(await ends([partition])).toEqual([{ topic, partitions: [{ partition, offset: '2' }] }])
    expect(isWritten).toBe(false)
    await producer.disconnect()
  })

  it('a log goes on, and is opened, with what has leaders', async () => {
    const facts = await partitionOf('facts', true)
    await commit(own, 1, facts)
    const other = await single.open('other')
    await commit(other, 2, facts)
    await vi.waitFor(async () => expect(await valuesOf(facts)).toEqual([1, 2]), patience)
    await expect(commit(other, 3, await partitionOf('facts', false))).rejects.toMatchObject({ type: 'LEADER_NOT_AVAILABLE' })
    await other.close()
  })

  it('when it is back everything goes on, with nothing lost and nothing doubled', async () => {
    const facts = await partitionOf('facts', false)
    await cluster.own[dead]!.restart()
    await waiting
    for (const { seen } of [early, late]) await vi.waitFor(() => expect(seen).toEqual(Array(3).fill(['first', 'second'])), patience)
    await vi.waitFor(() => commit(own, 3, facts), patience)
    expect(await valuesOf(facts)).toEqual([3])
    await vi.waitFor(async () => expect((await admin.fetchTopicOffsets(topic)).map(({ high }) => high)).toEqual(['2', '2', '2']), patience)
  })
})

const patience = { timeout: 60_000, interval: 50 }

async function connected(producer: Producer): Promise<Producer> {
  await producer.connect()
  return producer
}

interface Consumed {
  /** values by partition and offset: a group may be given again what it read already */
  seen: string[][]
  disconnect(): Promise<void>
}

/** From the beginning. */
async function consume(client: Kafka, topic: string, groupId: string): Promise<Consumed> {
  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 500, retry: { ...retry, retries: 1_000 } })
  const seen: string[][] = [[], [], []]
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: ({ partition, message }) => Promise.resolve(void (seen[partition]![Number(message.offset)] = String(message.value))) })
  return { seen, disconnect: () => consumer.disconnect() }
}

/** A group that another broker coordinates: how a new coordinator is found is another matter. */
async function groupElsewhere(view: Cluster, broker: number): Promise<string> {
  for (;;) {
    const groupId = randomUUID()
    const { nodeId } = (await view.findGroupCoordinator({ groupId })) as unknown as { nodeId: number | string }
    if (Number(nodeId) !== broker) return groupId
  }
}

interface Asked {
  metadata(topics: string[]): Promise<{ topicMetadata: { partitionMetadata: { partitionId: number; leader: number }[] }[] }>
}

/** What this broker says: they hear of a death one after another. */
async function leaderTold(view: Cluster, broker: number, topic: string, partition: number): Promise<number | undefined> {
  const asked = (await view.findBroker({ nodeId: broker })) as unknown as Asked
  return (await asked.metadata([topic])).topicMetadata[0]!.partitionMetadata.find(({ partitionId }) => partitionId === partition)?.leader
}
