import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { topicNames, type RecordOf, type Topic } from '../../schemas/wire/topics.ts'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import type { Codec } from '../../src/ports/codec.ts'
import type { Log, Message, ReadLimits } from '../../src/ports/log.ts'
import type { Store } from '../../src/ports/store.ts'
import { sinkTopics, tableOf, type SinkTopic } from '../../src/sink/rows/tables.ts'
import { MemoryLog } from '../support/memory-log.ts'
import { MemorySchemaStore } from '../support/memory-schemas.ts'
import { access, action, deadLetter, finding, grant, lag, ruling, syncRun } from './records.ts'

export const codec: Codec = createFileCodec(new MemorySchemaStore())
/** One topic with two partitions is enough to see them kept apart; each place more is a claim more to wait for. */
export const partitions = Object.fromEntries(topicNames.map((topic) => [topic, topic === 'findings' ? 2 : 1])) as Record<Topic, number>
export const places = sinkTopics.reduce((sum, topic) => sum + partitions[topic], 0)

/** Reads a few messages at a time, so that there are many inserts to disturb. */
export class SmallReads extends MemoryLog {
  override async read(topic: Topic, partition: number, offset: number, limits: ReadLimits): Promise<Message[]> {
    const messages = await super.read(topic, partition, offset, limits)
    return messages.slice(0, 10)
  }
}

/** The nth message of a partition, always the same. */
function records(topic: SinkTopic, partition: number, n: number): RecordOf<SinkTopic>[] {
  const name = `${topic}-${partition}-${n}`
  const many = <T>(make: (i: number) => T): T[] => Array.from({ length: 1 + (n % 4) }, (_, i) => make(i))
  switch (topic) {
    case 'findings':
      return [finding({ id: name })]
    case 'access':
      return many((i) => access({ account: `${name}-${i}`, set: Array.from({ length: n % 3 }, (_, g) => grant({ entitlement: `e${g}` })) }))
    case 'lag':
      return many((i) => lag({ entitlement: `${name}-${i}` }))
    case 'sync-runs':
      return [syncRun({ source: name })]
    case 'dead-letters':
      return [deadLetter({ id: name })]
    case 'rulings':
      return [ruling({ source: name })]
    case 'action-log':
      return [action({ id: name })]
  }
}

/** Appends messages `from` to `to` to every partition of every topic that has a table. */
export async function fill(log: Log, from: number, to: number): Promise<void> {
  const task = await log.openTask('fill')
  for (const topic of sinkTopics) {
    for (let partition = 0; partition < log.partitions[topic]; partition++) {
      const appends = Array.from({ length: to - from }, (_, i) => ({
        topic, partition, key: null, timestamp: i, value: codec.encode(topic, records(topic, partition, from + i)),
      }))
      await task.commit({ appends, state: new Map() })
    }
  }
}

const columnOf: Record<SinkTopic, string> = { findings: 'id', access: 'account', lag: 'entitlement', 'sync-runs': 'source', 'dead-letters': 'id', rulings: 'source', 'action-log': 'id' }
const nameOf = (record: RecordOf<SinkTopic>): string => {
  switch (record.type) {
    case 'Finding':
    case 'DeadLetter':
    case 'ActionChange':
      return record.id
    case 'AccessChange':
      return record.account
    case 'LagSample':
      return record.entitlement
    case 'SyncRun':
    case 'Ruling':
      return record.source
    case 'Part':
      return ''
  }
}

/** Everything that is wrong with the tables: positions that are there twice, missing, not the log's, or hold another record. */
export async function audit(store: Store, log: Log): Promise<string[]> {
  const wrong: string[] = []
  for (const topic of sinkTopics) {
    const rows = await store.query(
      `SELECT concat(toString(partition), '/', toString(offset), '/', toString(\`index\`)) AS position, count() AS times, any(${columnOf[topic]}) AS name
       FROM ${tableOf[topic]} WHERE topic = {topic:String} GROUP BY position`,
      { topic },
      z.object({ position: z.string(), times: z.int(), name: z.string() }),
    )
    const found = new Map(rows.map((row) => [row.position, row]))
    for (let partition = 0; partition < log.partitions[topic]; partition++) {
      for (const { offset, value } of await everything(log, topic, partition)) {
        codec.decode(topic, value).forEach((record, index) => {
          const position = `${partition}/${offset}/${index}`
          const row = found.get(position)
          found.delete(position)
          if (row === undefined) wrong.push(`${topic} ${position} is missing`)
          else if (row.times !== 1) wrong.push(`${topic} ${position} is there ${row.times} times`)
          else if (row.name !== nameOf(record)) wrong.push(`${topic} ${position} holds ${row.name}`)
        })
      }
    }
    for (const position of found.keys()) wrong.push(`${topic} ${position} is not in the log`)
  }
  return wrong
}

async function everything(log: Log, topic: Topic, partition: number): Promise<Message[]> {
  const messages: Message[] = []
  const end = await log.end(topic, partition)
  for (let offset = 0; offset < end; offset = messages.at(-1)!.offset + 1) {
    messages.push(...(await log.read(topic, partition, offset, { maxMessages: 1_000, maxBytes: 1e9 })))
  }
  return messages
}

export interface TempDir {
  path: string
  remove(): void
}

export function tempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), 'grantline-sink-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
