import { randomBytes, randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import type { RestoreProgress } from '../../../src/adapters/log-kafka/changelog.ts'
import { createClient } from '../../../src/adapters/log-kafka/client.ts'
import { ConfigResourceTypes } from '../../../src/adapters/log-kafka/kafkajs.ts'
import type { KafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts'
import { maxMessageBytes } from '../../../src/adapters/log-kafka/topics.ts'
import { armFaults, type FaultPoint } from '../../../src/core/fault.ts'
import { FencedError, type Message, type TaskStore } from '../../../src/ports/log.ts'
import { contractPartitions, logContract } from '../../contract/log.ts'
import { portableLogContract } from '../../contract/portable-log.ts'
import { fetchKafka, launchKafka, startKafka, type KafkaCluster } from '../../services/kafka.ts'
import { seen, tally } from '../../support/fixture-processors.ts'
import { Topology } from '../../support/topology.ts'
import { newInstallation, type Installation } from './installation.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await startKafka()
}, 240_000)
afterAll(() => cluster.stop())

logContract('Kafka', async () => newInstallation(cluster.brokers))
portableLogContract('Kafka', async () => newInstallation(cluster.brokers))

describe('the log on Kafka', () => {
  let installation: Installation
  let opened: KafkaLog[]
  const restored: RestoreProgress[] = []
  const open = async (directory?: string, more: Parameters<Installation['open']>[1] = {}): Promise<KafkaLog> => {
    const log = await installation.open(directory, { onRestore: (progress) => restored.push(progress), ...more })
    opened.push(log)
    return log
  }
  beforeEach(async () => {
    opened = []
    restored.length = 0
    installation = await newInstallation(cluster.brokers)
  })
  afterEach(async () => {
    armFaults(null)
    await Promise.all(opened.map((log) => log.close()))
    await installation.dispose()
  })

  const id = 'task/normalise/1'
  const bytes = (text: string): Uint8Array => Buffer.from(text)
  const state = (entries: Record<string, string | null>): Map<string, Uint8Array | null> =>
    new Map(Object.entries(entries).map(([key, value]) => [key, value === null ? null : bytes(value)]))
  const append = (value: string | Uint8Array, partition = 0): { topic: 'facts'; partition: number; key: null; timestamp: number; value: Uint8Array } =>
    ({ topic: 'facts', partition, key: null, timestamp: 1, value: typeof value === 'string' ? bytes(value) : value })
  const rows = (task: TaskStore): Record<string, string> => Object.fromEntries([...task.state.range('')].map(([key, value]) => [key, Buffer.from(value).toString()]))
  const readOn = async (log: KafkaLog, offset = 0): Promise<Message[]> => {
    const messages = await log.read('facts', 0, offset, { maxMessages: 1_000, maxBytes: 1e8 })
    return messages.length === 0 ? [] : [...messages, ...(await readOn(log, messages.at(-1)!.offset + 1))]
  }
  const texts = async (log: KafkaLog): Promise<string[]> => (await readOn(log)).map(({ value }) => Buffer.from(value).toString())
  const rowsRestored = (): number => restored.at(-1)?.rows ?? 0

  it('a transaction that was open for too long is told apart from one that was taken over: the task is opened again and goes on', { timeout: 60_000 }, async () => {
    const log = await open('own', { transactionTimeoutMs: 1_000 })
    const task = await log.openTask(id)
    await task.commit({ appends: [append('a')], state: state({ 'a/n': '1' }) })
    armFaults((point) => {
      if (point === 'kafka.after-offsets') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000)
    })
    const failure: unknown = await task.commit({ appends: [append('lost')], state: state({ 'a/n': '2' }) }).catch((error: unknown) => error)
    armFaults(null)
    expect(failure).not.toBeInstanceOf(FencedError)
    expect(String(failure)).toMatch(/open for longer than transactionSeconds \(1\)/)
    const again = await log.openTask(id)
    expect(rows(again)).toEqual({ 'a/n': '1' })
    await again.commit({ appends: [append('b')], state: state({ 'a/n': '2' }) })
    expect(await texts(log)).toEqual(['a', 'b'])
  })

  it('what came to whoever waited for it is not asked for again', { timeout: 120_000 }, async () => {
    const own = await launchKafka(await fetchKafka(), {})
    const on = await newInstallation(own.brokers)
    const [writer, reader] = [await on.open('writer'), await on.open('reader')]
    const read = async (offset: number): Promise<string[]> => (await reader.read('facts', 0, offset, { maxMessages: 10, maxBytes: 1e6 })).map(({ value }) => Buffer.from(value).toString())
    try {
      const task = await writer.openTask(id)
      await task.commit({ appends: [append('before')], state: state({}) })
      await expect.poll(() => read(0)).toEqual(['before'])
      const waiting = reader.waitFor('facts', 0, 1, new AbortController().signal)
      await task.commit({ appends: [append('a'), append('b')], state: state({}) })
      await waiting
      await own.own[0]!.kill()
      expect(await read(1)).toEqual(['a', 'b'])
      await own.own[0]!.restart()
      await expect.poll(() => texts(reader), { timeout: 30_000 }).toEqual(['before', 'a', 'b'])
    } finally {
      await Promise.all([writer.close(), reader.close()])
      await on.dispose()
      await own.stop()
    }
  })

  it('a process without a local copy finds the state in the changelog, and says how far it is', async () => {
    const first = await open()
    const task = await first.openTask(id)
    await task.commit({ appends: [], state: state({ 'a/1': 'x', 'a/2': 'y' }) })
    await task.commit({ appends: [], state: state({ 'a/1': null, 'a/3': 'z' }) })
    const elsewhere = await (await open('elsewhere')).openTask(id)
    expect(rows(elsewhere)).toEqual({ 'a/2': 'y', 'a/3': 'z' })
    expect(restored.at(-1)).toMatchObject({ task: id, rows: 4 })
    expect(restored.at(-1)!.offset).toBe(restored.at(-1)!.end)
  })

  it('a process with its own copy reads only what came since; other tasks’ rows of the same partition are not its own', async () => {
    let log = await open()
    const other = await log.openTask('publisher/settings')
    await other.commit({ appends: [], state: state({ 'a/1': 'others' }) })
    const task = await log.openTask(id)
    for (let i = 0; i < 20; i++) await task.commit({ appends: [], state: state({ [`a/${i}`]: 'x' }) })
    await log.close()
    log = await open()
    expect(Object.keys(rows(await log.openTask(id)))).toHaveLength(20)
    expect(rowsRestored()).toBe(0)
    expect(rows(await log.openTask('publisher/settings'))).toEqual({ 'a/1': 'others' })
  })

  it('a hold that is spent tells whether another process took the task over, and takes nothing over itself', async () => {
    const [older, other] = [await (await open()).openTask(id), await open('elsewhere')]
    armFaults((point) => {
      if (point === 'kafka.after-commit') throw new Error('the answer was lost')
    })
    await expect(older.commit({ appends: [append('landed')], state: state({ 'a/1': 'landed' }) })).rejects.toThrow('the answer was lost')
    armFaults(null)
    expect(await older.isTakenOver()).toBe(false)
    const newer = await other.openTask(id)
    await expect.poll(() => older.isTakenOver()).toBe(true)
    await newer.commit({ appends: [append('mine')], state: state({ 'a/1': 'mine' }) })
    expect(await newer.isTakenOver()).toBe(false)
    expect(await texts(other)).toEqual(['landed', 'mine'])
  })

  it('two owners in two processes: the newer one commits, the older one is fenced', async () => {
    const [older, newer] = [await (await open()).openTask(id), await (await open('elsewhere')).openTask(id)]
    await expect(older.commit({ appends: [append('late')], state: state({ 'a/1': 'late' }) })).rejects.toThrow(FencedError)
    await newer.commit({ appends: [append('mine')], state: state({ 'a/1': 'mine' }) })
    expect(await texts(opened[1]!)).toEqual(['mine'])
    expect(rows(newer)).toEqual({ 'a/1': 'mine' })
  })

  it.each(['kafka.after-send', 'kafka.after-offsets', 'kafka.after-commit', 'kafka.after-cache'] as const)(
    'what fails at %s is there whole or not at all once the task is opened again',
    async (at) => {
      const log = await open()
      const task = await log.openTask(id)
      await task.commit({ appends: [append('old')], state: state({ 'a/1': 'old' }) })
      failOnceAt(at)
      const input = { topic: 'raw' as const, partition: 1, offset: 7 }
      await expect(task.commit({ appends: [append('new')], state: state({ 'a/1': 'new' }), input })).rejects.toThrow(`stopped at ${at}`)
      const committed = at === 'kafka.after-commit' || at === 'kafka.after-cache'
      const again = await log.openTask(id)
      expect(rows(again)).toEqual({ 'a/1': committed ? 'new' : 'old' })
      expect(await texts(log)).toEqual(committed ? ['old', 'new'] : ['old'])
    },
  )

  it('an opening that fails in the middle of restoring leaves nothing that the next one would believe', async () => {
    const task = await (await open()).openTask(id)
    await task.commit({ appends: [], state: state({ 'a/1': 'x', 'a/2': 'x' }) })
    const log = await open('elsewhere')
    failOnceAt('kafka.mid-restore')
    await expect(log.openTask(id)).rejects.toThrow('stopped at kafka.mid-restore')
    expect(rows(await log.openTask(id))).toEqual({ 'a/1': 'x', 'a/2': 'x' })
  })

  it('a copy that is older than the changelog keeps marks of deleted rows is thrown away', async () => {
    const shortly = { deleteRetentionMs: 1_000 }
    const stale = await open('stale', shortly)
    const task = await stale.openTask(id)
    await task.commit({ appends: [], state: state({ 'a/gone': 'x', 'a/kept': 'x' }) })
    await stale.close()
    const log = await open('elsewhere', shortly)
    await (await log.openTask(id)).commit({ appends: [], state: state({ 'a/gone': null }) })
    await sleep(1_000)
    restored.length = 0
    const again = await (await open('stale', shortly)).openTask(id)
    expect(rows(again)).toEqual({ 'a/kept': 'x' })
    expect(rowsRestored()).toBe(3)
    await again.commit({ appends: [], state: state({ 'a/new': 'x' }) })
    await opened.at(-1)!.close()
    restored.length = 0
    await (await open('stale', shortly)).openTask(id)
    expect(rowsRestored()).toBe(0)
  })

  it('a state of another format is refused, from the local copy and from the changelog', async () => {
    const log = await open()
    const codec = createFileCodec(log.schemas)
    const first = new Topology({ types: [tally], log, codec, release: '1.0.0' })
    await first.publish({ topic: 'raw', key: 'app/a', record: seen('a') })
    await first.drain()
    for (const on of [log, await open('elsewhere')]) {
      const next = new Topology({ types: [{ ...tally, stateFormat: 2 }], log: on, codec: createFileCodec(on.schemas), release: '2.0.0' })
      await expect(next.drain()).rejects.toThrow(/tally \(partition \d\): the state has format 1 \(release 1\.0\.0\).*another kafka\.prefix/)
    }
  })

  it('a copy of topics that were made anew is thrown away', async () => {
    const log = await open()
    const task = await log.openTask(id)
    for (let i = 0; i < 5; i++) await task.commit({ appends: [], state: state({ [`a/${i}`]: 'of before' }) })
    await log.close()
    await installation.deleteTopics()
    expect(rows(await (await open()).openTask(id))).toEqual({})
  })

  it('also where those have more by now than the ones before had', async () => {
    const log = await open()
    await (await log.openTask(id)).commit({ appends: [], state: state({ 'a/0': 'of before' }) })
    await log.close()
    await installation.deleteTopics()
    const elsewhere = await open('elsewhere')
    expect(elsewhere.id).not.toBe(log.id)
    const task = await elsewhere.openTask(id)
    for (let i = 1; i < 9; i++) await task.commit({ appends: [], state: state({ [`a/${i}`]: 'of now' }) })
    const found = rows(await (await open()).openTask(id))
    expect([Object.keys(found).length, found['a/0']]).toEqual([8, undefined])
  })

  it('also where an import fills those with the same log, whose id comes along', async () => {
    const log = await open()
    const { id: logId } = log
    await (await log.openTask(id)).commit({ appends: [], state: state({ 'a/kept': 'of before', 'a/gone': 'of before' }) })
    await log.close()
    await installation.deleteTopics()
    const elsewhere = await open('elsewhere')
    const filling = await elsewhere.fill('an export')
    const task = await elsewhere.openTask(id)
    await task.commit({ appends: [], state: state({ 'a/kept': 'imported' }) })
    for (let i = 0; i < 5; i++) await task.commit({ appends: [], state: state({ [`b/${i}`]: 'imported' }) })
    await filling.finish(logId)
    const back = await open()
    expect(back.id).toBe(logId)
    const found = rows(await back.openTask(id))
    expect([found['a/kept'], found['a/gone'], Object.keys(found).length]).toEqual(['imported', undefined, 6])
  })

  it('has one id, whoever opens it first', async () => {
    const logs = await Promise.all(['a', 'b', 'c', 'd'].map((directory) => open(directory)))
    expect(new Set(logs.map((log) => log.id)).size).toBe(1)
    expect((await open('e')).id).toBe(logs[0]!.id)
  })

  it('a lost directory costs a restoring, nothing else', async () => {
    const log = await open('lost')
    await (await log.openTask(id)).commit({ appends: [], state: state({ 'a/1': 'x' }) })
    await log.close()
    await rm(log.path, { recursive: true })
    expect(rows(await (await open('lost')).openTask(id))).toEqual({ 'a/1': 'x' })
  })

  it('a transaction of many megabytes is cut into requests that the broker takes, and stays one', async () => {
    const log = await open()
    const task = await log.openTask(id)
    // nothing that zstd could make smaller, and more than a broker takes of one partition at once
    const appends = Array.from({ length: 50 }, () => append(randomBytes(400_000), 0))
    expect(appends.reduce((sum, { value }) => sum + value.length, 0)).toBeGreaterThan(maxMessageBytes)
    const { offsets } = await task.commit({ appends, state: new Map(appends.map(({ value }, i) => [`a/${i}`, value])) })
    const read = await readOn(log)
    expect(read.map(({ offset }) => offset)).toEqual(offsets)
    expect(read.every(({ value }, i) => Buffer.compare(value, appends[i]!.value) === 0)).toBe(true)
    expect(rows(await (await open('elsewhere')).openTask(id))).toEqual(rows(task))
  })

  it('the group’s offset moves with the transaction: others see where the input stands', async () => {
    const log = await open()
    const task = await log.openTask(id)
    await task.commit({ appends: [], state: state({ 'a/1': 'x' }), input: { topic: 'raw', partition: 1, offset: 41 } })
    failOnceAt('kafka.after-offsets')
    await expect(task.commit({ appends: [], state: state({ 'a/1': 'y' }), input: { topic: 'raw', partition: 1, offset: 42 } })).rejects.toThrow('stopped')
    const { prefix } = installation.options
    const admin = createClient(installation.options, 'test').admin()
    await admin.connect()
    const [raw] = await admin.fetchOffsets({ groupId: `${prefix}processors`, topics: [`${prefix}raw`] })
    await admin.disconnect()
    expect(raw!.partitions.find(({ partition }) => partition === 1)!.offset).toBe('41')
  })

  it('refuses topics that are not as it needs them, naming topic, setting and what to do', async () => {
    await open()
    await expect(open('elsewhere', { partitions: { ...contractPartitions, raw: 4 } })).rejects.toThrow(/raw has 3 partitions, the configuration says 4.*another kafka\.prefix/s)
    await expect(open('elsewhere', { replication: 3 })).rejects.toThrow(/findings has 1 copies of a partition, the configuration says 3;/)
    await expect(open('elsewhere', { deleteRetentionMs: 5 })).rejects.toThrow(/state-normalise has delete\.retention\.ms=604800000, the log needs 5;/)
    const admin = createClient(installation.options, 'test').admin()
    await admin.connect()
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: `${installation.options.prefix}raw`, configEntries: [{ name: 'retention.ms', value: '1000' }] }] })
    await admin.disconnect()
    // brokers learn of it a moment later
    await vi.waitFor(() => expect(open(randomUUID())).rejects.toThrow(/raw has retention\.ms=1000, the log needs -1/), { timeout: 20_000, interval: 500 })
  })

  it('one process at a time uses a directory of copies', async () => {
    await (await open()).openTask(id)
    await expect((await open()).openTask(id)).rejects.toThrow(/process\.lock: this process has it open already/)
  })
})

function failOnceAt(at: FaultPoint): void {
  armFaults((point) => {
    if (point !== at) return
    armFaults(null)
    throw new Error(`stopped at ${at}`)
  })
}
