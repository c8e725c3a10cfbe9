import type { Admin } from 'kafkajs'
import { createClient } from '../../src/adapters/log-kafka/client.ts'
import { topicName } from '../../src/adapters/log-kafka/topics.ts'
import { processors } from '../../processors/registry.ts'

interface GroupOffsets {
  /** 0 where the group has none */
  get(processor: string, partition: number): Promise<number>
  /** Says of every input that all of it was processed; the group must have no members. */
  moveToEnd(): Promise<void>
}

/** What the brokers keep of the processors' group: for others to see. */
export function groupOffsets({ brokers, prefix }: { brokers: readonly string[]; prefix: string }): GroupOffsets {
  const groupId = `${prefix}processors`
  const topics = [...new Set(processors.map(({ input }) => topicName(prefix, input)))]
  const asked = async <T>(ask: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = createClient({ brokers, tls: null, sasl: null, log: () => undefined }, 'offsets').admin()
    await admin.connect()
    try {
      return await ask(admin)
    } finally {
      await admin.disconnect()
    }
  }
  return {
    get: (processor, partition) => asked(async (admin) => {
      const topic = topicName(prefix, processors.find(({ name }) => name === processor)!.input)
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return Math.max(0, Number(found?.partitions.find((one) => one.partition === partition)?.offset ?? 0))
    }),
    moveToEnd: () => asked(async (admin) => {
      for (const topic of topics) {
        const ends = await admin.fetchTopicOffsets(topic)
        await admin.setOffsets({ groupId, topic, partitions: ends.map(({ partition, high }) => ({ partition, offset: high })) })
      }
    }),
  }
}
