import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startKafka, type KafkaCluster } from './kafka.ts'

const kafkaOf = ({ brokers }: KafkaCluster): Kafka => new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20, initialRetryTime: 50, maxRetryTime: 500 } })

async function endOf(kafka: Kafka, topic: string): Promise<string | undefined> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return (await admin.fetchTopicOffsets(topic))[0]?.high
  } finally {
    await admin.disconnect()
  }
}

async function produce(kafka: Kafka, use: (producer: Producer) => Promise<unknown>): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  try {
    await use(producer)
  } finally {
    await producer.disconnect()
  }
}

async function createTopic(kafka: Kafka, topic: string, replicationFactor: number): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor }], waitForLeaders: false })
  await admin.disconnect()
}

describe('the launcher of Kafka', { timeout: 240_000 }, () => {
  const given = process.env['KAFKA_BROKERS']
  beforeAll(() => {
    delete process.env['KAFKA_BROKERS']
  })
  afterAll(() => {
    if (given !== undefined) process.env['KAFKA_BROKERS'] = given
  })

  it('KAFKA_BROKERS: a cluster that runs already is used, and left alone', async () => {
    process.env['KAFKA_BROKERS'] = 'one:9092,two:9092'
    const cluster = await startKafka()
    delete process.env['KAFKA_BROKERS']
    expect(cluster.brokers).toEqual(['one:9092', 'two:9092'])
    await cluster.stop()
  })

  it('one broker: what was written is there after SIGKILL and a restart on the same address', async () => {
    const cluster = await startKafka()
    try {
      const kafka = kafkaOf(cluster)
      await createTopic(kafka, 'kept', 1)
      await produce(kafka, (producer) => producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'a' }, { value: 'b' }] }))
      await cluster.own[0]!.kill()
      await cluster.own[0]!.restart()
      expect(await endOf(kafka, 'kept')).toBe('2')
    } finally {
      await cluster.stop()
    }
  })

  it('three brokers: two go on where one is killed', async () => {
    const cluster = await startKafka({ brokers: 3 })
    try {
      expect(new Set(cluster.brokers).size).toBe(3)
      const kafka = kafkaOf(cluster)
      await createTopic(kafka, 'replicated', 3)
      await cluster.own[2]!.kill()
      await produce(kafka, (producer) => producer.send({ topic: 'replicated', acks: -1, messages: [{ value: 'a' }] }))
      expect(await endOf(kafka, 'replicated')).toBe('1')
    } finally {
      await cluster.stop()
    }
  })
})
