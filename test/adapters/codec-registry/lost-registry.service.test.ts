import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { avroSchema } from '../../../schemas/generate.ts'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { AvroCodec, createFileCodec, frameId } from '../../../src/adapters/codec/avro-codec.ts'
import { fileNumbers } from '../../../src/adapters/codec/file-numbers.ts'
import { layoutOf } from '../../../src/adapters/codec/layout.ts'
import { RegistryClient } from '../../../src/adapters/codec-registry/registry-client.ts'
import { openRegistryCodec, type RegistryCodec } from '../../../src/adapters/codec-registry/registry-codec.ts'
import { RegistryLossError, RegistrySchemas } from '../../../src/adapters/codec-registry/registry-schemas.ts'
import type { KafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts'
import { exportLog } from '../../../src/move/export-log.ts'
import { importLog } from '../../../src/move/import-log.ts'
import type { Codec } from '../../../src/ports/codec.ts'
import type { Log, Message } from '../../../src/ports/log.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { defaultLimits } from '../../../src/runtime/limits.ts'
import { Pipeline } from '../../../src/runtime/pipeline.ts'
import { launchSchemaRegistry, type SchemaRegistryService } from '../../services/apicurio.ts'
import { startKafka, type KafkaCluster } from '../../services/kafka.ts'
import { seen, tally } from '../../support/fixture-processors.ts'
import { MemorySchemaStore } from '../../support/memory-schemas.ts'
import { newInstallation, type Installation } from '../log-kafka/installation.ts'

/** A registry whose storage is lost comes back empty and gives its numbers again: here another one takes its place, which gave some to a stranger first. */
let cluster: KafkaCluster
let full: SchemaRegistryService
let empty: SchemaRegistryService
let front: Front
let installation: Installation
let opened: KafkaLog[]
beforeAll(async () => {
  ;[cluster, full, empty] = await Promise.all([startKafka(), launchSchemaRegistry(), launchSchemaRegistry()])
  await new RegistryClient(empty).register('strangers', '{"type":"record","name":"Order","namespace":"shop","fields":[]}')
  front = await openFront()
}, 600_000)
afterAll(async () => {
  front.close()
  await Promise.all([cluster.stop(), full.stop(), empty.stop()])
})
beforeEach(async () => {
  opened = []
  front.behind = full
  installation = await newInstallation(cluster.brokers)
})
afterEach(async () => {
  await Promise.all(opened.map((log) => log.close()))
  await installation.dispose()
})

interface Front {
  url: string
  behind: SchemaRegistryService
  close(): void
}

/** The address of the registry, whichever is there. */
async function openFront(): Promise<Front> {
  const server = createServer((request, response) => {
    const target = new URL(front.behind.url)
    request.pipe(httpRequest({ host: target.hostname, port: target.port, path: `${target.pathname}${request.url}`, method: request.method, headers: { ...request.headers, host: target.host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, behind: full, close }
}

let strangers = 0

/** The empty registry gives them its numbers up to this one, where it has not given it yet. */
async function giveStrangers(number: number): Promise<void> {
  for (let given = 0; given < number; strangers++) given = await new RegistryClient(empty).register(`others-${strangers}`, `{"type":"record","name":"Order${strangers}","namespace":"shop","fields":[]}`)
}

interface Process extends RegistryCodec {
  log: KafkaLog
}

async function openLog(of = installation): Promise<KafkaLog> {
  const log = await of.open(`process-${opened.length}`)
  opened.push(log)
  return log
}

async function open(): Promise<Process> {
  const log = await openLog()
  return { log, ...(await openRegistryCodec({ url: front.url, prefix: installation.options.prefix, kept: log.schemas, lagMs: 1_000 })) }
}

async function write(log: Log, ...values: Uint8Array[]): Promise<void> {
  const task = await log.openTask('publisher/test')
  await task.commit({ appends: values.map((value) => ({ topic: 'raw' as const, partition: 0, key: null, timestamp: 1, value })), state: new Map() })
  await task.close()
}

const all = { maxMessages: 1_000, maxBytes: 1e9 }
async function everything(log: Log, topic: Topic = 'raw'): Promise<Message[]> {
  const messages: Message[] = []
  for (let next = 0; ; next = messages.at(-1)!.offset + 1) {
    const read = await log.read(topic, 0, next, all)
    if (read.length === 0) return messages
    messages.push(...read)
  }
}
const recordsIn = async (log: Log, codec: Codec): Promise<unknown[]> => (await everything(log)).flatMap(({ value }) => codec.decode('raw', value))

/** raw of a release that did not know the accounts' field `credentials`: a message in it, from whom `kept` has never heard. */
async function older(): Promise<Uint8Array> {
  const chunk = structuredClone(avroSchema('raw')) as { fields: { type: { items: { name: string; fields: { name: string }[] }[] } }[] }
  const account = chunk.fields[0]!.type.items.find(({ name }) => name === 'Account')!
  account.fields = account.fields.filter(({ name }) => name !== 'credentials')
  const layout = layoutOf('raw', JSON.stringify(chunk))
  const registry = new RegistryClient(full)
  const id = await registry.register(`${installation.options.prefix}raw-value`, layout.text)
  return new AvroCodec(new Map([['raw', { ...layout, id }]]), new RegistrySchemas(registry, new MemorySchemaStore())).encode('raw', [seen('ann')])
}

describe('a registry that came back empty', () => {
  it('is refused at start, before anything is written; what is there is read by the schemas that the log has kept', { timeout: 120_000 }, async () => {
    const first = await open()
    const message = await older()
    await write(first.log, message, first.codec.encode('raw', [seen('bob')]))
    await write(first.reading(first.log), first.codec.encode('raw', [seen('cid')]))
    // whoever reads the older one keeps its schema, too, before anything else is written
    await everything(first.reading(first.log))
    await write(first.log, first.codec.encode('raw', [seen('dan')]))
    await first.log.close()

    front.behind = empty
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(open()).rejects.toThrow(RegistryLossError)
      await expect(open()).rejects.toThrow(/registry http:\S+ gives number \d+ to a schema of \S+, and in this log it stands for another one, of \S+: it has lost what it held.*Restore its storage.*grantline log export/)
    }
    const log = await openLog()
    const people = ['ann', 'bob', 'cid', 'dan'].map((id) => seen(id))
    expect(await recordsIn(log, createFileCodec(log.schemas))).toEqual(people)

    front.behind = full
    const again = await open()
    expect(await recordsIn(again.reading(again.log), again.codec)).toEqual(people)
  })

  it('has numbers for a log that is exported without it and imported with it', { timeout: 120_000 }, async () => {
    const first = await open()
    await write(first.log, first.codec.encode('raw', [seen('ann')]))
    const [written] = await everything(first.log)
    const directory = await mkdtemp(join(tmpdir(), 'grantline-lost-registry-'))
    const onProgress = (): void => undefined
    const target = await newInstallation(cluster.brokers)
    try {
      await exportLog({ log: first.log, numbers: fileNumbers(first.log.schemas), directory: join(directory, 'export'), release: 'test', now: 1, onProgress })
      // strangers have the numbers that those of the first one are among
      await giveStrangers(frameId(written!.value)!)
      front.behind = empty
      const log = await openLog(target)
      const { numbers, codec, reading } = await openRegistryCodec({ url: front.url, prefix: target.options.prefix, kept: log.schemas })
      await importLog({ log, numbers, directory: join(directory, 'export'), onProgress })
      expect(await recordsIn(reading(log), codec)).toEqual([seen('ann')])
      expect(frameId((await everything(log))[0]!.value)).not.toBe(frameId(written!.value))
      await log.close()
    } finally {
      await rm(directory, { recursive: true, force: true })
      await target.dispose()
    }
  })

  it('is not believed by a process that runs: its tasks wait and say so, no message becomes a dead letter, and they go on with the one that was', { timeout: 120_000 }, async () => {
    const { log, codec, reading } = await open()
    const message = await older()
    // in the registry that is in its place the number is another schema's
    const number = frameId(message)!
    await giveStrangers(number)
    front.behind = empty
    await write(log, message)
    const retries: string[] = []
    const pipeline = new Pipeline({ types: [tally], log: reading(log), codec, clock: systemClock, limits: defaultLimits, release: 'test', onRetry: ({ error }) => retries.push(error.message) })
    try {
      await expect.poll(() => retries.length, { timeout: 60_000 }).toBeGreaterThan(3)
      expect(retries.at(-1)).toMatch(/reading from offset 0 failed: the schema registry \S+ (has another schema under number \d+, which it gave to the one of|does not know schema \d+, which it gave to) \S+: it has lost what it held/)
      expect(await log.end('dead-letters', 0)).toBe(0)
      front.behind = full
      await pipeline.drained()
      expect(await log.end('dead-letters', 0)).toBe(0)
      const facts = (await everything(log, 'facts')).flatMap(({ value }) => codec.decode('facts', value))
      expect(facts.filter(({ type }) => type === 'AccountGone')).toHaveLength(1)
    } finally {
      await pipeline.stop()
    }
  })
})

it('of two processes that are given one number for two schemas at the same time, the one whose schema comes first into the log goes on', { timeout: 60_000 }, async () => {
  const number = 7
  const logs = [await openLog(), await openLog()]
  const texts = (['raw', 'facts'] as const).map((topic) => [topic, layoutOf(topic, JSON.stringify(avroSchema(topic))).text] as const)
  logs.forEach(({ schemas }, n) => schemas.put(number, ...texts[n]!))
  const outcomes = await Promise.allSettled(logs.map(({ schemas }) => schemas.written()))
  const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
  const loser = logs[1 - winner]!
  const value = Uint8Array.of(0, 0, 0, 0, number)
  const task = await loser.openTask('publisher/test')
  await expect(task.commit({ appends: [{ topic: 'raw', partition: 0, key: null, timestamp: 1, value }], state: new Map() })).rejects.toThrow(/schema id 7 was given to a schema of \w+ here, and at the same time to another one, of \w+, which came into \S+ first.*restore its storage/)
  expect((await openLog()).schemas.get(number)).toEqual({ topic: texts[winner]![0], text: texts[winner]![1] })
  expect(await everything(loser)).toEqual([])
})
