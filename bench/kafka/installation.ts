import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Admin } from 'kafkajs'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { createClient } from '../../src/adapters/log-kafka/client.ts'
import type { KafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts'
import { processors } from '../../processors/registry.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { openPublisher, type Outgoing, type Publisher } from '../../src/runtime/publisher.ts'
import { benchLogOptions, openBenchLog } from '../on-kafka.ts'
import { inThousands } from '../workload.ts'
import { drained, until, Worker } from './group.ts'

export const partitions = 4
export const counts = { raw: partitions, intent: partitions, facts: partitions }
const inputCount = new Set(processors.map(({ input }) => input)).size
/** so long may the first filling of states and copies take */
export const fillMs = 1_800_000
/** all that were started, to be killed at the end */
export const workers: Worker[] = []

export interface Installation {
  prefix: string
  log: KafkaLog
  admin: Admin
  publisher: Publisher
  close(): Promise<void>
}

export async function install(brokers: readonly string[]): Promise<Installation> {
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

export const publish = ({ publisher }: Installation, records: Iterable<Outgoing>): Promise<void> => publisher.publishAll(inThousands(records), 4 * 1024 * 1024)

/** So many processes that have all partitions among them, with the states of these, and everything processed that is there. */
export async function startGroup({ log, admin, prefix }: Installation, brokers: string[], processes: number, sessionMs: number, standby = false): Promise<Worker[]> {
  const group = await Promise.all(Array.from({ length: processes }, () => new Worker({ brokers, prefix, partitions, sessionMs, standby }).ready()))
  workers.push(...group)
  for (const worker of group) worker.go()
  // to open a large state takes longer than a session at times, and then all is shared out once more
  const isShared = (): boolean => group.every((worker) => sizeOf(worker) > 0) && group.reduce((sum, worker) => sum + sizeOf(worker), 0) === partitions * inputCount
  await until(() => isShared() && group.every((worker) => worker.tasks.every((task) => worker.had(task))), 'every process has its share, and the states of it', fillMs)
  await until(async () => (await log.end('raw', 0)) > 0 && (await log.end('facts', partitions - 1)) > 0, 'the first ticks are there')
  await drained(log, admin, prefix)
  return group
}

export const sizeOf = ({ owned }: Worker): number => Object.values(owned).flat().length
