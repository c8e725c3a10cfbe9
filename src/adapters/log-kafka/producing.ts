import { setTimeout as sleep } from 'node:timers/promises'
import type { Message, RecordMetadata, RetryOptions } from 'kafkajs'

/** topic -> partition -> its records, in order */
export type Records = ReadonlyMap<string, ReadonlyMap<number, readonly Message[]>>

/** What kafkajs knows of a producer's transactions. */
export interface TransactionState {
  getTransactionalId(): string
  getProducerId(): string
  getProducerEpoch(): number
  getSequence(topic: string, partition: number): number
  updateSequence(topic: string, partition: number, increment: number): void
}

/** One partition's. Sent again it has the same sequence number, so that the partition takes it once, whoever leads it by then (KIP-98). */
interface Batch {
  partition: number
  firstSequence: number
  messages: readonly Message[]
}

interface TopicData {
  topic: string
  partitions: Batch[]
}

interface ProduceRequest {
  transactionalId: string
  producerId: string
  producerEpoch: number
  compression: number
  topicData: TopicData[]
}

type PartitionAnswer = Omit<RecordMetadata, 'topicName'>

export interface TopicAnswer {
  topicName: string
  partitions: PartitionAnswer[]
}

export interface ProducingCluster {
  connect(): Promise<void>
  isConnected(): boolean
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, number[]>>
  findBroker(node: { nodeId: string }): Promise<{ produce(request: ProduceRequest): Promise<{ topics: TopicAnswer[] }> }>
  removeBroker(address: { host: string; port: number }): void
}

export interface ProducingTools {
  errorOf: (code: number) => Error
  /** what a broker answered of each partition, where the error is such an answer */
  answersOf: (error: unknown) => TopicAnswer[] | undefined
}

export interface ProducingOptions {
  /** of a codec */
  compression: number
  /** of what fails in passing */
  retry: Required<Pick<RetryOptions, 'retries' | 'initialRetryTime' | 'maxRetryTime'>>
}

/** A partition whose records are not known to be written. */
interface Due extends Batch {
  topic: string
}

type Outcome = { due: Due; answer: PartitionAnswer } | { due: Due; error: unknown }

/**
 * One request to each broker, at the same time, acknowledged by all replicas; what failed in passing goes again, to whoever leads by then. All requests
 * are waited for before an error is thrown, so that none arrives after the abort; the producer can't be used any more then.
 */
export async function produce(
  tools: ProducingTools, cluster: ProducingCluster, state: TransactionState, records: Records, { compression, retry }: ProducingOptions,
): Promise<RecordMetadata[]> {
  await cluster.addMultipleTargetTopics([...records.keys()])
  const written: RecordMetadata[] = []
  let due: Due[] = [...records].flatMap(([topic, partitions]) =>
    [...partitions].map(([partition, messages]) => ({ topic, partition, messages, firstSequence: state.getSequence(topic, partition) })))
  for (let attempt = 0; ; attempt++) {
    await cluster.refreshMetadataIfNecessary()
    const outcomes = (await Promise.all([...byLeader(cluster, due)].map(([nodeId, asked]) => ask(tools, cluster, nodeId, requestOf(state, compression, asked), asked)))).flat()
    const errors: unknown[] = []
    due = []
    for (const outcome of outcomes) {
      if ('answer' in outcome) written.push({ topicName: outcome.due.topic, ...outcome.answer })
      else {
        errors.push(outcome.error)
        due.push(outcome.due)
      }
    }
    if (due.length === 0) break
    for (const error of errors) if (!isPassing(error) || attempt >= retry.retries) throw error
    await sleep(Math.min(retry.maxRetryTime, retry.initialRetryTime * 2 ** attempt))
    await lookAgain(cluster, errors)
  }
  for (const [topic, partitions] of records) for (const [partition, messages] of partitions) state.updateSequence(topic, partition, messages.length)
  return written
}

/** What kafkajs has in the place of a leader's id where there is none. */
const noLeader = '-1'
const LEADER_NOT_AVAILABLE = 5

/** Never throws: what a broker answers differs from partition to partition. */
async function ask({ errorOf, answersOf }: ProducingTools, cluster: ProducingCluster, nodeId: string, request: ProduceRequest, asked: readonly Due[]): Promise<Outcome[]> {
  if (nodeId === noLeader) return asked.map((due) => ({ due, error: errorOf(LEADER_NOT_AVAILABLE) }))
  let topics: TopicAnswer[]
  try {
    const broker = await cluster.findBroker({ nodeId })
    topics = (await broker.produce(request)).topics
  } catch (error) {
    const answered = answersOf(error)
    if (answered === undefined) return asked.map((due) => ({ due, error }))
    topics = answered
  }
  return asked.map((due) => {
    const answer = topics.find(({ topicName }) => topicName === due.topic)?.partitions.find(({ partition }) => partition === due.partition)
    if (answer === undefined) return { due, error: new Error(`a broker did not say whether records of ${due.topic}/${due.partition} landed`) }
    return answer.errorCode === 0 ? { due, answer } : { due, error: errorOf(answer.errorCode) }
  })
}

function byLeader(cluster: ProducingCluster, due: readonly Due[]): Map<string, Due[]> {
  const leaders = new Map<string, Due[]>()
  for (const one of due) {
    const nodeId = Object.keys(cluster.findLeaderForPartitions(one.topic, [one.partition]))[0] ?? noLeader
    const asked = leaders.get(nodeId)
    if (asked === undefined) leaders.set(nodeId, [one])
    else asked.push(one)
  }
  return leaders
}

function requestOf(state: TransactionState, compression: number, asked: readonly Due[]): ProduceRequest {
  const topics = new Map<string, Batch[]>()
  for (const { topic, partition, firstSequence, messages } of asked) {
    const batch = { partition, firstSequence, messages }
    const partitions = topics.get(topic)
    if (partitions === undefined) topics.set(topic, [batch])
    else partitions.push(batch)
  }
  const topicData = [...topics].map(([topic, partitions]) => ({ topic, partitions }))
  return { transactionalId: state.getTransactionalId(), producerId: state.getProducerId(), producerEpoch: state.getProducerEpoch(), compression, topicData }
}

/** As kafkajs marks what is worth another try. */
const isPassing = (error: unknown): boolean => error instanceof Error && 'retriable' in error && error.retriable === true

/** Who leads may have changed, and connections may be gone. Where nobody answers, the next attempt finds out. */
async function lookAgain(cluster: ProducingCluster, errors: readonly unknown[]): Promise<void> {
  for (const error of errors) {
    if (error instanceof Error && error.name === 'KafkaJSConnectionClosedError') cluster.removeBroker(error as Error & { host: string; port: number })
  }
  try {
    if (!cluster.isConnected()) await cluster.connect()
    await cluster.refreshMetadata()
  } catch (error) {
    if (!isPassing(error)) throw error
  }
}
