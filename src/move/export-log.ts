import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import type { Log } from '../ports/log.ts'
import type { PortableLog, SchemaNumbers } from '../ports/portable-log.ts'
import { Leaving } from './carried.ts'
import { MoveError, type MoveProgress } from './errors.ts'
import { writeCompressed, type WrittenFile } from './files.ts'
import { messageLine, rowLine } from './lines.ts'
import { partitionFile, seal, statesFile, type Manifest } from './manifest.ts'

interface ExportOptions {
  log: PortableLog
  numbers: SchemaNumbers
  /** made where it is not there; must be empty */
  directory: string
  release: string
  /** ms */
  now: number
  onProgress: (progress: MoveProgress) => void
}

export interface Moved {
  messages: number
  tasks: number
  rows: number
}

const readAhead = { maxMessages: 1_000, maxBytes: 4 * 1024 * 1024 }

/**
 * Writes all messages and states into a directory. Takes every task over, so nothing else may run on the log: where something does,
 * or where a partition grew meanwhile, it throws, and the directory is no export.
 */
export async function exportLog({ log, numbers, directory, release, now, onProgress }: ExportOptions): Promise<Moved> {
  await refuseOthers(log)
  await mkdir(directory, { recursive: true })
  if ((await readdir(directory)).length > 0) throw new MoveError(`${directory} is not empty: name a directory that is`)
  const counted = { tasks: 0, rows: 0 }
  const leaving = new Leaving(numbers)
  const states = await writeCompressed(join(directory, statesFile), rowsOf(log, leaving, counted, onProgress))
  const ends = await endsOf(log)
  const written: (Manifest['files'][number] & WrittenFile)[] = []
  for (const { topic, partition, end } of ends) {
    const messages = { messages: 0 }
    const file = await writeCompressed(join(directory, partitionFile(topic, partition)), messagesOf({ log, leaving, topic, partition, end, onProgress }, messages))
    written.push({ topic, partition, end, ...messages, ...file })
  }
  for (const { topic, partition, end } of await endsOf(log)) {
    const before = ends.find((one) => one.topic === topic && one.partition === partition)!.end
    if (end !== before) throw new MoveError(`${topic}/${partition} grew from ${before} to ${end} during the export: something else writes to this log. Stop it and export again`)
  }
  await seal(
    directory,
    {
      release,
      log: log.id,
      exported: now,
      partitions: { ...log.partitions },
      files: written.map(({ sha256: _, ...file }) => file),
      states: { file: states.file, bytes: states.bytes, ...counted },
      schemas: leaving.schemas,
    },
    [...written, states],
  )
  return { messages: written.reduce((sum, { messages }) => sum + messages, 0), ...counted }
}

export async function refuseOthers(log: PortableLog): Promise<void> {
  const others = await log.others()
  if (others !== null) throw new MoveError(`${others}. Stop every process on this log, then try again`)
}

export async function endsOf(log: Log): Promise<{ topic: Topic; partition: number; end: number }[]> {
  const places = topicNames.flatMap((topic) => Array.from({ length: log.partitions[topic] }, (_, partition) => ({ topic, partition })))
  return await Promise.all(places.map(async ({ topic, partition }) => ({ topic, partition, end: await log.end(topic, partition) })))
}

async function* rowsOf(log: PortableLog, leaving: Leaving, counted: { tasks: number; rows: number }, onProgress: ExportOptions['onProgress']): AsyncGenerator<string> {
  for (const task of await log.taskIds()) {
    const before = counted.rows
    for (const [key, value] of (await log.openTask(task)).state.range('')) {
      counted.rows++
      yield rowLine(await leaving.row({ task, key, value }))
      onProgress({ place: `state of ${task}`, done: counted.rows - before, of: 0 })
    }
    if (counted.rows > before) counted.tasks++
  }
}

interface Partition {
  log: Log
  leaving: Leaving
  topic: Topic
  partition: number
  end: number
  onProgress: ExportOptions['onProgress']
}

async function* messagesOf({ log, leaving, topic, partition, end, onProgress }: Partition, counted: { messages: number }): AsyncGenerator<string> {
  for (let offset = 0; offset < end; ) {
    const messages = await log.read(topic, partition, offset, readAhead)
    if (messages.length === 0) return
    for (const message of messages) {
      if (message.offset >= end) return
      counted.messages++
      yield messageLine({ ...message, value: await leaving.message(topic, message.value) })
      offset = message.offset + 1
    }
    onProgress({ place: `${topic}/${partition}`, done: offset, of: end })
  }
}
