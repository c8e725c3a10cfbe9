import { randomBytes, randomUUID } from 'node:crypto'
import type kafkajs from 'kafkajs'
import type { Kafka, Producer, Transaction } from 'kafkajs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clusterOf, type Cluster } from '../../../src/adapters/log-kafka/internals.ts'
import { allRepairs, type Repair } from '../../../src/adapters/log-kafka/repair.ts'
import { startKafka, type KafkaCluster } from '../../services/kafka.ts'
import { copyOfKafkajs } from './copies.ts'

/** What a reader of committed records must see. Each case passes with the repairs and is shown to fail without. */
let cluster: KafkaCluster
let writer: Kafka
/** tells where partitions end, with what is not committed */
let ends: Cluster
beforeAll(async () => {
  cluster = await startKafka()
  writer = clientOf(copyOfKafkajs(allRepairs))
  ends = Object.assign(clusterOf(writer), { isolationLevel: 0 })
  await ends.connect()
}, 240_000)
afterAll(async () => {
  await ends.disconnect()
  await cluster.stop()
})

const retry = { retries: 30, initialRetryTime: 20, maxRetryTime: 500 }
const clientOf = ({ Kafka, logLevel }: typeof kafkajs): Kafka => new Kafka({ brokers: [...cluster.brokers], logLevel: logLevel.NOTHING, retry })
const without = (repair: Repair): Repair[] => allRepairs.filter((other) => other !== repair)

async function newTopic(config: Readonly<Record<string, string>> = {}): Promise<string> {
  const topic = `repair-${randomUUID()}`
  const admin = writer.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries: Object.entries(config).map(([name, value]) => ({ name, value })) }], waitForLeaders: false })
  await admin.disconnect()
  return topic
}

async function withProducers<T>(count: number, use: (producers: Producer[]) => Promise<T>): Promise<T> {
  const producers = Array.from({ length: count }, () => writer.producer({ transactionalId: randomUUID(), maxInFlightRequests: 1, idempotent: true, retry }))
  try {
    await Promise.all(producers.map((producer) => producer.connect()))
    return await use(producers)
  } finally {
    await Promise.all(producers.map((producer) => producer.disconnect()))
  }
}

const END = 'end'

/** What a consumer sees from an offset on, up to the record that ends the topic; null where it has not come there in time. */
async function seen(client: Kafka, topic: string, from: number, waitMs: number): Promise<string[] | null> {
  const consumer = client.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 })
  const values: string[] = []
  const ended = Promise.withResolvers<'ended'>()
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages) {
          const value = (message.value ?? '').toString().slice(0, 40)
          if (value === END) return ended.resolve('ended')
          values.push(value)
        }
      },
    })
    if (from > 0) consumer.seek({ topic, partition: 0, offset: String(from) })
    const outcome = await Promise.race([ended.promise, sleep(waitMs).then(() => 'late' as const)])
    return outcome === 'ended' ? values : null
  } finally {
    await consumer.disconnect()
  }
}

type Transactions = (topic: string, a: Producer, b: Producer) => Promise<void>
const put = (transaction: Transaction, topic: string, value: string, key: Buffer | null = null): Promise<unknown> =>
  transaction.send({ topic, messages: [{ key, value, partition: 0 }] })

/** Until its marker is there: what a reader makes of two transactions depends on whose comes first. */
async function abort(transaction: Transaction, topic: string): Promise<void> {
  await ends.addMultipleTargetTopics([topic])
  const end = async (): Promise<unknown> => (await ends.fetchTopicsOffset([{ topic, partitions: [{ partition: 0 }], fromBeginning: false }]))[0]?.partitions[0]?.offset
  const before = await end()
  await transaction.abort()
  while ((await end()) === before) await sleep(5)
}

const patterns: { name: string; leaks: boolean; from?: number; write: Transactions }[] = [
  {
    name: 'one transaction is aborted, the next one committed',
    leaks: false,
    write: async (topic, a) => {
      const lost = await a.transaction()
      await put(lost, topic, 'aborted')
      await lost.abort()
    },
  },
  {
    name: 'of two that overlap, the later one is aborted first',
    leaks: true,
    write: async (topic, a, b) => {
      const [first, second] = [await a.transaction(), await b.transaction()]
      await put(first, topic, 'aborted 1')
      await put(second, topic, 'aborted 2')
      await abort(second, topic)
      await put(first, topic, 'aborted 3')
      await abort(first, topic)
    },
  },
  {
    name: 'of two that overlap, the earlier one is aborted first',
    leaks: false,
    write: async (topic, a, b) => {
      const [first, second] = [await a.transaction(), await b.transaction()]
      await put(first, topic, 'aborted 1')
      await put(second, topic, 'aborted 2')
      await abort(first, topic)
      await abort(second, topic)
    },
  },
  {
    name: 'reading begins inside two aborted transactions',
    leaks: true,
    from: 2,
    write: async (topic, a, b) => {
      const [first, second] = [await a.transaction(), await b.transaction()]
      await put(first, topic, 'aborted 0')
      await put(second, topic, 'aborted 1')
      await put(second, topic, 'aborted 2')
      await put(first, topic, 'aborted 3')
      await abort(first, topic)
      await abort(second, topic)
    },
  },
  {
    name: 'an aborted record has the key that an abort marker has',
    leaks: true,
    write: async (topic, a) => {
      const lost = await a.transaction()
      await put(lost, topic, 'aborted 1', Buffer.alloc(4))
      await put(lost, topic, 'aborted 2')
      await lost.abort()
    },
  },
]

async function end(topic: string, a: Producer): Promise<void> {
  const kept = await a.transaction()
  await put(kept, topic, 'kept')
  await put(kept, topic, END)
  await kept.commit()
}

describe('kafkajs, repaired', { timeout: 120_000 }, () => {
  it.each(patterns)('aborted records are not seen where $name', async ({ leaks, from = 0, write }) => {
    const topic = await newTopic()
    await withProducers(2, async ([a, b]) => {
      await write(topic, a!, b!)
      await end(topic, a!)
    })
    expect(await seen(clientOf(copyOfKafkajs(allRepairs)), topic, from, 30_000)).toEqual(['kept'])
    const unrepaired = await seen(clientOf(copyOfKafkajs(without('aborted'))), topic, from, 30_000)
    expect(unrepaired !== null && unrepaired.some((value) => value.startsWith('aborted'))).toBe(leaks)
  })

  it('what three producers commit is seen, in order, and nothing else, whatever they abort in between', async () => {
    const topic = await newTopic()
    const committed = await withProducers(3, (producers) => interleave(topic, producers, 240))
    expect(committed.length).toBeGreaterThan(20)
    expect(await seen(clientOf(copyOfKafkajs(allRepairs)), topic, 0, 60_000)).toEqual(committed)
    const unrepaired = await seen(clientOf(copyOfKafkajs(without('aborted'))), topic, 0, 60_000)
    expect(unrepaired?.some((value) => !committed.includes(value))).toBe(true)
  })

  it('batches that compaction emptied are stepped over', async () => {
    // segments end by size alone: `max.compaction.lag.ms` would end them by time, and small ones are joined
    const topic = await newTopic({
      'cleanup.policy': 'compact', 'segment.bytes': String(1024 * 1024), 'min.cleanable.dirty.ratio': '0.001', 'delete.retention.ms': '0',
    })
    await fillSegments(topic)
    const repaired = clientOf(copyOfKafkajs(allRepairs))
    let values = await seen(repaired, topic, 0, 30_000)
    const isCompacted = (): boolean => values !== null && values.every((value) => !value.startsWith('superseded'))
    for (const deadline = Date.now() + 60_000; !isCompacted() && Date.now() < deadline; ) {
      await sleep(500)
      values = await seen(repaired, topic, 0, 30_000)
    }
    expect(isCompacted()).toBe(true)
    expect(values).toHaveLength(2 * LIVE + 1)
    expect(await seen(clientOf(copyOfKafkajs(without('emptied'))), topic, 0, 10_000)).toBeNull()
  })

  it('a connection without requests runs no timer', async () => {
    const repaired = await timersOfAnIdleClient(allRepairs)
    const unrepaired = await timersOfAnIdleClient(without('idle'))
    expect(unrepaired).toBeGreaterThan(50)
    expect(repaired).toBeLessThan(unrepaired / 5)
  })
})

/** Random steps of producers that begin, send, commit and abort; answers what was committed, in the order of the log. */
async function interleave(topic: string, producers: readonly Producer[], steps: number): Promise<string[]> {
  const open: (Transaction | null)[] = producers.map(() => null)
  const order: { value: string; outcome: { committed: boolean } }[] = []
  const outcomes = producers.map(() => ({ committed: false }))
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((seed / 2 ** 31) * below)
  }
  for (let step = 0; step < steps; step++) {
    const i = random(producers.length)
    const begun = open[i] ?? null
    const transaction = begun ?? (open[i] = await producers[i]!.transaction())
    if (begun === null) outcomes[i] = { committed: false }
    if (random(4) > 0) {
      await put(transaction, topic, `${i}/${step}`)
      order.push({ value: `${i}/${step}`, outcome: outcomes[i]! })
      continue
    }
    outcomes[i]!.committed = random(2) === 0
    await (outcomes[i]!.committed ? transaction.commit() : transaction.abort())
    open[i] = null
  }
  for (const transaction of open) await transaction?.abort()
  const last = await producers[0]!.transaction()
  await put(last, topic, END)
  await last.commit()
  return order.filter(({ outcome }) => outcome.committed).map(({ value }) => value)
}

const LIVE = 80
const EMPTIED = 16

/**
 * Each segment holds 1 MiB: 80 live records of 10 kB, then batches of 20 kB that reach into the second segment. Each is its
 * producer's last, so compaction keeps the batch, without its record, once a later one has the same key.
 */
async function fillSegments(topic: string): Promise<void> {
  const value = (bytes: number): string => randomBytes(bytes / 2).toString('hex')
  const write = async (messages: readonly { key: string; value: string }[]): Promise<void> => {
    const producer = writer.producer({ idempotent: true, maxInFlightRequests: 1, retry })
    await producer.connect()
    for (const message of messages) await producer.send({ topic, messages: [{ ...message, partition: 0 }] })
    await producer.disconnect()
  }
  const live = (name: string): { key: string; value: string }[] => Array.from({ length: LIVE }, (_, i) => ({ key: `${name}${i}`, value: value(10_000) }))
  await write(live('a'))
  for (let i = 0; i < EMPTIED; i++) await write([{ key: 'same', value: `superseded ${value(20_000)}` }])
  await write([{ key: 'same', value: 'live' }, ...live('b'), { key: 'last', value: END }])
  // the segment that is being written is never compacted: more follows
  await write([...live('c'), ...live('d')])
}

async function timersOfAnIdleClient(repairs: readonly Repair[]): Promise<number> {
  const admin = clientOf(copyOfKafkajs(repairs)).admin()
  await admin.connect()
  await admin.listTopics()
  const real = globalThis.setTimeout
  let timers = 0
  globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
    timers++
    return real(...args)
  }) as typeof setTimeout
  try {
    await sleep(500)
  } finally {
    globalThis.setTimeout = real
    await admin.disconnect()
  }
  return timers
}
