import type kafkajs from 'kafkajs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { clusterOf, type Cluster } from '../../../src/adapters/log-kafka/internals.ts'
import { produce, type ProducingCluster, type TransactionState } from '../../../src/adapters/log-kafka/producing.ts'
import { allRepairs } from '../../../src/adapters/log-kafka/repair.ts'
import { requireOfCopy } from './copies.ts'

const repaired = requireOfCopy(allRepairs)
const unrepaired = requireOfCopy(allRepairs.filter((repair) => repair !== 'leaderless'))

const LEADER_NOT_AVAILABLE = 5
const UNKNOWN_TOPIC_OR_PARTITION = 3
const partitionOf = (partitionId: number, leader: number): object => ({ partitionErrorCode: leader < 0 ? LEADER_NOT_AVAILABLE : 0, partitionId, leader, replicas: [1], isr: [] })
/** Of the topic `t`, with these leaders of its partitions. */
const answerOf = (leaders: readonly number[], topicErrorCode = 0): object => ({
  brokers: [1, 2].map(addressOf), controllerId: 1,
  topicMetadata: [{ topic: 't', topicErrorCode, partitionMetadata: leaders.map((leader, partitionId) => partitionOf(partitionId, leader)) }],
})
const addressOf = (nodeId: number): object => ({ nodeId, host: `broker-${nodeId}`, port: 1, rack: null })

describe.each([0, 1, 2, 3, 4, 5, 6])('an answer about topics, version %i', (version) => {
  const parse = (require: NodeJS.Require, answer: object): Promise<object> =>
    (require(`kafkajs/src/protocol/requests/metadata/v${version}/response`) as { parse: (answer: object) => Promise<object> }).parse(answer)

  it('is kept whole where a partition has an error', async () => {
    const answer = answerOf([1, -1, 1])
    expect(await parse(repaired, answer)).toBe(answer)
    await expect(parse(unrepaired, answer)).rejects.toMatchObject({ type: 'LEADER_NOT_AVAILABLE' })
  })

  it('is an error where a topic has one', async () => {
    await expect(parse(repaired, answerOf([1, -1], UNKNOWN_TOPIC_OR_PARTITION))).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})

interface Inner extends Cluster {
  brokerPool: { brokers: object; seedBroker: object; findConnectedBroker: () => Promise<object> }
}

/** A cluster of brokers that answer the leaders that are given here. */
function clusterWith(require: NodeJS.Require, brokers: readonly object[], leaders: () => readonly number[]): Inner {
  const { Kafka, logLevel } = require('kafkajs') as typeof kafkajs
  const cluster = clusterOf(new Kafka({ brokers: ['broker-1:1'], logLevel: logLevel.NOTHING, retry: { retries: 3, initialRetryTime: 1 } })) as Inner
  const known = [1, 2].map((nodeId) => ({
    ...brokers[nodeId - 1], nodeId, connectionPool: addressOf(nodeId), isConnected: () => true, metadata: () => Promise.resolve(answerOf(leaders())),
  }))
  Object.assign(cluster.brokerPool, { brokers: { 1: known[0], 2: known[1] }, seedBroker: known[0], findConnectedBroker: () => Promise.resolve(known[0]) })
  return cluster
}

describe('a partition without a leader', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is asked for again after a second, where somebody reads or writes, and no more once it has one', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let asked = 0
    let leaders = [1, -1]
    const cluster = clusterWith(repaired, [], () => {
      asked++
      return leaders
    })
    await cluster.addMultipleTargetTopics(['t'])
    await cluster.refreshMetadataIfNecessary()
    expect(asked).toBe(1)
    vi.advanceTimersByTime(1_001)
    await cluster.refreshMetadataIfNecessary()
    expect(asked).toBe(2)
    leaders = [1, 1]
    vi.advanceTimersByTime(1_001)
    for (const _ of [1, 2]) {
      await cluster.refreshMetadataIfNecessary()
      vi.advanceTimersByTime(250_000)
    }
    expect(asked).toBe(3)
    expect(cluster.findTopicPartitionMetadata('t').map(({ leader }) => leader)).toEqual([1, 1])
  })

  it('has no offsets to tell, and others have', async () => {
    const listOffsets = ({ topics }: { topics: { topic: string; partitions: { partition: number }[] }[] }): Promise<object> =>
      Promise.resolve({ responses: topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map(({ partition }) => ({ partition, offset: '7' })) })) })
    const cluster = clusterWith(repaired, [{ listOffsets }], () => [1, -1])
    await cluster.addMultipleTargetTopics(['t'])
    const offsets = (...partitions: number[]): Promise<object[]> => cluster.fetchTopicsOffset([{ topic: 't', partitions: partitions.map((partition) => ({ partition })), fromBeginning: true }])
    expect(await offsets(0)).toEqual([{ topic: 't', partitions: [{ partition: 0, offset: '7' }] }])
    for (const asked of [offsets(1), offsets(0, 1)]) await expect(asked).rejects.toMatchObject({ name: 'KafkaJSBrokerNotFound', retriable: true })
  })

  it('keeps whoever creates its topic waiting', async () => {
    let told: readonly number[] = []
    let asked = 0
    const cluster = clusterWith(repaired, [{ createTopics: () => Promise.resolve() }], () => (told = ++asked < 4 ? [1, -1] : [1, 1]))
    const createAdmin = repaired('kafkajs/src/admin') as (options: object) => { createTopics: (topics: object) => Promise<boolean> }
    const admin = createAdmin({ logger: { namespace: () => ({}) }, retry: {}, cluster })
    await admin.createTopics({ topics: [{ topic: 't' }] })
    expect(told).toEqual([1, 1])
  })

  it('begins in a consumer once it has one, and does not keep the others from it', async () => {
    let leaders = [1, -1]
    const asked: number[][] = []
    const cluster = clusterWith(repaired, [], () => leaders)
    const coordinator = {
      isConnected: () => true,
      offsetFetch: ({ topics }: { topics: { partitions: { partition: number }[] }[] }) => {
        asked.push(topics[0]!.partitions.map(({ partition }) => partition))
        return Promise.resolve({ responses: topics.map((topic) => ({ ...topic, partitions: topic.partitions.map(({ partition }) => ({ partition, offset: '5' })) })) })
      },
    }
    const OffsetManager = repaired('kafkajs/src/consumer/offsetManager') as new (options: object) => { resolveOffsets: () => Promise<void>; committedOffsets: () => object }
    const manager = new OffsetManager({ cluster, coordinator, memberAssignment: { t: [0, 1] }, topicConfigurations: { t: {} }, groupId: 'g' })
    await cluster.addMultipleTargetTopics(['t'])
    await manager.resolveOffsets()
    expect(manager.committedOffsets()).toEqual({ t: { 0: '5' } })
    leaders = [1, 1]
    await cluster.refreshMetadata()
    await manager.resolveOffsets()
    expect(manager.committedOffsets()).toEqual({ t: { 0: '5', 1: '5' } })
    expect(asked).toEqual([[0], [1]])
  })

  it('gets what was meant for it, whatever partition would be chosen now', async () => {
    let leaders = [1, 2]
    let asked = 0
    const written: Record<string, number> = {}
    type Sent = { topicData: { partitions: { partition: number; messages: { value: string }[] }[] }[] }
    const take = ({ topicData }: Sent): object => {
      for (const { partitions } of topicData) for (const { partition, messages } of partitions) for (const { value } of messages) written[value] = partition
      return { topics: [] }
    }
    const { KafkaJSConnectionError } = repaired('kafkajs/src/errors') as { KafkaJSConnectionError: new (message: string) => Error }
    const dying = {
      produce: (sent: Sent): Promise<object> => {
        if (asked > 1) return Promise.resolve(take(sent))
        leaders = [1, -1]
        return Promise.reject(new KafkaJSConnectionError('it is gone'))
      },
    }
    const cluster = clusterWith(repaired, [{ produce: (sent: Sent) => Promise.resolve(take(sent)) }, dying], () => {
      if (++asked === 3) leaders = [1, 2]
      return leaders
    })
    const { DefaultPartitioner } = repaired('kafkajs/src/producer/partitioners') as { DefaultPartitioner: () => unknown }
    const quiet = (): void => undefined
    const done = (): Promise<void> => Promise.resolve()
    const makeSend = repaired('kafkajs/src/producer/sendMessages') as (options: object) => (batch: object) => Promise<unknown>
    const send = makeSend({
      cluster, partitioner: DefaultPartitioner(), logger: { debug: quiet, error: quiet },
      retrier: (repaired('kafkajs/src/retry') as (options: object) => unknown)({ retries: 5, initialRetryTime: 1 }),
      eosManager: {
        acquireBrokerLock: done, releaseBrokerLock: done, isTransactional: () => false, getProducerId: () => -1, getProducerEpoch: () => 0,
        getSequence: () => 0, updateSequence: quiet,
      },
    })
    await send({ acks: -1, topicMessages: [{ topic: 't', messages: ['a', 'b', 'c'].map((value) => ({ value })) }] })
    expect(Object.keys(written).toSorted()).toEqual(['a', 'b', 'c'])
    expect(new Set(Object.values(written))).toEqual(new Set([0, 1]))
  })

  it('gets what a transaction writes there when it has one, under the same sequence number, and what others have got does not go again', async () => {
    const sent: object[] = []
    let leaders = [1, -1]
    const broker = {
      produce: ({ topicData }: { topicData: { topic: string; partitions: { partition: number; firstSequence: number }[] }[] }) => {
        sent.push(...topicData.flatMap(({ partitions }) => partitions.map(({ partition, firstSequence }) => ({ partition, firstSequence }))))
        return Promise.resolve({ topics: topicData.map(({ topic, partitions }) => ({ topicName: topic, partitions: partitions.map(({ partition }) => ({ partition, errorCode: 0, baseOffset: '3' })) })) })
      },
    }
    let asked = 0
    const cluster = clusterWith(repaired, [broker], () => {
      if (++asked === 3) leaders = [1, 1]
      return leaders
    })
    const sequences = [10, 20]
    const state: TransactionState = {
      getTransactionalId: () => 'id', getProducerId: () => '1', getProducerEpoch: () => 0,
      getSequence: (_, partition) => sequences[partition]!,
      updateSequence: (_, partition, increment) => void (sequences[partition]! += increment),
    }
    const { createErrorFromCode } = repaired('kafkajs/src/protocol/error') as { createErrorFromCode: (code: number) => Error }
    const tools = { errorOf: createErrorFromCode, answersOf: () => undefined }
    const records = new Map([['t', new Map([0, 1].map((partition) => [partition, [{ value: 'v' }]]))]])
    const write = (retries: number): Promise<object[]> => produce(tools, cluster as unknown as ProducingCluster, state, records, { compression: 0, retry: { retries, initialRetryTime: 1, maxRetryTime: 1 } })
    await expect(write(0)).rejects.toMatchObject({ type: 'LEADER_NOT_AVAILABLE', retriable: true })
    expect(sequences).toEqual([10, 20])
    sent.length = 0
    expect(await write(5)).toHaveLength(2)
    expect(sent).toEqual([{ partition: 0, firstSequence: 10 }, { partition: 1, firstSequence: 20 }])
    expect(sequences).toEqual([11, 21])
  })
})
