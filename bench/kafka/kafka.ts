import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createClient } from '../../src/adapters/log-kafka/client.ts'
import type { KafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts'
import { startKafka } from '../../test/services/kafka.ts'
import { publishResults } from '../machine.ts'
import { benchLogOptions } from '../on-kafka.ts'
import { intent, plantedCount, settings, snapshot } from '../workload.ts'
import { drained, visible } from './group.ts'
import { counts, install, partitions, publish, startGroup, workers, type Installation } from './installation.ts'
import { endsOf, rawLimit, type Ends } from './raw-limit.ts'
import { takeOvers } from './take-over.ts'

/**
 * `npm run bench -- kafka [accounts] [events a second] [seconds] [session seconds]`, all on one broker:
 * - W(n) by one process and by two, which hold the intent and stand still while the snapshot is published: accounts/s;
 * - the share that this is of the raw limit: kafkajs reading and writing the same bytes with no processing;
 * - one of the two killed with SIGKILL, its states with it: until what it owned moves on in the other, which has copies of none of it, and
 *   again where it keeps standby copies;
 * - `bench/latency` on Kafka.
 */
const [accounts = 20_000, eventsPerSecond = 1_000, seconds = 10, sessionSeconds = 6] = process.argv.slice(2).map(Number)
const latency = fileURLToPath(new URL('../latency/latency.ts', import.meta.url))
const outputs = ['facts', 'access', 'findings', 'lag', 'sync-runs', 'actions', 'state-entitle', 'state-normalise', 'state-reconcile', 'state-remediate']
/** so long may a process stand still and keep its partitions */
const pausedSessionMs = 600_000
const rows: Record<string, string | number>[] = []
const result = (what: string, value: number, unit: string, note = ''): void => {
  rows.push({ what, value: Math.round(value * 100) / 100, unit, note })
  console.log(`${what}: ${value.toFixed(2)} ${unit} ${note}`)
}

/** W(n)'s first snapshot by so many processes, which stand still until it is in the log. */
async function firstSnapshot(of: Installation, brokers: string[], processes: number, standby = false): Promise<{ seconds: number; cpuSeconds: number; from: Ends; to: Ends }> {
  const { log, admin, prefix } = of
  const group = await startGroup(of, brokers, processes, pausedSessionMs, standby)
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
  await visible(log, admin, prefix, ['findings'])
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

const cluster = await startKafka({ heapMb: 768, isMeasured: true })
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
  const copying = await install(brokers)
  const copied = await firstSnapshot(copying, brokers, 2, true)
  result('W(n), first snapshot, 2 processes with standby copies', accounts / copied.seconds, 'accounts/s', `${copied.cpuSeconds.toFixed(1)} CPU s`)
  await copying.close()
  await takeOvers(two, brokers, { accounts, sessionSeconds, tell: result })
  await two.close()
  publishResults('kafka', rows)
  const { status } = spawnSync(process.execPath, [latency, '5000', String(seconds), String(eventsPerSecond), '--kafka', brokers.join(',')], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
} finally {
  await Promise.all(workers.map((worker) => worker.kill()))
  await cluster.stop()
}
