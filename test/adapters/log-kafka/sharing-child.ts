import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import { kafkaAssignment } from '../../../src/adapters/log-kafka/kafka-assignment.ts'
import { openKafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts'
import { armFaults, faultPoints } from '../../../src/core/fault.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { defaultLimits } from '../../../src/runtime/limits.ts'
import { Pipeline } from '../../../src/runtime/pipeline.ts'
import { echo, tally } from '../../support/fixture-processors.ts'

/** One of several processes that share the partitions of two processors. Ends with 1 where it can't go on. */
export const Orders = z.strictObject({
  brokers: z.array(z.string()),
  prefix: z.string(),
  partitions: z.int(),
  path: z.string(),
  sessionTimeoutMs: z.int(),
  transactionTimeoutMs: z.int(),
  /** it sends itself the signal at the nth time, having written `marker` */
  fault: z.strictObject({ point: z.enum(faultPoints), nth: z.int(), signal: z.enum(['SIGKILL', 'SIGSTOP']), marker: z.string() }).nullable(),
})
export type Orders = z.infer<typeof Orders>

const { brokers, prefix, partitions: count, path, sessionTimeoutMs, transactionTimeoutMs, fault } = Orders.parse(JSON.parse(process.argv[2] ?? ''))
let times = 0
armFaults((point) => {
  if (point !== fault?.point || ++times !== fault.nth) return
  writeFileSync(fault.marker, point)
  process.kill(process.pid, fault.signal)
})
const end = (error: unknown): void => {
  console.error(error)
  process.exit(1)
}
const partitions = Object.fromEntries(topicNames.map((topic) => [topic, count])) as Record<Topic, number>
const client = { brokers, prefix, partitions, tls: null, sasl: null, log: () => undefined }
const log = await openKafkaLog({
  ...client, path, processors: { tally: count, echo: count }, replication: -1, deleteRetentionMs: 7 * 86_400_000, transactionTimeoutMs, onRestore: () => undefined,
  standby: true, onStandby: () => undefined,
})
const share = await kafkaAssignment({ ...client, versions: { tally: 1, echo: 1 }, sessionTimeoutMs, rebalanceTimeoutMs: sessionTimeoutMs }).share('processors', ['raw', 'facts'])
const pipeline = new Pipeline({
  types: [tally, echo], log, codec: createFileCodec(log.schemas), clock: systemClock, release: 'test', share,
  limits: { ...defaultLimits, maxBatchRecords: 50, tickMs: 200 },
  onTaskFailed: (_task, error) => end(error),
  onLost: end,
})
process.once('SIGTERM', () => {
  void pipeline.stop().then(() => share.leave()).then(() => log.close()).then(() => process.exit(0))
})
console.log('ready')
