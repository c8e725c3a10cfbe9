import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { fileNumbers } from '../../src/adapters/codec/file-numbers.ts'
import { openRegistryCodec, type RegistryCodec } from '../../src/adapters/codec-registry/registry-codec.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'
import { exportLog } from '../../src/move/export-log.ts'
import { importLog } from '../../src/move/import-log.ts'
import { numberIn } from '../../src/move/renumber.ts'
import { verifyLog } from '../../src/replay/verify-log.ts'
import { StateTable } from '../../src/runtime/state-table.ts'
import { decodeValue } from '../../src/runtime/values.ts'
import { accountKey } from '../../src/core/keys.ts'
import { partitionOf } from '../../src/core/partition.ts'
import { record, Surroundings, types } from '../replay/history.ts'
import { find, messagesOf, partitions, scratch } from '../replay/logs.ts'
import { startSchemaRegistry, type SchemaRegistryService } from '../services/apicurio.ts'
import { Topology } from '../support/topology.ts'
import { filesOf } from './contents.ts'

/** From a log that numbers schemas by their text to one that has a registry's numbers, to another registry's, and back. */
let base: string
let service: SchemaRegistryService
let source: EmbeddedLog
const opened: EmbeddedLog[] = []
const ignored = (): void => undefined
const openAt = async (name: string): Promise<EmbeddedLog> => {
  const log = await openEmbeddedLog({ path: join(base, name), partitions, durability: 'process' })
  opened.push(log)
  return log
}
/** More than a message takes: it travels in parts. */
const large = { id: 'large', mail: 'x'.repeat(700_000) }
const largeIn = partitionOf(accountKey('crm', large.id), partitions.raw)
const registry = (log: EmbeddedLog): Promise<RegistryCodec> => openRegistryCodec({ kept: log.schemas, url: service.url, prefix: `${randomUUID()}.` })

beforeAll(async () => {
  service = await startSchemaRegistry()
  base = mkdtempSync(join(tmpdir(), 'grantline-move-registry-'))
  source = await openAt('source')
  const topology = new Topology({ types, log: source, codec: createFileCodec(source.schemas) })
  await record(topology)
  const world = new Surroundings(topology)
  await world.change('crm', large)
  await topology.advance(60_000)
  // a second one, of which the task has seen the first part only when the log is carried
  await world.change('crm', { ...large, direct: ['orders:read'] })
  const id = `task/normalise/${largeIn}`
  const table = new StateTable((await source.openTask(id)).state)
  const codec = createFileCodec(source.schemas)
  const parts = (await messagesOf(source, 'raw', largeIn)).flatMap(({ value }) => codec.decode('raw', value)).filter((one) => one.type === 'Part')
  const first = parts.findLast(({ part }) => part === 0)!
  table.putOwn(`part/${first.id}/0`, first.bytes)
  await (await source.openTask(id)).commit({ appends: [], state: table.changes })
}, 240_000)
afterAll(async () => {
  for (const log of opened) await log.close()
  rmSync(base, { recursive: true, force: true })
  await service.stop()
})

it('each message names its schema as the registry does, large ones in their first part too; verify holds; back again it is as it was', async () => {
  const first = join(base, 'export')
  await exportLog({ log: source, numbers: fileNumbers(source.schemas), directory: first, release: 'test', now: 1, onProgress: ignored })
  let from = first
  for (const name of ['one', 'other']) {
    const log = await openAt(name)
    const { numbers, codec, reading } = await registry(log)
    await importLog({ log, numbers, directory: from, onProgress: ignored })
    const known = new Set((['raw', 'facts'] as const).map((topic) => numberIn(codec.encode(topic, []))))
    expect(known).not.toContain(numberIn(createFileCodec(source.schemas).encode('raw', [])))
    for (const topic of ['raw', 'facts'] as const) {
      for (const { value } of await messagesOf(log, topic, largeIn)) expect(known).toContain(numberIn(value))
    }
    const part = (await messagesOf(log, 'raw', largeIn)).flatMap(({ value }) => codec.decode('raw', value)).find((one) => one.type === 'Part' && one.part === 0)
    expect(part?.type === 'Part' && known.has(numberIn(part.bytes))).toBe(true)
    const staged = [...(await log.openTask(`task/normalise/${largeIn}`)).state.range('@runtime/part/')]
    expect(staged).toHaveLength(1)
    expect(known).toContain(numberIn(decodeValue(staged[0]![1]) as Uint8Array))
    const report = await verifyLog({ log: reading(log), codec, types, scratch: scratch() })
    expect(report.tasks.filter(({ difference }) => difference !== null)).toEqual([])
    expect(report.strays).toEqual([])
    from = join(base, `export-of-${name}`)
    await exportLog({ log, numbers, directory: from, release: 'test', now: 1, onProgress: ignored })
    expect(filesOf(from)).toEqual(filesOf(first))
  }
  const back = await openAt('back')
  await importLog({ log: back, numbers: fileNumbers(back.schemas), directory: from, onProgress: ignored })
  const target = await find(back, 'facts', (one) => one.type === 'AccountFact' && one.account === 'large')
  expect(target.partition).toBeGreaterThanOrEqual(0)
})
