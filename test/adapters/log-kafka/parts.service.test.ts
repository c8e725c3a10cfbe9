import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { openPublisher } from '../../../src/runtime/publisher.ts'
import { readPartition } from '../../../src/runtime/records.ts'
import { startKafka, type KafkaCluster } from '../../services/kafka.ts'
import { definition } from '../../support/fixture-processors.ts'
import { newInstallation, type Installation } from './installation.ts'

/** A transaction of many requests lies between those of others on Kafka: each request is together, the record's parts are not. */
const writers = 24
/** Of a record: several requests. */
const nameBytes = 3 * 1024 * 1024

let cluster: KafkaCluster
let installation: Installation
beforeAll(async () => {
  cluster = await startKafka()
  installation = await newInstallation(cluster.brokers)
}, 240_000)
afterAll(async () => {
  await installation.dispose()
  await cluster.stop()
})

it('large records of more than 16 writers at once are all read, however their parts are mixed in a partition', { timeout: 120_000 }, async () => {
  const log = await installation.open()
  try {
    const codec = createFileCodec(log.schemas)
    const publishers = await Promise.all(Array.from({ length: writers }, (_, i) => openPublisher({ log, codec, clock: systemClock, id: `source/${i}` })))
    const name = randomBytes(nameBytes / 2).toString('hex')
    await Promise.all(publishers.map((publisher, i) => publisher.publish([{ topic: 'raw', key: 'one partition', record: definition(`d${i}`, name) }])))
    const found: string[] = []
    const errors: string[] = []
    let waiting = new Set<string>()
    let most = 0
    for (let partition = 0; partition < log.partitions.raw; partition++) {
      for await (const { record, error } of readPartition(log, codec, 'raw', partition)) {
        if (error !== null) errors.push(error)
        if (record?.type === 'Definition') found.push(record.ref.id)
      }
      const messages = await log.read('raw', partition, 0, { maxMessages: 10_000, maxBytes: 1e9 })
      for (const part of messages.flatMap(({ value }) => codec.decode('raw', value))) {
        if (part.type !== 'Part') continue
        waiting.add(part.id)
        most = Math.max(most, waiting.size)
        if (part.part === part.of - 1) waiting = new Set([...waiting].filter((id) => id !== part.id))
      }
    }
    // that the scene is what it is meant to be
    expect(most).toBeGreaterThan(16)
    expect(errors).toEqual([])
    expect(found.sort()).toEqual(Array.from({ length: writers }, (_, i) => `d${i}`).sort())
  } finally {
    await log.close()
  }
})
