import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createFileCodec } from '../src/adapters/codec/avro-codec.ts'
import { openLog } from '../src/data-directory.ts'
import { equal } from '../src/core/equal.ts'
import type { Codec } from '../src/ports/codec.ts'
import type { Log } from '../src/ports/log.ts'
import { untilDrained } from '../src/runtime/drained.ts'
import { openPublisher, type Outgoing } from '../src/runtime/publisher.ts'
import { readPartition } from '../src/runtime/records.ts'
import { few, own, type Assignments } from './assignments.ts'
import { anonymousMb } from './machine.ts'
import { openBenchLog } from './on-kafka.ts'
import { grantsOf, inThousands, intent, plantedCount, plantedFindings, settings, snapshot, type Partitions } from './workload.ts'
import { clock, stillThread, types } from './still-thread.ts'
import { openTasks } from './tasks.ts'
import { heldLog } from './held-log.ts'

/**
 * End to end: raw records in the log to committed findings, W(n), first and unchanged snapshot. On the embedded log, or with
 * `--kafka host:port` on topics of its own there. With `--own` hardly two accounts have the same. With `--threads t` each phase has threads of its own, which compile their code anew.
 */
interface PipelineResult {
  n: number
  /** that run the tasks; 1: the main one, beside all else */
  threads: number
  firstPerSecond: number
  unchangedPerSecond: number
  grantsPerSecond: number
  findings: number
  expectedFindings: number
  /** every finding is a planted one, each told once, and none is missing */
  asPlanted: boolean
  /** anonymous memory at its highest, MB */
  anonymousMb: number
  intentSeconds: number
  /** CPU time of the process, all threads, seconds */
  intentCpuSeconds: number
  firstCpuSeconds: number
  unchangedCpuSeconds: number
}

const partitionCount = 4

async function measurePipeline(n: number, { brokers, threads, assignments }: { brokers: string | null; threads: number; assignments: Assignments }): Promise<PipelineResult> {
  const directory = mkdtempSync(join(tmpdir(), 'grantline-bench-'))
  const log = brokers === null ? await openLog(join(directory, 'log'), partitionCount, 'disk') : await openBenchLog({ brokers: brokers.split(','), prefix: `bench-${randomUUID()}.`, directory, partitions: partitionCount })
  const codec = createFileCodec(log.schemas)
  const counts: Partitions = { raw: partitionCount, intent: partitionCount, facts: partitionCount }
  const publisher = await openPublisher({ log, codec, clock, id: 'bench' })
  const publish = (records: Iterable<Outgoing>): Promise<void> => publisher.publishAll(inThousands(records), 4 * 1024 * 1024)
  let peakMb = 0
  const watch = setInterval(() => {
    peakMb = Math.max(peakMb, anonymousMb())
  }, 100)
  const held = heldLog(log, ['raw', 'intent'])
  // threads have the log by themselves: they begin anew with each phase
  const ofThreads = (): ReturnType<typeof openTasks> => openTasks({ log, codec, types, clock }, { count: threads, entry: stillThread })
  const running = threads === 1 ? openTasks({ log: held.log, codec, types, clock }, { count: 1, entry: stillThread }) : null
  const measure = async (records: Iterable<Outgoing>): Promise<{ seconds: number; cpuSeconds: number }> => {
    held.hold()
    await publish(records)
    const begin = performance.now()
    const cpu = process.cpuUsage()
    const parts = running ?? ofThreads()
    held.letGo()
    await untilDrained(parts)
    const seconds = (performance.now() - begin) / 1_000
    const { user, system } = process.cpuUsage(cpu)
    if (running === null) await Promise.all(parts.map((part) => part.stop()))
    return { seconds, cpuSeconds: (user + system) / 1e6 }
  }
  try {
    await measure([]) // the first ticks: without them the backlog would be read in the year 1970
    await publish(settings(counts))
    const loaded = await measure(intent(n, counts, assignments))
    const first = await measure(snapshot(n, 1, counts, assignments))
    const unchanged = await measure(snapshot(n, 2, counts, assignments))
    await Promise.all((running ?? []).map((part) => part.stop()))
    let grants = 0
    for (let k = 0; k < n; k++) grants += grantsOf(k, assignments)
    const findings = await findingsOf(log, codec)
    return {
      n, threads, firstPerSecond: n / first.seconds, unchangedPerSecond: n / unchanged.seconds, grantsPerSecond: grants / first.seconds,
      findings: findings.length, asPlanted: equal(findings, plantedFindings(n, assignments)), expectedFindings: plantedCount(n), anonymousMb: peakMb, intentSeconds: loaded.seconds, intentCpuSeconds: loaded.cpuSeconds,
      firstCpuSeconds: first.cpuSeconds, unchangedCpuSeconds: unchanged.cpuSeconds,
    }
  } finally {
    clearInterval(watch)
    await log.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What was told of findings: `kind account entitlement`, with the change where one did not just open. */
async function findingsOf(log: Log, codec: Codec): Promise<string[]> {
  const told: string[] = []
  for (let partition = 0; partition < partitionCount; partition++) {
    for await (const { record } of readPartition(log, codec, 'findings', partition)) {
      if (record === null) continue
      const { change, kind, app, account, entitlement } = record
      told.push(`${change === 'opened' ? '' : `${change} `}${kind} ${app ?? '?'}/${account ?? '?'} ${entitlement ?? '?'}`)
    }
  }
  return told.sort()
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kafka: { type: 'string' }, threads: { type: 'string', default: '1' }, own: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
for (const n of positionals.map(Number)) {
  const result = await measurePipeline(n, { brokers: values.kafka ?? null, threads: Number(values.threads), assignments: values.own ? own : few })
  if (values.json) console.log(JSON.stringify(result))
  else console.log(Object.entries(result).map(([name, value]) => `${name}=${typeof value === 'number' ? Math.round(value * 10) / 10 : String(value)}`).join('  '))
}
