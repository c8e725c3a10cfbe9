import { z } from 'zod'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { openKafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts'
import { armFaults } from '../../../src/core/fault.ts'

/** A process that keeps standby copies, and is killed as it has written to them for the nth time. */
export const Orders = z.strictObject({ brokers: z.array(z.string()), prefix: z.string(), partitions: z.int(), processors: z.record(z.string(), z.int()), path: z.string(), nth: z.int() })
export type Orders = z.infer<typeof Orders>

const { brokers, prefix, partitions, processors, path, nth } = Orders.parse(JSON.parse(process.argv[2] ?? ''))
let times = 0
armFaults((point) => {
  if (point === 'kafka.mid-standby' && ++times === nth) process.kill(process.pid, 'SIGKILL')
})
const log = await openKafkaLog({
  brokers, prefix, path, processors, tls: null, sasl: null, log: () => undefined, replication: -1,
  partitions: Object.fromEntries(topicNames.map((topic) => [topic, partitions])) as Record<Topic, number>,
  deleteRetentionMs: 7 * 86_400_000, transactionTimeoutMs: 20_000, onRestore: () => undefined, standby: true, onStandby: () => undefined,
})
await log.openTask('publisher/child')
