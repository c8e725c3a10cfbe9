import { replace } from './replace.ts'

/** What a broker tells of topics. Where all copies of a partition are on brokers that are gone, the partition has an error and no leader (-1). */
interface Metadata {
  topicMetadata: { topic: string; partitionMetadata: PartitionMetadata[] }[]
}

interface PartitionMetadata {
  partitionId: number
  leader: number
}

/**
 * kafkajs throws the whole answer away where one partition of it has an error, and with it who leads the others now. Here an error of a partition is left
 * to whoever asks for that partition: no broker has the id -1, so kafkajs asks for metadata and tries again. Before anything loads what it replaces.
 */
export function keepLeaders(require: NodeJS.Require): void {
  // the responses of later versions take it from here
  replace(require, 'kafkajs/src/protocol/requests/metadata/v0/response', refusingTopics)
  replace(require, 'kafkajs/src/utils/waitFor', untilLed)
  replace(require, 'kafkajs/src/producer/sendMessages', choosingOnce)
  askSoon(require('kafkajs/src/cluster/brokerPool') as BrokerPoolClass)
  resolveLed(require('kafkajs/src/consumer/offsetManager') as OffsetManagerClass)
}

const isLed = ({ leader }: PartitionMetadata): boolean => leader >= 0
const isAllLed = ({ topicMetadata }: Metadata): boolean => topicMetadata.every(({ partitionMetadata }) => partitionMetadata.every(isLed))

interface Response {
  decode: unknown
  parse: (answer: Metadata) => Promise<Metadata>
}

function refusingTopics({ decode, parse }: Response): Response {
  return {
    decode,
    async parse(answer) {
      await parse({ ...answer, topicMetadata: answer.topicMetadata.map((topic) => ({ ...topic, partitionMetadata: [] })) })
      return answer
    },
  }
}

type WaitFor = (ask: () => Promise<Metadata | false>, options: unknown) => Promise<unknown>

/** Who creates topics waits for their leaders, and knows from an error that there are none yet. Nothing else is waited for in this way. */
function untilLed(waitFor: WaitFor): WaitFor {
  const ledOnly = (answer: Metadata | false): Metadata | false => answer !== false && isAllLed(answer) && answer
  return (ask, options) => waitFor(async () => ledOnly(await ask()), options)
}

interface Choice {
  topic: string
  message: object
}

type Partitioner = (of: Choice) => number
type MakeSend = (options: { partitioner: Partitioner }) => (batch: unknown) => Promise<unknown>

/**
 * A partitioner turns to the partitions that have a leader, and kafkajs asks it anew at each attempt: what then falls to a broker that has answered already
 * would be taken for written. Here a message keeps its partition for as long as it is tried.
 */
function choosingOnce(make: MakeSend): MakeSend {
  return (options) => (batch) => {
    const chosen = new Map<string, Map<object, number>>()
    const partitioner: Partitioner = (of) => {
      const known = chosen.get(of.topic) ?? new Map<object, number>()
      const partition = known.get(of.message) ?? options.partitioner(of)
      chosen.set(of.topic, known.set(of.message, partition))
      return partition
    }
    return make({ ...options, partitioner })(batch)
  }
}

/** After so long it is asked again who leads, where somebody reads or writes, ms. kafkajs asks every five minutes otherwise, and skips until then what had no leader. */
const leaderlessAgeMs = 1_000

interface BrokerPoolClass {
  prototype: {
    /** null: it was disconnected meanwhile */
    metadata: Metadata | null
    metadataExpireAt: number
    refreshMetadata: (this: BrokerPoolClass['prototype'], topics: readonly string[]) => Promise<void>
  }
}

function askSoon({ prototype }: BrokerPoolClass): void {
  const refresh = prototype.refreshMetadata
  prototype.refreshMetadata = async function (topics) {
    await refresh.call(this, topics)
    if (this.metadata !== null && !isAllLed(this.metadata)) this.metadataExpireAt = Math.min(this.metadataExpireAt, Date.now() + leaderlessAgeMs)
  }
}

interface OffsetManagerClass {
  prototype: {
    cluster: { findTopicPartitionMetadata: (topic: string) => PartitionMetadata[] }
    memberAssignment: Readonly<Record<string, readonly number[]>>
    resolveOffsets: (this: OffsetManagerClass['prototype']) => Promise<void>
  }
}

/** Where a consumer begins is asked of all its partitions before it fetches from any: those without a leader begin once they have one. */
function resolveLed({ prototype }: OffsetManagerClass): void {
  const resolve = prototype.resolveOffsets
  prototype.resolveOffsets = function () {
    const led = Object.entries(this.memberAssignment).map(([topic, partitions]) => {
      const waiting = this.cluster.findTopicPartitionMetadata(topic).filter((partition) => !isLed(partition))
      return [topic, partitions.filter((partition) => !waiting.some(({ partitionId }) => partitionId === partition))] as const
    })
    return resolve.call(Object.create(this, { memberAssignment: { value: Object.fromEntries(led) } }) as typeof this)
  }
}
