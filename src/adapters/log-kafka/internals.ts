import type { Kafka } from 'kafkajs'
import { requireFromHere } from './kafkajs.ts'

/**
 * What is used of kafkajs beyond its documented interface: it can't read a partition at a chosen offset without a consumer group,
 * nor join a group without fetching. The release is pinned and checked (repair.ts), so these are as stable as the rest of it.
 */
export interface RawMessage {
  offset: string
  /** ms */
  timestamp: string
  key: Buffer | null
  value: Buffer | null
  isControlRecord: boolean
}

export interface PartitionResponse {
  partition: number
  lastStableOffset: string
  abortedTransactions: { producerId: string; firstOffset: string }[] | null
  messages: RawMessage[]
}

export interface FetchRequest {
  maxWaitTime: number
  minBytes: number
  maxBytes: number
  topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[]
}

export interface JoinedGroup {
  generationId: number
  memberId: string
  leaderId: string
  members: { memberId: string; memberMetadata: Buffer }[]
}

export interface ProtocolEncoder {
  writeUVarInt(value: number): ProtocolEncoder
  writeUVarIntString(text: string): ProtocolEncoder
  writeBuffer(bytes: Buffer): ProtocolEncoder
  writeBoolean(value: boolean): ProtocolEncoder
}

export interface ProtocolRequest<T> {
  request: { apiKey: number; apiVersion: number; apiName: string; encode: () => Promise<ProtocolEncoder> }
  response: { decode: (bytes: Buffer) => Promise<T>; parse: (answer: T) => Promise<T> }
  logResponseError: boolean
}

export interface Broker {
  /** what it offers, by the number of the request */
  versions: Readonly<Record<number, { minVersion: number; maxVersion: number } | undefined>>
  connectionPool: { send<T>(request: ProtocolRequest<T>): Promise<T> }
  fetch(request: FetchRequest): Promise<{ responses: { topicName: string; partitions: PartitionResponse[] }[] }>
  joinGroup(request: {
    groupId: string
    /** ms */
    sessionTimeout: number
    /** ms */
    rebalanceTimeout: number
    memberId: string
    groupProtocols: { name: string; metadata: Buffer }[]
  }): Promise<JoinedGroup>
  syncGroup(request: {
    groupId: string
    generationId: number
    memberId: string
    groupAssignment: { memberId: string; memberAssignment: Buffer }[]
  }): Promise<{ memberAssignment: Buffer }>
  /** `protocol`: empty while the group shares out */
  describeGroups(request: { groupIds: string[] }): Promise<{ groups: { protocol: string }[] }>
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
  initProducerId(request: { transactionalId: string; transactionTimeout: number }): Promise<{ producerId: string; producerEpoch: number }>
  addPartitionsToTxn(request: { transactionalId: string; producerId: string; producerEpoch: number; topics: { topic: string; partitions: number[] }[] }): Promise<unknown>
  endTxn(request: { transactionalId: string; producerId: string; producerEpoch: number; transactionResult: boolean }): Promise<unknown>
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
}

export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  isConnected(): boolean
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  removeBroker(address: { host: string; port: number }): void
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number; partitionErrorCode: number }[]
  findBroker(node: { nodeId: number }): Promise<Broker>
  findGroupCoordinator(group: { groupId: string; coordinatorType?: number }): Promise<Broker>
  fetchTopicsOffset(
    topics: { topic: string; partitions: { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<{ topic: string; partitions: { partition: number; offset: string }[] }[]>
}

const READ_COMMITTED = 1

/** A view of the cluster with connections of its own; offsets are those of committed records. */
export function clusterOf(kafka: Kafka): Cluster {
  const create = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster')
  if (create === undefined) throw new Error('kafkajs has no private:Kafka:createCluster: it is not the release that this was written for')
  return (kafka as unknown as Record<symbol, (options: object) => Cluster>)[create]!({
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
    metadataMaxAge: 300_000,
  })
}

export const filterAborted = requireFromHere('kafkajs/src/consumer/filterAbortedMessages') as (fetched: Pick<PartitionResponse, 'messages' | 'abortedTransactions'>) => RawMessage[]

/** The formats of the consumer protocol. */
interface AssignerProtocol {
  MemberMetadata: {
    encode(metadata: { version: number; topics: string[]; userData: Buffer }): Buffer
    decode(bytes: Buffer): { topics: string[]; userData: Buffer }
  }
  MemberAssignment: {
    encode(assignment: { version: number; assignment: Record<string, number[]>; userData: Buffer }): Buffer
    decode(bytes: Buffer): { assignment: Record<string, number[]> } | null
  }
}

export const { MemberMetadata, MemberAssignment } = requireFromHere('kafkajs/src/consumer/assignerProtocol') as AssignerProtocol
