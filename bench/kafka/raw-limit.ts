import { randomUUID } from 'node:crypto'
import type { Admin, Kafka } from 'kafkajs'
import { CompressionTypes } from '../../src/adapters/log-kafka/kafkajs.ts'
import { waves, type Outgoing } from '../../src/adapters/log-kafka/waves.ts'

/** topic -> for each partition its end */
export type Ends = ReadonlyMap<string, readonly number[]>

export async function endsOf(admin: Admin, topics: readonly string[]): Promise<Ends> {
  const ends = await Promise.all(topics.map(async (topic) => [topic, (await admin.fetchTopicOffsets(topic)).sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high))] as const))
  return new Map(ends)
}

export interface RawLimit {
  seconds: number
  /** of this process, all threads */
  cpuSeconds: number
  readMb: number
  writtenMb: number
}

/**
 * How long kafkajs takes for what the pipeline read and wrote between two moments, with nothing done in between: a consumer reads all
 * of `inputs`, and a producer beside it sends all of `outputs` again, to other topics, in requests as large as the log's. What is
 * sent is in memory before the clock starts.
 */
export async function rawLimit(kafka: Kafka, admin: Admin, inputs: readonly string[], outputs: readonly string[], from: Ends, to: Ends): Promise<RawLimit> {
  const sent: Outgoing[] = []
  await consume(kafka, outputs, from, to, (topic, message) => sent.push({ topic: `${topic}-again`, ...message }))
  await admin.createTopics({ topics: outputs.map((topic) => ({ topic: `${topic}-again`, numPartitions: to.get(topic)!.length, configEntries: [{ name: 'max.message.bytes', value: String(16 * 1024 * 1024) }] })) })
  const producer = kafka.producer({ maxInFlightRequests: 1, createPartitioner: () => ({ message }) => message.partition ?? 0 })
  await producer.connect()
  let read = 0
  const began = performance.now()
  const cpu = process.cpuUsage()
  const produce = async (): Promise<void> => {
    for (const wave of waves(sent)) {
      const topics = new Map<string, Outgoing[]>()
      for (const item of wave) topics.set(item.topic, [...(topics.get(item.topic) ?? []), item])
      const topicMessages = [...topics].map(([topic, items]) => ({ topic, messages: items.map(({ key, value, partition, timestamp }) => ({ key, value, partition, timestamp: String(timestamp) })) }))
      await producer.sendBatch({ acks: -1, compression: CompressionTypes.ZSTD, topicMessages })
    }
  }
  await Promise.all([produce(), consume(kafka, inputs, from, to, (_topic, { value }) => (read += value?.length ?? 0))])
  const seconds = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  await producer.disconnect()
  const written = sent.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
  return { seconds, cpuSeconds: (user + system) / 1e6, readMb: read / 1e6, writtenMb: written / 1e6 }
}

type Taken = Omit<Outgoing, 'topic'>

/** All records of `topics` between two moments, by a consumer as kafkajs has it. */
async function consume(kafka: Kafka, topics: readonly string[], from: Ends, to: Ends, take: (topic: string, message: Taken) => void): Promise<void> {
  const consumer = kafka.consumer({ groupId: `raw-${randomUUID()}`, maxBytesPerPartition: 4 * 1024 * 1024, maxBytes: 32 * 1024 * 1024 })
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  const places = topics.flatMap((topic) => to.get(topic)!.map((end, partition) => ({ topic, partition, begin: from.get(topic)![partition]!, end }))).filter(({ begin, end }) => end > begin)
  const waiting = new Set(places.map(({ topic, partition }) => `${topic}/${partition}`))
  const beginOf = new Map(places.map(({ topic, partition, begin }) => [`${topic}/${partition}`, begin]))
  const endOf = new Map(places.map(({ topic, partition, end }) => [`${topic}/${partition}`, end]))
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    consumer
      .run({
        autoCommit: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: async ({ batch }) => {
          const { topic, partition, messages } = batch
          const place = `${topic}/${partition}`
          const begin = beginOf.get(place) ?? Infinity
          for (const { offset, key, value, timestamp } of messages) if (Number(offset) >= begin) take(topic, { partition, key, value, timestamp: Number(timestamp) })
          // the last offsets of a transaction are its marker, which no reader sees
          if (Number(batch.lastOffset()) >= (endOf.get(place) ?? 0) - 2) waiting.delete(place)
          if (waiting.size === 0) resolve()
        },
      })
      .catch(reject)
    for (const { topic, partition, begin } of places) consumer.seek({ topic, partition, offset: String(begin) })
  })
  await consumer.disconnect()
}
