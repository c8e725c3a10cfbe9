import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Admin } from 'kafkajs'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { createClient } from '../../src/adapters/log-kafka/client.ts'
import type { KafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts'
import { processors } from '../../src/compose.ts'
import { accountKey, identityHome } from '../../src/core/keys.ts'
import { partitionOf } from '../../src/core/partition.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { openPublisher, type Outgoing, type Publisher } from '../../src/runtime/publisher.ts'
import { startKafka } from '../../test/services/kafka.ts'
import { publishResults } from '../machine.ts'
import { benchLogOptions, openBenchLog } from '../on-kafka.ts'
import { app, inThousands, intent, plantedCount, settings, snapshot } from '../workload.ts'
import { drained, positions, until, Worker } from './group.ts'
import { endsOf, rawLimit, type Ends } from './raw-limit.ts'

/**
 * `npm run bench -- kafka [accounts] [events a second] [seconds] [session seconds]`, all on one broker:
 * - W(n) by one process and by two, which hold the intent and stand still while the snapshot is published: accounts/s;
 * - the share that this is of the raw limit: kafkajs reading and writing the same bytes with no processing;
 * - one of the two killed with SIGKILL, its states with it: until what it owned moves on in the other, which has copies of none of it;
 * - `bench/latency` on Kafka.
 */
const [accounts = 20_000, eventsPerSecond = 1_000, seconds = 10, sessionSeconds = 6] = process.argv.slice(2).map(Number)
const partitions = 4
const counts = { raw: partitions, intent: partitions, facts: partitions }
const latency = fileURLToPath(new URL('../latency/latency.ts', import.meta.url))
const outputs = ['facts', 'access', 'findings', 'lag', 'sync-runs', 'actions', 'state-entitle', 'state-normalise', 'state-reconcile', 'state-remediate']
const inputCount = new Set(processors.map(({ input }) => input)).size
const probeMs = 100
/** so long may a process stand still and keep its partitions */
const pausedSessionMs = 600_000
const workers: Worker[] = []
const rows: Record<string, string | number>[] = []
const result = (what: string, value: number, unit: string, note = ''): void => {
  rows.push({ what, value: Math.round(value * 100) / 100, unit, note })
  console.log(`${what}: ${value.toFixed(2)} ${unit} ${note}`)
}

interface Installation {
  prefix: string
  log: KafkaLog
  admin: Admin
  publisher: Publisher
  close(): Promise<void>
}

async function install(brokers: readonly string[]): Promise<Installation> {
  const directory = mkdtempSync(join(tmpdir(), 'grantline-bench-'))
  const prefix = `bench-${randomUUID()}.`
  const log = await openBenchLog({ brokers, prefix, directory, partitions })
  const admin = createClient(benchLogOptions({ brokers, prefix, directory, partitions }), 'bench').admin()
  await admin.connect()
  const publisher = await openPublisher({ log, codec: createFileCodec(log.schemas), clock: systemClock, id: 'bench' })
  return {
    prefix, log, admin, publisher,
    async close() {
      await admin.disconnect()
      await log.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const publish = ({ publisher }: Installation, records: Iterable<Outgoing>): Promise<void> => publisher.publishAll(inThousands(records), 4 * 1024 * 1024)

/** So many processes that have all partitions among them, and everything processed that is there. */
async function startGroup({ log, admin, prefix }: Installation, brokers: string[], processes: number, sessionMs: number): Promise<Worker[]> {
  const group = await Promise.all(Array.from({ length: processes }, () => new Worker({ brokers, prefix, partitions, sessionMs }).ready()))
  workers.push(...group)
  for (const worker of group) worker.go()
  await until(() => group.every((worker) => sizeOf(worker) > 0) && group.reduce((sum, worker) => sum + sizeOf(worker), 0) === partitions * inputCount, 'every process has its share')
  await until(async () => (await log.end('raw', 0)) > 0 && (await log.end('facts', partitions - 1)) > 0, 'the first ticks are there')
  await drained(log, admin, prefix)
  return group
}

/** W(n)'s first snapshot by so many processes, which stand still until it is in the log. */
async function firstSnapshot(of: Installation, brokers: string[], processes: number): Promise<{ seconds: number; cpuSeconds: number; from: Ends; to: Ends }> {
  const { log, admin, prefix } = of
  const group = await startGroup(of, brokers, processes, pausedSessionMs)
  const topics = [...outputs, 'raw'].map((topic) => prefix + topic)
  await publish(of, settings(counts))
  await publish(of, intent(accounts, counts))
  await drained(log, admin, prefix)
  for (const worker of group) worker.pause()
  const from = await endsOf(admin, topics)
  await publish(of, snapshot(accounts, 1, counts))
  const cpu = group.reduce((sum, worker) => sum + worker.cpuSeconds, 0)
  const began = performance.now()
  for (const worker of group) worker.resume()
  await drained(log, admin, prefix)
  const took = (performance.now() - began) / 1_000
  const cpuSeconds = group.reduce((sum, worker) => sum + worker.cpuSeconds, 0) - cpu
  for (const worker of group) await worker.stop()
  const found = await findings(log)
  if (found !== plantedCount(accounts)) throw new Error(`${processes} processes gave ${found} findings, planted were ${plantedCount(accounts)}`)
  return { seconds: took, cpuSeconds, from, to: await endsOf(admin, topics) }
}

/** A finding a message. */
async function findings(log: KafkaLog): Promise<number> {
  let found = 0
  for (let partition = 0; partition < partitions; partition++) {
    for (let offset = 0; ; ) {
      const messages = await log.read('findings', partition, offset, { maxMessages: 10_000, maxBytes: 8 * 1024 * 1024 })
      const last = messages.at(-1)
      if (last === undefined) break
      found += messages.length
      offset = last.offset + 1
    }
  }
  return found
}

/** Kills one of two processes while changes come for every partition, and waits until all that it owned moves on in the other. */
async function takeOver({ log, admin, prefix, publisher }: Installation, [victim, heir]: readonly Worker[]): Promise<void> {
  if (victim === undefined || heir === undefined) throw new Error('two processes are needed')
  await until(() => sizeOf(victim) > 0 && sizeOf(heir) > 0, 'both have partitions')
  const places = Object.entries(victim.owned).filter(([topic]) => topic === 'raw' || topic === 'facts').flatMap(([topic, of]) => of.map((partition) => `${topic}/${partition}`))
  const stop = new AbortController()
  const probing = probe(publisher, stop.signal)
  await sleep(2_000)
  await victim.kill()
  const killed = performance.now()
  // what its last transaction moved is not the heir's doing
  await sleep(500)
  const before = await positions(admin, prefix)
  const moved = new Map<string, number>()
  await until(async () => {
    const now = await positions(admin, prefix)
    for (const place of places) if (!moved.has(place) && now.get(place)! > before.get(place)!) moved.set(place, performance.now() - killed)
    return moved.size === places.length
  }, 'the other process has taken over')
  stop.abort()
  await probing
  await drained(log, admin, prefix)
  const since = (ms: number): number => (ms - killed) / 1_000
  const given = heir.said.find(({ owned, ms }) => owned !== undefined && ms > killed)
  const restored = heir.said.filter(({ restored: task, ms }) => task !== undefined && ms > killed)
  const rowsRestored = restored.reduce((sum, { rows: of }) => sum + (of ?? 0), 0)
  result('taken over: first new output', Math.min(...moved.values()) / 1_000, 's after SIGKILL', `session ${sessionSeconds} s`)
  result('taken over: everything moves on', Math.max(...moved.values()) / 1_000, 's after SIGKILL', `${places.length} partitions of raw and facts`)
  result('  of that: the group gives the partitions away', since(given?.ms ?? killed), 's after SIGKILL')
  result('  of that: the last state is restored', since(restored.at(-1)?.ms ?? killed), 's after SIGKILL', `${rowsRestored} rows`)
}

const sizeOf = ({ owned }: Worker): number => Object.values(owned).flat().length

/** For each partition of raw and each of facts, an account that is in the one and whose person is at home in the other. */
function probed(): string[] {
  const found = new Map<string, string>()
  for (let k = 0; k < accounts; k++) {
    const places = `${partitionOf(accountKey(app, `a${k}`), partitions)} ${partitionOf(identityHome(`p${k}`), partitions)}`
    if (!found.has(places)) found.set(places, `a${k}`)
  }
  return [...found.values()]
}

/** A change for each of these accounts, again and again. */
async function probe(publisher: Publisher, signal: AbortSignal): Promise<void> {
  const of = probed()
  for (let round = 0; !signal.aborted; round++) {
    const ref = { kind: 'entitlement' as const, id: 'perm-nobody-approved' }
    await publisher.publish(of.map((id): Outgoing => ({
      topic: 'raw', key: accountKey(app, id),
      record: {
        type: 'Account', app, id, native: id, run: null, observed: Date.now() * 1_000, valid: null, gone: false, attributes: null, memberships: null,
        grants: { whole: false, added: round % 2 === 0 ? [{ ref, valid: null }] : [], removed: round % 2 === 0 ? [] : [ref] }, credentials: null,
      },
    })))
    await sleep(probeMs)
  }
}

const cluster = await startKafka({ heapMb: 768 })
try {
  const brokers = [...cluster.brokers]
  const one = await install(brokers)
  const single = await firstSnapshot(one, brokers, 1)
  result('W(n), first snapshot, 1 process', accounts / single.seconds, 'accounts/s', `${accounts} accounts, ${single.cpuSeconds.toFixed(1)} CPU s`)
  const kafka = createClient(benchLogOptions({ brokers, prefix: one.prefix, directory: '', partitions }), 'raw-limit')
  const limit = await rawLimit(kafka, one.admin, ['raw', 'facts'].map((topic) => one.prefix + topic), outputs.map((topic) => one.prefix + topic), single.from, single.to)
  result('kafkajs with the same bytes and no processing', accounts / limit.seconds, 'accounts/s', `${limit.readMb.toFixed(0)} MB read, ${limit.writtenMb.toFixed(0)} MB written, ${limit.cpuSeconds.toFixed(1)} CPU s`)
  result('share of that limit, by time', (100 * limit.seconds) / single.seconds, '%')
  result('share of that limit, by CPU time', (100 * limit.cpuSeconds) / single.cpuSeconds, '%')
  await one.close()
  const two = await install(brokers)
  const double = await firstSnapshot(two, brokers, 2)
  result('W(n), first snapshot, 2 processes', accounts / double.seconds, 'accounts/s', `${(single.seconds / double.seconds).toFixed(2)} times one, ${double.cpuSeconds.toFixed(1)} CPU s; all on the cores of this machine, the broker too`)
  await takeOver(two, await startGroup(two, brokers, 2, sessionSeconds * 1_000))
  await two.close()
  publishResults('kafka', rows)
  const { status } = spawnSync(process.execPath, [latency, '5000', String(seconds), String(eventsPerSecond), '--kafka', brokers.join(',')], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
} finally {
  await Promise.all(workers.map((worker) => worker.kill()))
  await cluster.stop()
}
