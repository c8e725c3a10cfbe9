import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topicNames, type AnyRecord, type RecordOf, type Topic } from '../../schemas/wire/topics.ts'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { openEmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'
import type { Log, Message } from '../../src/ports/log.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import { StateTable } from '../../src/runtime/state-table.ts'
import { TaskRow, taskRowKey } from '../../src/runtime/task-row.ts'
import { taskId } from '../../src/runtime/task.ts'
import { MemoryLog } from '../support/memory-log.ts'
import { MemorySchemaStore } from '../support/memory-schemas.ts'
import { partitionsOf } from './history.ts'

export const codec = createFileCodec(new MemorySchemaStore())

/** Unequal counts, so that a partition number taken for another one's would show. */
export const partitions = partitionsOf({ intent: 2, access: 2, findings: 1, 'sync-runs': 2 }, 3)

export async function openTemporary(): Promise<Log & AsyncDisposable> {
  const path = mkdtempSync(join(tmpdir(), 'grantline-replay-'))
  const log = await openEmbeddedLog({ path, partitions, durability: 'process' })
  return Object.assign(log, {
    async [Symbol.asyncDispose]() {
      await log.close()
      rmSync(path, { recursive: true })
    },
  })
}

export const scratch = (): Log => new MemoryLog(partitions)

export async function messagesOf(log: Log, topic: Topic, partition: number): Promise<Message[]> {
  return log.read(topic, partition, 0, { maxMessages: 1e6, maxBytes: 1e9 })
}

/** Where a task stands, by its state: before the last tick where that changed nothing. Takes the task over. */
export async function standsAt(log: Log, id: string): Promise<TaskRow> {
  const { state } = await log.openTask(id)
  return TaskRow.parse(new StateTable(state).getOwn(taskRowKey))
}

export type Tamper = (messages: Message[], topic: Topic, partition: number) => Message[]

/** A second log with the same states, whose messages are those of the first but for what `tamper` makes of them. */
export async function tampered(log: Log, types: readonly ProcessorType[], tamper: Tamper): Promise<Log> {
  const copy = new MemoryLog(partitions)
  const writer = await copy.openTask('copy')
  for (const topic of topicNames) {
    for (let partition = 0; partition < partitions[topic]; partition++) {
      const messages = tamper(await messagesOf(log, topic, partition), topic, partition)
      await writer.commit({ appends: messages.map(({ key, timestamp, value }) => ({ topic, partition, key, timestamp, value })), state: new Map() })
    }
  }
  for (const type of types) {
    for (let partition = 0; partition < partitions[type.input]; partition++) {
      const id = taskId(type, partition)
      const { state } = await log.openTask(id)
      await (await copy.openTask(id)).commit({ appends: [], state: new Map(state.range('')) })
    }
  }
  return copy
}

export interface Target<T extends Topic> {
  partition: number
  offset: number
  index: number
  record: RecordOf<T>
}

/** The `nth` record of a topic that `isIt`. */
export async function find<T extends Topic>(log: Log, topic: T, isIt: (record: RecordOf<T>) => boolean, nth = 0): Promise<Target<T>> {
  let left = nth
  for (let partition = 0; partition < partitions[topic]; partition++) {
    for (const { offset, value } of await messagesOf(log, topic, partition)) {
      for (const [index, record] of codec.decode(topic, value).entries()) if (isIt(record) && left-- === 0) return { partition, offset, index, record }
    }
  }
  throw new Error(`${topic} holds no such record`)
}

/** The records of the message at a target, made anew. */
export function rewrite<T extends Topic>(topic: T, target: Target<T>, change: (records: RecordOf<T>[]) => RecordOf<T>[]): Tamper {
  return (messages, of, partition) =>
    of !== topic || partition !== target.partition
      ? messages
      : messages.flatMap((message) => {
          if (message.offset !== target.offset) return [message]
          const records = change(codec.decode(topic, message.value))
          return records.length === 0 ? [] : [{ ...message, value: codec.encode(topic, records) }]
        })
}

export const isOf = (type: AnyRecord['type']) => (record: AnyRecord): boolean => record.type === type
