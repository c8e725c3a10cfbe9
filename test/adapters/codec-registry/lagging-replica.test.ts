import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { avroSchema } from '../../../schemas/generate.ts'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { AvroCodec, frameId } from '../../../src/adapters/codec/avro-codec.ts'
import { layoutOf } from '../../../src/adapters/codec/layout.ts'
import { RegistryClient, RegistryError } from '../../../src/adapters/codec-registry/registry-client.ts'
import { openRegistryCodec, type RegistryCodec } from '../../../src/adapters/codec-registry/registry-codec.ts'
import { RegistrySchemas } from '../../../src/adapters/codec-registry/registry-schemas.ts'
import { CodecError } from '../../../src/ports/codec.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { defaultLimits } from '../../../src/runtime/limits.ts'
import { Pipeline } from '../../../src/runtime/pipeline.ts'
import { RecordReader } from '../../../src/runtime/records.ts'
import { seen, tally } from '../../support/fixture-processors.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { MemorySchemaStore } from '../../support/memory-schemas.ts'
import { startSmallRegistry, type SmallRegistry } from '../../support/small-registry.ts'

/** What another process registers and writes a moment later is read from a replica that has not heard of it. */
const partitions = Object.fromEntries(topicNames.map((topic) => [topic, 1])) as Record<Topic, number>
const all = { maxMessages: 2_000, maxBytes: 1e9 }
const lagMs = 2_000
const stranger = (id: number): Uint8Array => Uint8Array.of(0, 0x7f, 0, id >> 8, id & 0xff, 9)

let registry: SmallRegistry
let log: MemoryLog
let pipeline: Pipeline | null
const retries: string[] = []
beforeEach(async () => {
  registry = await startSmallRegistry()
  log = new MemoryLog(partitions)
  pipeline = null
  retries.length = 0
})
afterEach(async () => {
  await pipeline?.stop()
  registry.close()
})

async function append(...values: Uint8Array[]): Promise<void> {
  const task = await log.openTask('test')
  await task.commit({ appends: values.map((value) => ({ topic: 'raw' as const, partition: 0, key: null, timestamp: 1, value })), state: new Map() })
}

/** A message of two accounts by another release, whose schema only `late` hides. */
async function written(): Promise<Uint8Array> {
  const chunk = structuredClone(avroSchema('raw')) as { fields: { type: { items: { name: string; fields: { name: string }[] }[] } }[] }
  const account = chunk.fields[0]!.type.items.find(({ name }) => name === 'Account')!
  account.fields = account.fields.filter(({ name }) => name !== 'credentials')
  const layout = layoutOf('raw', JSON.stringify(chunk))
  const client = new RegistryClient(registry)
  const id = await client.register('raw-value', layout.text)
  const message = new AvroCodec(new Map([['raw', { ...layout, id }]]), new RegistrySchemas(client, new MemorySchemaStore())).encode('raw', [seen('ann', 0), seen('bob', 0)])
  expect(frameId(message)).toBe(id)
  registry.late.add(id)
  return message
}

function start({ codec, reading }: RegistryCodec): Pipeline {
  return (pipeline = new Pipeline({
    types: [tally], log: reading(log), codec, clock: systemClock, limits: defaultLimits, release: 'test',
    onRetry: ({ error }) => retries.push(error.message),
  }))
}

const factsIn = async ({ codec }: RegistryCodec): Promise<number> =>
  (await log.read('facts', 0, 0, all)).flatMap(({ value }) => codec.decode('facts', value)).filter(({ type }) => type === 'AccountGone').length
const deadLetters = (): Promise<number> => log.end('dead-letters', 0)

describe('a replica that has not heard of a schema yet', () => {
  it('is asked again for as long as one may lag behind, while the task says what it waits for: the message is processed', async () => {
    const opened = await openRegistryCodec({ kept: new MemorySchemaStore(), ...registry, prefix: '' })
    const running = start(opened)
    await running.drained()
    await append(await written())
    const drained = running.drained()
    await expect.poll(() => retries.length, { timeout: 10_000 }).toBeGreaterThan(3)
    expect(retries[0]).toMatch(/raw\/0: reading from offset \d+ failed: the schema registry does not know schema \d+.* 30 s becomes a dead letter/)
    expect(await running.progress()).toMatchObject([{ deadLetters: 0, running: true, trouble: expect.stringContaining('lag behind') as string }])
    registry.late.clear()
    await drained
    expect(await running.progress()).toMatchObject([{ deadLetters: 0, trouble: null }])
    expect(await factsIn(opened)).toBe(2)
    expect(await deadLetters()).toBe(0)
  })

  it('makes who reads once wait, and holds nobody up for longer than that', async () => {
    const { codec, readingOnce } = await openRegistryCodec({ kept: new MemorySchemaStore(), ...registry, prefix: '', lagMs })
    const message = await written()
    await append(message)
    const reading = readingOnce(log).read('raw', 0, 0, all)
    await sleep(lagMs / 4)
    registry.late.clear()
    const [first] = await reading
    expect(codec.decode('raw', first!.value)).toHaveLength(2)

    await append(stranger(1))
    const began = performance.now()
    const [, second] = await readingOnce(log).read('raw', 0, 0, all)
    expect(performance.now() - began).toBeGreaterThan(lagMs - 1)
    expect(() => codec.decode('raw', second!.value)).toThrow(CodecError)
  })

  it('that was down meanwhile is given the whole time anew', async () => {
    const { schemas } = await openRegistryCodec({ kept: new MemorySchemaStore(), ...registry, prefix: '', lagMs })
    const message = await written()
    await expect(schemas.meet([message])).rejects.toThrow(/lag behind/)
    registry.isDown = true
    await sleep(lagMs)
    await expect(schemas.meet([stranger(1)])).rejects.toThrow(/failed/)
    registry.isDown = false
    await expect(schemas.meet([message])).rejects.toThrow(RegistryError)
    registry.late.clear()
    await schemas.meet([message])
  })
})

describe('an id that nobody ever registers', () => {
  it('is a dead letter after that time, once for a thousand messages, and what comes behind it is processed', async () => {
    const opened = await openRegistryCodec({ kept: new MemorySchemaStore(), ...registry, prefix: '', lagMs })
    const poison = Array.from({ length: 1_000 }, () => stranger(1))
    await append(...poison, opened.codec.encode('raw', [seen('ann', 0)]))
    const running = start(opened)
    const began = performance.now()
    await expect.poll(deadLetters, { timeout: 20_000 }).toBe(1_000)
    expect(performance.now() - began).toBeGreaterThan(lagMs - 1)
    const asked = registry.asked.get(0x7f_00_00_01)
    expect(asked).toBeLessThan(20)
    await append(stranger(1))
    const again = performance.now()
    await running.drained()
    expect(performance.now() - again).toBeLessThan(lagMs)
    expect(registry.asked.get(0x7f_00_00_01)).toBe(asked)
    expect(await deadLetters()).toBe(1_001)
    expect(await factsIn(opened)).toBe(1)
  })

  it('holds nobody up where it stands within the parts of a large record', async () => {
    const opened = await openRegistryCodec({ kept: new MemorySchemaStore(), ...registry, prefix: '', lagMs })
    const part = { type: 'Part', id: 'x', part: 0, of: 1, bytes: Uint8Array.from(stranger(1)) } as const
    await append(opened.codec.encode('raw', [part, seen('ann', 0)]))
    const running = start(opened)
    await running.drained()
    expect(await deadLetters()).toBe(1)
    expect(await factsIn(opened)).toBe(1)
    const read = new RecordReader(opened.codec, 'raw', 0).read((await opened.readingOnce(log).read('raw', 0, 0, all)).find(({ timestamp }) => timestamp === 1)!)
    expect(read.map(({ record }) => record?.type)).toEqual([undefined, 'Seen'])
  })

  it('waits together with others', async () => {
    const opened = await openRegistryCodec({ kept: new MemorySchemaStore(), ...registry, prefix: '', lagMs })
    await append(...Array.from({ length: 100 }, (_, id) => stranger(id)))
    const running = start(opened)
    const began = performance.now()
    await running.drained()
    expect(performance.now() - began).toBeLessThan(20 * lagMs)
    expect(await deadLetters()).toBe(100)
  })

  it('is one at once where its schema is there, and none of ours', async () => {
    const { codec, schemas } = await openRegistryCodec({ kept: new MemorySchemaStore(), ...registry, prefix: '' })
    const id = await new RegistryClient(registry).register('foreign', '{"type":"record","name":"Order","namespace":"shop","fields":[]}')
    const message = Uint8Array.of(0, 0, 0, 0, id)
    await schemas.meet([message])
    expect(() => codec.decode('raw', message)).toThrow(CodecError)
  })
})
