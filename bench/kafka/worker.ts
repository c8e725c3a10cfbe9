import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { kafkaAssignment } from '../../src/adapters/log-kafka/kafka-assignment.ts'
import { openKafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts'
import { processors } from '../../processors/registry.ts'
import { systemClock, type Clock } from '../../src/runtime/clock.ts'
import { defaultLimits } from '../../src/runtime/limits.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'
import { benchLogOptions } from '../on-kafka.ts'
import { nowMs } from '../workload.ts'

/**
 * One process with the role `processors`, as `grantline run` has it. It says `ready` once its log is open, begins at the line `go`, says
 * what it owns whenever that changes, what it has restored and which standby copies are current, and stops when its input ends.
 */
export const Orders = z.strictObject({ brokers: z.array(z.string()), prefix: z.string(), partitions: z.int(), sessionMs: z.int(), standby: z.boolean() })
export type Orders = z.infer<typeof Orders>

const { brokers, prefix, partitions, sessionMs, standby } = Orders.parse(JSON.parse(process.argv[2] ?? ''))
const directory = mkdtempSync(join(tmpdir(), 'grantline-bench-worker-'))
const say = (what: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(what)}\n`)
const current = new Set<string>()
const options = benchLogOptions({ brokers, prefix, directory, partitions })
const log = await openKafkaLog({
  ...options,
  onRestore: ({ task, offset, end, rows }) => {
    if (offset === end) say({ restored: task, rows })
  },
  standby,
  onStandby: ({ task, offset, end, rows }) => {
    if (offset < end || current.has(task)) return
    current.add(task)
    say({ followed: task, rows })
  },
})
const codec = createFileCodec(log.schemas)
// the day stands still, so that every run decides the same; batches end by real time
const clock: Clock = { ...systemClock, nowMs: () => nowMs }
const lines = createInterface({ input: process.stdin })
const told = new Promise<void>((resolve) => lines.once('line', () => resolve()))
const ended = new Promise<void>((resolve) => lines.once('close', () => resolve()))
say({ ready: true })
await Promise.race([told, ended])
const assignment = kafkaAssignment({ ...options, versions: {}, sessionTimeoutMs: sessionMs, rebalanceTimeoutMs: sessionMs })
const share = await assignment.share('processors', processors.map(({ input }) => input))
const pipeline = new Pipeline({
  types: processors, log, codec, clock, limits: defaultLimits, release: 'bench', share,
  onTaskFailed: (task, error) => console.error(task, error),
  onRetry: ({ error }) => console.error(error.message),
})
const owned = ({ partitions: of, generation }: typeof share.owned): void => say({ generation, owned: Object.fromEntries(of) })
owned(share.owned)
const watch = (async () => {
  for (let generation = share.owned.generation; ; ) {
    const next = await share.next(generation)
    generation = next.generation
    owned(next)
  }
})()
watch.catch(() => undefined) // it ends with the share
await ended
await pipeline.stop()
await share.leave()
await log.close()
rmSync(directory, { recursive: true, force: true })
process.exit(0)
