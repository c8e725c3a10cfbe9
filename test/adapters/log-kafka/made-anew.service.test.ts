import type { Admin } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClient } from '../../../src/adapters/log-kafka/client.ts'
import type { KafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts'
import { startKafka, type KafkaCluster } from '../../services/kafka.ts'
import { newInstallation, type Installation } from './installation.ts'

/** Topics that are deleted between two runs, and are there again, with more messages than before, when the next one begins. */
let cluster: KafkaCluster
let admin: Admin
let installation: Installation
let opened: KafkaLog[]
beforeAll(async () => {
  cluster = await startKafka()
  admin = createClient({ brokers: cluster.brokers, tls: null, sasl: null, log: () => undefined }, 'test').admin()
  await admin.connect()
}, 240_000)
afterAll(async () => {
  await admin.disconnect()
  await cluster.stop()
})
beforeEach(async () => {
  opened = []
  installation = await newInstallation(cluster.brokers)
})
afterEach(async () => {
  await Promise.all(opened.map((log) => log.close()))
  await installation.dispose()
})

async function open(directory?: string): Promise<KafkaLog> {
  const log = await installation.open(directory)
  opened.push(log)
  return log
}

const state = new Map([['a/n', Buffer.from('1')]])
const append = (topic: 'facts' | 'findings', value: string): { topic: 'facts' | 'findings'; partition: number; key: null; timestamp: number; value: Uint8Array } =>
  ({ topic, partition: 0, key: null, timestamp: 1, value: Buffer.from(value) })

/** A run that leaves messages and a state. */
async function run(): Promise<void> {
  const log = await installation.open()
  const task = await log.openTask('task/normalise/0')
  await task.commit({ appends: [append('facts', 'a'), append('findings', 'a')], state, input: { topic: 'raw', partition: 0, offset: 0 } })
  await log.close()
}

async function remove(name: string): Promise<void> {
  const topic = `${installation.options.prefix}${name}`
  await admin.deleteTopics({ topics: [topic] })
  await expect.poll(() => admin.listTopics(), { timeout: 20_000 }).not.toContain(topic)
}

async function fill(name: string): Promise<void> {
  const producer = createClient(installation.options, 'test').producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic: `${installation.options.prefix}${name}`, messages: Array.from({ length: 20 }, () => ({ key: 'k', value: 'another history', partition: 0 })) })
  await producer.disconnect()
}

describe('a topic that was deleted and is made anew between two runs', () => {
  it.each(['raw', 'facts', 'findings', 'state-normalise'])('is refused by its name, however much it holds by now: %s', { timeout: 60_000 }, async (name) => {
    await run()
    await remove(name)
    // whoever comes first makes what is missing
    await open().catch(() => undefined)
    await fill(name)
    for (const directory of ['own', 'elsewhere']) {
      await expect(open(directory)).rejects.toThrow(new RegExp(`^\\S+\\.${name} was made anew \\(its id on the brokers is [\\w-]{22}, it was [\\w-]{22}\\): positions .* another kafka\\.prefix`))
    }
  })

  it('is refused where it is the one that says which log this is', { timeout: 60_000 }, async () => {
    await run()
    await remove('schemas')
    for (let attempt = 0; attempt < 2; attempt++) await expect(open()).rejects.toThrow(/\.schemas was made anew, or is of no log yet, though \S+\.(facts|findings|state-normalise) holds messages.*another kafka\.prefix/)
  })

  it('makes another log where all of them were', { timeout: 60_000 }, async () => {
    await run()
    await installation.deleteTopics()
    expect([...(await (await open()).openTask('task/normalise/0')).state.range('')]).toEqual([])
  })
})

it('topics that nobody deleted are taken by any number of processes that begin at the same moment, and again', { timeout: 60_000 }, async () => {
  for (const round of [1, 2]) await Promise.all([1, 2, 3].map((n) => open(`${round}-${n}`)))
  expect(new Set(opened.map(({ id }) => id)).size).toBe(1)
})
