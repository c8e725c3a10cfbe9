import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { avroSchema } from '../../schemas/generate.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import { AvroCodec } from '../../src/adapters/codec/avro-codec.ts'
import { layoutOf } from '../../src/adapters/codec/layout.ts'
import { RegistryClient } from '../../src/adapters/codec-registry/registry-client.ts'
import { openRegistryCodec, type RegistryCodec } from '../../src/adapters/codec-registry/registry-codec.ts'
import type { KafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts'
import { armFaults } from '../../src/core/fault.ts'
import type { Append, TaskStore } from '../../src/ports/log.ts'
import { Chunker } from '../../src/runtime/chunks.ts'
import { newInstallation, type Installation } from '../adapters/log-kafka/installation.ts'
import { startSchemaRegistry, type SchemaRegistryService } from '../services/apicurio.ts'
import { startKafka, type KafkaCluster } from '../services/kafka.ts'
import { pythonWith } from '../services/python.ts'
import { access, finding, grant, lag, syncRun } from '../sink/records.ts'
import { MemorySchemaStore } from '../support/memory-schemas.ts'

/** The contract for downstream services, held by a consumer in another language: Python, on the real broker and the real registry. */
const folder = fileURLToPath(new URL('../../examples/consumer/', import.meta.url))
const Line = z.strictObject({
  event: z.record(z.string(), z.string()), topic: z.string(), partition: z.int(), offset: z.int(), index: z.int(), record: z.record(z.string(), z.unknown()),
})
type Line = z.infer<typeof Line>

let kafka: KafkaCluster
let registry: SchemaRegistryService
let python: string
let installation: Installation
let log: KafkaLog
let opened: RegistryCodec
beforeAll(async () => {
  ;[kafka, registry, python] = await Promise.all([startKafka(), startSchemaRegistry(), pythonWith('consumer', `${folder}requirements.txt`)])
  installation = await newInstallation(kafka.brokers)
  // as a release before `successor` had it: its schema is the subject's first version
  const older = await olderFindings()
  opened = await openRegistryCodec({ kept: new MemorySchemaStore(), url: registry.url, prefix: installation.options.prefix })
  log = await installation.open()
  const task = await log.openTask('test')
  await task.commit({ appends: [older], state: new Map() })
}, 300_000)
afterAll(async () => {
  armFaults(null)
  await log.close()
  await installation.dispose()
  await registry.stop()
  await kafka.stop()
})

async function olderFindings(): Promise<Append> {
  const today = avroSchema('findings') as { fields: { name: string }[] }
  const layout = layoutOf('findings', JSON.stringify({ ...today, fields: today.fields.filter(({ name }) => name !== 'successor') }))
  const id = await new RegistryClient(registry).register(`${installation.options.prefix}findings-value`, layout.text)
  const codec = new AvroCodec(new Map([['findings', { ...layout, id }]]), { get: () => undefined })
  return { topic: 'findings', partition: 0, key: 'identity/ann', timestamp: 1_700_000_000_000, value: codec.encode('findings', [finding({ id: 'older' })]) }
}

function appendsOf<T extends Topic>(records: readonly (readonly [topic: T, key: string, record: RecordOf<T>])[]): Append[] {
  const chunker = new Chunker(opened.codec, log.partitions, 'test')
  for (const [topic, key, record] of records) chunker.add(topic, key, record, 1_700_000_000_123)
  return chunker.take()
}

async function consume(group: string): Promise<Line[]> {
  const args = ['--brokers', kafka.brokers.join(','), '--registry', registry.url, '--prefix', installation.options.prefix, '--group', group, '--once']
  const child = spawn(python, [`${folder}consumer.py`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`the consumer ended with ${code}: ${err}`)
  return out.split('\n').filter((line) => line !== '').map((line) => Line.parse(JSON.parse(line)))
}

describe('a consumer in Python', () => {
  const big = access({ account: 'big', set: Array.from({ length: 4_000 }, (_, i) => grant({ entitlement: `entitlement-${i}-${'x'.repeat(80)}` })) })
  const written = {
    findings: [finding({ id: 'a', successor: 'b', detail: 'ünï' }), finding({ id: 'b', change: 'closed', closedAs: 'resolved', observed: null })],
    access: [access({ account: 'one' }), big, access({ account: 'two', gone: true, set: [], removed: ['x'] })],
    lag: [lag(), lag({ direction: 'revoke', lagMs: 2 ** 52 })],
    'sync-runs': [syncRun({ phase: 'end', verdict: 'partial', reason: 'a page was lost', place: 'users page 2' })],
  }
  const keyed = (): Append[] => appendsOf([
    ...written.findings.map((record) => ['findings', record.home, record] as const),
    ...written.access.map((record) => ['access', record.home, record] as const),
    ...written.lag.map((record) => ['lag', record.home, record] as const),
    ...written['sync-runs'].map((record) => ['sync-runs', record.source, record] as const),
  ])

  it('reads every record of the four topics as it was written, older schemas and records in parts included, and nothing that was given up', async () => {
    const task: TaskStore = await log.openTask('test')
    await task.commit({ appends: keyed(), state: new Map() })
    armFaults((point) => {
      if (point === 'kafka.after-offsets') throw new Error('planted')
    })
    await expect((await log.openTask('other')).commit({ appends: appendsOf([['findings', 'identity/ann', finding({ id: 'given-up' })]]), state: new Map() })).rejects.toThrow()
    armFaults(null)
    const lines = await consume('first')
    const of = (topic: string): unknown[] => lines.filter((line) => line.topic === topic).map(({ record }) => record)
    const { successor: _, ...older } = finding({ id: 'older' })
    expect(of('findings')).toHaveLength(3)
    expect(of('findings')).toEqual(expect.arrayContaining([older, ...written.findings]))
    expect(of('access')).toEqual(written.access)
    expect(of('lag')).toEqual(written.lag)
    expect(of('sync-runs')).toEqual(written['sync-runs'])
  })

  it('finds the attributes of CloudEvents in the headers, the same for the same message', async () => {
    const lines = await consume('second')
    const types = { findings: 'grantline.finding.changed', access: 'grantline.access.changed', lag: 'grantline.lag.measured', 'sync-runs': 'grantline.sync-run.progressed' }
    for (const { event, topic, partition, record } of lines) {
      expect(event).toEqual({
        specversion: '1.0',
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        source: `/${installation.options.prefix}${topic}/${partition}`,
        type: types[topic as keyof typeof types],
        time: record['id'] === 'older' ? '2023-11-14T22:13:20.000Z' : '2023-11-14T22:13:20.123Z',
        partitionkey: topic === 'sync-runs' ? 'billing' : 'identity/ann',
      })
    }
    const messages = new Map(lines.map(({ event, topic, partition, offset }) => [`${topic}/${partition}/${offset}`, event['id']]))
    expect(new Set(messages.values()).size).toBe(messages.size)
    await (await log.openTask('test')).commit({ appends: keyed(), state: new Map() })
    const again = (await consume('second')).map(({ event }) => event['id'])
    expect(new Set(again)).toEqual(new Set(lines.filter(({ record }) => record['id'] !== 'older').map(({ event }) => event['id'])))
  })
})
