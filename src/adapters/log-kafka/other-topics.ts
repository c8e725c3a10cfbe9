import type { LogLine } from './client.ts'
import type { Broker, Cluster, ProtocolEncoder as Encoder, ProtocolRequest } from './internals.ts'
import { requireFromHere } from './kafkajs.ts'
import { askLeader } from './leader.ts'

interface Decoder {
  buffer: Buffer
  offset: number
  readInt16(): number
  readInt32(): number
  readBoolean(): boolean
  readUVarInt(): number
  readUVarIntString(): string | null
  readUVarIntArray<T>(read: (decoder: Decoder) => T): T[] | null
}

const EncoderClass = requireFromHere('kafkajs/src/protocol/encoder') as new () => Encoder
const DecoderClass = requireFromHere('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder
const { createErrorFromCode, failure } = requireFromHere('kafkajs/src/protocol/error') as { createErrorFromCode: (code: number) => Error; failure: (code: number) => boolean }

/** Metadata with ids, which a request names topics without. kafkajs asks for it up to 6, which has none. */
const metadataKey = 3
const metadataVersion = 11

const noTags = 0
const idBytes = 16
/** Also what is said of a topic that has none: it was made on brokers that knew of no ids. */
const noId = Buffer.alloc(idBytes)
const noIdText = noId.toString('base64url')

/** What the brokers have of a log beside the topic that says which log it is. */
export interface OtherTopics {
  /**
   * The ids that they were given when they were made, as Kafka's own tools spell them: one of the same name that is made anew has another.
   * Without those that the brokers gave none.
   */
  ids(): Promise<ReadonlyMap<string, string>>
  /** One that holds something; null where none does. */
  held(): Promise<string | null>
}

/** It is the leader of `own` who is asked: without it no log is opened anyway. */
export function otherTopics(cluster: Cluster, own: string, topics: readonly string[], log: LogLine): OtherTopics {
  return {
    async ids() {
      const ids = await askLeader(cluster, own, 0, async (broker) => (tellsIds(broker) ? broker.connectionPool.send(metadata(topics)) : new Map<string, string>()))
      if (ids.size < topics.length) log('warn', `the brokers gave ${ids.size} of ${topics.length} topics an id: a topic without one that is deleted and made anew is not told from the one before`, {})
      return ids
    },
    async held() {
      const places = (topic: string): { partition: number }[] => cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }))
      const ends = await askLeader(cluster, own, 0, () => cluster.fetchTopicsOffset(topics.map((topic) => ({ topic, partitions: places(topic), fromBeginning: false }))))
      return ends.find(({ partitions }) => partitions.some(({ offset }) => Number(offset) > 0))?.topic ?? null
    },
  }
}

function tellsIds({ versions }: Broker): boolean {
  const offered = versions[metadataKey]
  return offered !== undefined && offered.minVersion <= metadataVersion && metadataVersion <= offered.maxVersion
}

/** A flexible version (KIP-482): each structure ends with its tags, and so does the header. */
function metadata(topics: readonly string[]): ProtocolRequest<Map<string, string>> {
  return {
    logResponseError: false, // a topic that was made just now is asked for again
    request: {
      apiKey: metadataKey,
      apiVersion: metadataVersion,
      apiName: 'Metadata',
      async encode() {
        const request = new EncoderClass().writeUVarInt(noTags).writeUVarInt(topics.length + 1)
        for (const topic of topics) request.writeBuffer(noId).writeUVarIntString(topic).writeUVarInt(noTags)
        const [mayCreate, withOperations] = [false, false]
        return request.writeBoolean(mayCreate).writeBoolean(withOperations).writeUVarInt(noTags)
      },
    },
    response: {
      async decode(bytes) {
        const answer = new DecoderClass(bytes)
        skipTags(answer)
        answer.readInt32() // how long to be quiet
        answer.readUVarIntArray(skipBroker)
        answer.readUVarIntString() // the cluster
        answer.readInt32() // its controller
        return new Map(answer.readUVarIntArray(readTopic)?.filter(([, id]) => id !== noIdText))
      },
      parse: (ids) => Promise.resolve(ids),
    },
  }
}

function skipBroker(answer: Decoder): void {
  answer.readInt32()
  answer.readUVarIntString()
  answer.readInt32()
  answer.readUVarIntString()
  skipTags(answer)
}

function readTopic(answer: Decoder): [name: string, id: string] {
  const code = answer.readInt16()
  if (failure(code)) throw createErrorFromCode(code)
  const name = answer.readUVarIntString() ?? ''
  const id = answer.buffer.toString('base64url', answer.offset, (answer.offset += idBytes))
  answer.readBoolean()
  answer.readUVarIntArray(skipPartition)
  answer.readInt32()
  skipTags(answer)
  return [name, id]
}

function skipPartition(answer: Decoder): void {
  answer.readInt16() // that it has no leader now is nothing to us
  for (let fields = 0; fields < 3; fields++) answer.readInt32()
  for (let replicas = 0; replicas < 3; replicas++) answer.readUVarIntArray((one) => one.readInt32())
  skipTags(answer)
}

function skipTags(answer: Decoder): void {
  for (let tags = answer.readUVarInt(); tags > 0; tags--) {
    answer.readUVarInt()
    const size = answer.readUVarInt()
    answer.offset += size
  }
}
