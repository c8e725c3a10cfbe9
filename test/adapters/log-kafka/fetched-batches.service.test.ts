import { randomUUID } from 'node:crypto'
import type { Message as Sent, Producer } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClient } from '../../../src/adapters/log-kafka/client.ts'
import { CompressionTypes, ConfigResourceTypes, requireFromHere } from '../../../src/adapters/log-kafka/kafkajs.ts'
import type { KafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts'
import type { Message } from '../../../src/ports/log.ts'
import { startKafka, type KafkaCluster } from '../../services/kafka.ts'
import { newInstallation, type Installation } from './installation.ts'

/** What strangers' producers, and brokers that pack anew, leave in a topic: as a real broker keeps it. */
let cluster: KafkaCluster
let installation: Installation
let log: KafkaLog
let producer: Producer
beforeAll(async () => {
  cluster = await startKafka()
}, 240_000)
afterAll(() => cluster.stop())
beforeEach(async () => {
  installation = await newInstallation(cluster.brokers)
  log = await installation.open()
  producer = createClient(installation.options, 'stranger').producer({ allowAutoTopicCreation: false, createPartitioner: () => () => 0 })
  await producer.connect()
})
afterEach(async () => {
  await producer.disconnect()
  await log.close()
  await installation.dispose()
})

const topic = (): string => `${installation.options.prefix}facts`
const send = (messages: Sent[], compression = CompressionTypes.None): Promise<unknown> => producer.send({ topic: topic(), messages, compression })

async function pack(compression: string): Promise<void> {
  const admin = createClient(installation.options, 'operator').admin()
  await admin.connect()
  const kept = (await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic() }] })).resources[0]!.configEntries
    .filter(({ isDefault }) => !isDefault).map(({ configName: name, configValue: value }) => ({ name, value }))
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic(), configEntries: [...kept, { name: 'compression.type', value: compression }] }] })
  await admin.disconnect()
}

/** Numbers of the codecs that were looked up to read with. */
const used = new Set<number>()
const { Codecs } = requireFromHere('kafkajs/src/protocol/message/compression') as { Codecs: Record<number, () => unknown> }
for (const [number, codec] of Object.entries(Codecs)) {
  Codecs[Number(number)] = () => {
    used.add(Number(number))
    return codec()
  }
}

async function all(): Promise<Message[]> {
  const found: Message[] = []
  for (;;) {
    const messages = await log.read('facts', 0, found.length === 0 ? 0 : found.at(-1)!.offset + 1, { maxMessages: 1e6, maxBytes: 1e8 })
    if (messages.length === 0) return found
    for (const message of messages) found.push(message)
  }
}

describe.each([['gzip', 1], ['snappy', 2], ['lz4', 3], ['zstd', 4]])('batches that the broker packs with %s', (compression, number) => {
  it('are read', { timeout: 60_000 }, async () => {
    used.clear()
    await pack(compression)
    const before = Buffer.alloc(100_000, 'before')
    // a topic's new settings are heard a moment later
    for (let sent = 0; !used.has(number); sent++) {
      expect(sent).toBeLessThan(100)
      await send([{ key: null, value: before }])
      expect((await all()).every(({ value }) => before.equals(value))).toBe(true)
    }
    const values = [
      Buffer.from('short'), Buffer.alloc(0), Buffer.alloc(300_000, 'abcdefg'), Buffer.from(Array.from({ length: 5_000 }, () => randomUUID()).join()), Buffer.alloc(200_000),
    ]
    await send(values.map((value) => ({ key: 'k', value })))
    await send([{ key: 'k', value: 'behind' }])
    expect((await all()).map(({ value }) => Buffer.from(value).toString('hex')).slice(-values.length - 1)).toEqual([...values, Buffer.from('behind')].map((value) => value.toString('hex')))
  })
})

it('a batch of very many records is read', { timeout: 120_000 }, async () => {
  const count = 300_000
  await send(Array.from({ length: count }, () => ({ key: null, value: 'x' })), CompressionTypes.ZSTD)
  await send([{ key: null, value: 'behind' }])
  const found = await all()
  expect(found).toHaveLength(count + 1)
  expect(Buffer.from(found.at(-1)!.value).toString()).toBe('behind')
})

it('a batch of more records than there is room for is one message that nobody can decode', { timeout: 120_000 }, async () => {
  await send(Array.from({ length: 400_001 }, () => ({ key: null, value: null })), CompressionTypes.ZSTD)
  await send([{ key: null, value: 'behind' }])
  expect((await all()).map(({ offset, value }) => [offset, Buffer.from(value).toString()])).toEqual([[400_000, 'a batch of more than 400000 records'], [400_001, 'behind']])
})

it('a record of very many headers is read', { timeout: 120_000 }, async () => {
  const headers = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`h${i}`, 'x']))
  await send([{ key: null, value: 'x', headers: { ...headers, same: Array.from({ length: 200_000 }, () => 'y') } }], CompressionTypes.ZSTD)
  const began = performance.now()
  expect(await all()).toHaveLength(1)
  expect(performance.now() - began).toBeLessThan(10_000)
})

it.each([['zstd', CompressionTypes.ZSTD], ['gzip', CompressionTypes.GZIP]])('a batch that takes far more memory unpacked than any of ours (%s) is one message that nobody can decode', { timeout: 120_000 }, async (_name, compression) => {
  await send([{ key: null, value: 'x' }, { key: null, value: Buffer.alloc(300 * 1024 * 1024) }], compression)
  await send([{ key: null, value: 'behind' }])
  const found = await all()
  expect(found.map(({ offset }) => offset)).toEqual([1, 2])
  expect(found[0]!.value.length).toBeLessThan(1_000)
})
