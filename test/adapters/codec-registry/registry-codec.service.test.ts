import { randomUUID } from 'node:crypto'
import { createServer, request as httpRequest, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { avroSchema, storedSchemaText } from '../../../schemas/generate.ts'
import { topicNames, type RecordOf, type Topic } from '../../../schemas/wire/topics.ts'
import { AvroCodec, frameId } from '../../../src/adapters/codec/avro-codec.ts'
import { layoutOf } from '../../../src/adapters/codec/layout.ts'
import { RegistryClient, RegistryError, RegistryRefusal } from '../../../src/adapters/codec-registry/registry-client.ts'
import { openRegistryCodec, type RegistryCodec } from '../../../src/adapters/codec-registry/registry-codec.ts'
import { RegistrySchemas } from '../../../src/adapters/codec-registry/registry-schemas.ts'
import { CodecError, type Codec } from '../../../src/ports/codec.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { defaultLimits } from '../../../src/runtime/limits.ts'
import { Pipeline } from '../../../src/runtime/pipeline.ts'
import { codecContract } from '../../contract/codec.ts'
import { startSchemaRegistry, type SchemaRegistryService } from '../../services/apicurio.ts'
import { finding } from '../../sink/records.ts'
import { seen, tally } from '../../support/fixture-processors.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { MemorySchemaStore } from '../../support/memory-schemas.ts'

let service: SchemaRegistryService
beforeAll(async () => {
  service = await startSchemaRegistry()
})
afterAll(() => service.stop())

let prefixes = 0
/** Of nobody before: a registry that is kept between runs has the schemas of earlier ones. */
const freshPrefix = (): string => `${randomUUID()}-${++prefixes}.`
const shared = freshPrefix()

/** A codec that writes `topic` with another schema, registered where no compatibility with today's is asked. */
async function writing(topic: Topic, avro: unknown, subject = `${freshPrefix()}older`): Promise<Codec> {
  const layout = layoutOf(topic, JSON.stringify(avro))
  const registry = new RegistryClient(service)
  const id = await registry.register(subject, layout.text)
  const schemas = new RegistrySchemas(registry, new MemorySchemaStore())
  schemas.put(id, topic, layout.text)
  return new AvroCodec(new Map([[topic, { ...layout, id }]]), schemas)
}

let opened: Promise<RegistryCodec> | undefined
codecContract('registry', async () => {
  const { codec, schemas } = await (opened ??= openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix: shared, lagMs: 0 }))
  return { codec, meet: (message) => schemas.meet([message]), writing: (topic, avro) => writing(topic, avro) }
})

type Schema = { fields: { name: string; type: unknown; default?: unknown }[] }
const findings = avroSchema('findings') as unknown as Schema
/** The contract of findings before `successor` came, which is nullable. */
const before: Schema = { ...findings, fields: findings.fields.filter(({ name }) => name !== 'successor') }
const partitions = Object.fromEntries(topicNames.map((topic) => [topic, 1])) as Record<Topic, number>
const all = { maxMessages: 100, maxBytes: 1e9 }
const everyMessage = async (log: { read: MemoryLog['read'] }): Promise<Uint8Array[]> => (await log.read('findings', 0, 0, all)).map(({ value }) => value)
const ask = async (path: string): Promise<unknown> => (await fetch(`${service.url}${path}`)).json()

describe('subjects', () => {
  it('are <topic>-value with today’s schemas, FULL_TRANSITIVE, and registering them again changes nothing', async () => {
    const prefix = freshPrefix()
    const first = await openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix })
    const again = await openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix })
    expect(again.codec.encode('findings', [finding()])).toEqual(first.codec.encode('findings', [finding()]))
    for (const topic of topicNames) {
      expect(await ask(`/subjects/${prefix}${topic}-value/versions`)).toEqual([1])
      expect(await ask(`/config/${prefix}${topic}-value`)).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' })
      const { schema } = (await ask(`/subjects/${prefix}${topic}-value/versions/1`)) as { schema: string }
      expect(JSON.parse(schema)).toEqual(JSON.parse(layoutOf(topic, storedSchemaText(topic)).text))
    }
  })

  it('are there once where several processes begin at the same moment', { timeout: 120_000 }, async () => {
    const prefix = freshPrefix()
    const opened = await Promise.all(Array.from({ length: 4 }, () => openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix })))
    const messages = opened.map(({ codec }) => Buffer.from(codec.encode('findings', [finding()])).toString('hex'))
    expect(new Set(messages).size).toBe(1)
  })

  it.each([0, 1, 2, 3, 4])('are whole after a process that was killed when %i of its requests had been heard', async (heard) => {
    const subject = `${freshPrefix()}findings-value`
    const layout = layoutOf('findings', storedSchemaText('findings'))
    const front = await gateway()
    try {
      front.heardFirst = heard
      front.answer = (response) => response.destroy()
      const registering = new RegistryClient({ url: front.url }).register(subject, layout.text)
      if (heard === 4) await registering
      else await expect(registering).rejects.toThrow(RegistryError)
    } finally {
      front.close()
    }
    await new RegistryClient(service).register(subject, layout.text)
    expect(await ask(`/subjects/${subject}/versions`)).toEqual([1])
    expect(await ask(`/config/${subject}`)).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' })
  })

  it('records of the previous version are read after the next one is registered', async () => {
    const prefix = freshPrefix()
    const old = await writing('findings', before, `${prefix}findings-value`)
    const { successor: _, ...record } = finding({ id: 'written-before' })
    const message = old.encode('findings', [record as RecordOf<'findings'>])
    const log = new MemoryLog(partitions)
    const { codec, reading } = await openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix })
    expect(await ask(`/subjects/${prefix}findings-value/versions`)).toEqual([1, 2])
    await append(log, message)
    await append(log, codec.encode('findings', [finding({ id: 'written-now', successor: 'x' })]))
    const read = (await everyMessage(reading(log))).flatMap((value) => codec.decode('findings', value))
    expect(read).toStrictEqual([{ ...record, successor: null }, finding({ id: 'written-now', successor: 'x' })])
  })

  it.each([
    ['a field without a default that today’s lacks', { ...findings, fields: [...findings.fields, { name: 'owner', type: 'string' }] }, /owner/],
    ['a field without a default that today’s adds', { ...findings, fields: findings.fields.filter(({ name }) => name !== 'home') }, /home/],
    ['another type of a field', { ...findings, fields: findings.fields.map((field) => (field.name === 'home' ? { ...field, type: 'long' } : field)) }, /LONG not compatible with writer type: STRING/],
  ])('one that already has %s refuses today’s at start, with the registry’s reason', async (_name, registered, reason) => {
    const prefix = freshPrefix()
    await writing('findings', registered, `${prefix}findings-value`)
    const opening = openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix })
    await expect(opening).rejects.toThrow(RegistryRefusal)
    await expect(opening).rejects.toThrow(new RegExp(`${prefix.replace('.', '\\.')}findings-value.*ncompatible`))
    await expect(opening).rejects.toThrow(reason)
  })

  it('one whose compatibility somebody lowered is refused too', async () => {
    const prefix = freshPrefix()
    await openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix })
    const body = JSON.stringify({ compatibility: 'NONE' })
    await fetch(`${service.url}/config/${prefix}raw-value`, { method: 'PUT', body, headers: { 'content-type': 'application/json' } })
    await expect(openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix })).rejects.toThrow(/raw-value.*FULL_TRANSITIVE != NONE.*PUT .*\/config\//)
  })
})

async function append(log: MemoryLog, ...values: Uint8Array[]): Promise<void> {
  const task = await log.openTask('test')
  await task.commit({ appends: values.map((value) => ({ topic: 'findings' as const, partition: 0, key: null, timestamp: 1, value })), state: new Map() })
}

describe('an id that is not known yet', () => {
  let log: MemoryLog
  let message: Uint8Array
  beforeEach(async () => {
    log = new MemoryLog(partitions)
    message = (await writing('findings', before)).encode('findings', [finding()])
  })

  it('of no schema at all is an error of the data, once no replica can lag behind any more', async () => {
    const { codec, reading } = await openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix: shared, lagMs: 0 })
    await append(log, Uint8Array.of(0, 0x7f, 1, 2, 3, 9))
    const [value] = await everyMessage(reading(log))
    expect(() => codec.decode('findings', value!)).toThrow(CodecError)
  })

  it('of a schema that is none of ours is an error of the data', async () => {
    const { codec, reading } = await openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix: shared })
    const id = await new RegistryClient(service).register(`${freshPrefix()}foreign`, '{"type":"record","name":"Order","namespace":"shop","fields":[]}')
    const foreign = Buffer.alloc(5)
    foreign.writeUInt32BE(id, 1)
    await append(log, foreign)
    const [value] = await everyMessage(reading(log))
    expect(() => codec.decode('findings', value!)).toThrow(CodecError)
  })

  it('is asked for once', async () => {
    const front = await gateway()
    try {
      const { codec, schemas } = await openRegistryCodec({ kept: new MemorySchemaStore(), url: front.url, prefix: shared })
      await Promise.all([schemas.meet([message, message]), schemas.meet([message])])
      front.answer = (response) => response.destroy()
      await schemas.meet([message])
      expect(codec.decode('findings', message)).toHaveLength(1)
    } finally {
      front.close()
    }
  })

  it('is no error of the data where nobody asked for it', async () => {
    const { codec } = await openRegistryCodec({ kept: new MemorySchemaStore(), ...service, prefix: shared })
    expect(() => codec.decode('findings', message)).toThrow(RegistryError)
  })
})

describe('a registry that is out of reach', () => {
  it('stops a start, with its address and without the password', async () => {
    const opening = openRegistryCodec({ kept: new MemorySchemaStore(), url: 'http://127.0.0.1:9', username: 'u', password: 'hush-hush', prefix: '' })
    await expect(opening).rejects.toThrow(RegistryError)
    await expect(opening).rejects.toThrow(/127\.0\.0\.1:9.*ECONNREFUSED/)
    await expect(opening).rejects.not.toThrow(/hush-hush/)
  })

  it.each<[string, Gateway['answer']]>([
    ['answers 404 by a gateway in front of it', (response) => response.writeHead(404).end('no route')],
    ['answers 404 in JSON by a gateway in front of it', (response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"no route"}')],
    ['answers 503', (response) => response.writeHead(503).end()],
    ['cuts every connection', (response) => response.destroy()],
    ['cuts every answer in the middle', (response) => response.writeHead(200, { 'content-length': '100' }).write('{"sche', () => response.destroy())],
  ])('and %s: reading fails and can be repeated, and nothing becomes a dead letter', async (_name, answer) => {
    const log = new MemoryLog(partitions)
    await append(log, (await writing('findings', before)).encode('findings', [finding()]))
    const front = await gateway()
    try {
      const { codec, schemas, reading } = await openRegistryCodec({ kept: new MemorySchemaStore(), url: front.url, prefix: shared })
      front.answer = answer
      await expect(everyMessage(reading(log))).rejects.toThrow(RegistryError)
      const [message] = await everyMessage(log)
      expect(() => schemas.get(frameId(message!)!)).toThrow(RegistryError)
      front.answer = null
      await everyMessage(reading(log))
      expect(codec.decode('findings', message!)).toHaveLength(1)
    } finally {
      front.close()
    }
  })
})

it('a registry that is down in the middle stops the tasks and makes no dead letter; they go on when it is back', async () => {
  const log = new MemoryLog(partitions)
  const older = await writing('raw', avroWithout('credentials'))
  const task = await log.openTask('test')
  const value = older.encode('raw', [seen('ann', 0), seen('bob', 0)])
  await task.commit({ appends: [{ topic: 'raw', partition: 0, key: null, timestamp: 1, value }], state: new Map() })
  const front = await gateway()
  const { codec, reading } = await openRegistryCodec({ kept: new MemorySchemaStore(), url: front.url, prefix: shared })
  front.answer = (response) => response.writeHead(503).end()
  const retries: string[] = []
  const pipeline = new Pipeline({
    types: [tally], log: reading(log), codec, clock: systemClock, limits: defaultLimits, release: 'test',
    onRetry: ({ error }) => retries.push(error.message),
  })
  try {
    await expect.poll(() => retries.length, { timeout: 60_000 }).toBeGreaterThan(1)
    expect(retries[0]).toMatch(/raw\/0: reading from offset 0 failed: asking for schema \d+ at the schema registry/)
    expect(await pipeline.progress()).toMatchObject([{ offset: 0, deadLetters: 0, running: true }])
    front.answer = null
    await pipeline.drained()
    expect(await pipeline.progress()).toMatchObject([{ deadLetters: 0, trouble: null }])
    expect(await log.end('dead-letters', 0)).toBe(0)
    const facts = (await log.read('facts', 0, 0, all)).flatMap((message) => codec.decode('facts', message.value))
    expect(facts.filter(({ type }) => type === 'AccountGone')).toHaveLength(2)
  } finally {
    await pipeline.stop()
    front.close()
  }
})

/** raw as a release wrote it that did not know this field of accounts. */
function avroWithout(field: string): unknown {
  const chunk = structuredClone(avroSchema('raw')) as { fields: { type: { items: (Schema & { name: string })[] } }[] }
  const account = chunk.fields[0]!.type.items.find(({ name }) => name === 'Account')!
  account.fields = account.fields.filter(({ name }) => name !== field)
  return chunk
}

interface Gateway {
  url: string
  /** how many requests are passed on before `answer` is asked */
  heardFirst: number
  /** null: what the registry says is passed on */
  answer: ((response: ServerResponse) => unknown) | null
  close(): void
}

async function gateway(): Promise<Gateway> {
  const server = createServer((request, response) => {
    if (front.answer !== null && --front.heardFirst < 0) return void front.answer(response)
    const target = new URL(`${service.url}${request.url}`)
    request.pipe(httpRequest(target, { method: request.method, headers: { ...request.headers, host: target.host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    }))
  })
  const front: Gateway = {
    url: '',
    heardFirst: 0,
    answer: null,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  front.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return front
}
