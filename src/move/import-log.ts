import { join } from 'node:path'
import { topicNames } from '../../schemas/wire/topics.ts'
import type { Message, TaskStore } from '../ports/log.ts'
import type { Filling, PortableLog, SchemaNumbers } from '../ports/portable-log.ts'
import { Arriving } from './carried.ts'
import { MoveError, type MoveProgress } from './errors.ts'
import { endsOf, refuseOthers, type Moved } from './export-log.ts'
import { readLines } from './files.ts'
import { parseMessage, parseRow, type Row } from './lines.ts'
import { checkExport, type Manifest } from './manifest.ts'

interface ImportOptions {
  /** holds nothing, or what an import of this same export left when it was cut off */
  log: PortableLog
  numbers: SchemaNumbers
  directory: string
  onProgress: (progress: MoveProgress) => void
}

/** Of messages or rows that are handed on at once. */
const batchBytes = 4 * 1024 * 1024
const rowOverheadBytes = 32

/**
 * Fills an empty log with an export, which is checked as a whole before anything is written. Cut off at any moment, it goes on when it
 * is run again; until it is through, nothing else can use the log.
 */
export async function importLog({ log, numbers, directory, onProgress }: ImportOptions): Promise<Moved> {
  const { manifest, id } = await checkExport(directory, onProgress)
  refusePartitions(log, directory, manifest)
  await refuseOthers(log)
  if (log.filling === null) await refuseUsed(log)
  else if (log.filling !== id) throw new MoveError(`the log is being filled with another export (${log.filling}): run the import of that one again, or begin with an empty log`)
  const filling = await log.fill(id)
  const to = { log, filling, arriving: await Arriving.open(numbers, manifest.schemas), onProgress }
  let messages = 0
  for (const file of manifest.files) messages += await fillPartition(to, directory, file)
  const states = await fillStates(to, join(directory, manifest.states.file))
  for (const { topic, partition, end } of await endsOf(log)) {
    // a topic that came with a later release is empty
    const wanted = manifest.files.find((file) => file.topic === topic && file.partition === partition)?.end ?? 0
    if (end !== wanted) throw new MoveError(`${topic}/${partition} ends at ${end} and not at ${wanted}: something else writes to this log. Stop it, and begin with an empty log`)
  }
  await filling.finish(manifest.log)
  return { messages, ...states }
}

function refusePartitions(log: PortableLog, directory: string, { partitions, files }: Manifest): void {
  for (const topic of topicNames) {
    const count = partitions[topic]
    if (count === undefined) continue
    if (count !== log.partitions[topic]) {
      throw new MoveError(`${directory} has ${count} partitions of ${topic}, the config file says ${log.partitions[topic]}: records and states belong to their partition. Set partitions: ${count}`)
    }
    for (let partition = 0; partition < count; partition++) {
      if (!files.some((file) => file.topic === topic && file.partition === partition)) throw new MoveError(`${directory} lacks partition ${partition} of ${topic}: export again`)
    }
  }
}

async function refuseUsed(log: PortableLog): Promise<void> {
  const used = (await endsOf(log)).find(({ end }) => end > 0)
  if (used !== undefined) throw notEmpty(`${used.topic}/${used.partition} ends at ${used.end}`)
  for (const task of await log.taskIds()) for (const [key] of (await log.openTask(task)).state.range('')) throw notEmpty(`${task} has a state (${key})`)
}

const notEmpty = (found: string): MoveError =>
  new MoveError(`the log is not empty: ${found}. An import goes into an empty one only: name another dataDir, on Kafka another kafka.prefix`)

interface Target {
  log: PortableLog
  filling: Filling
  arriving: Arriving
  onProgress: ImportOptions['onProgress']
}

async function fillPartition(
  { log, filling, arriving, onProgress }: Target, directory: string, { topic, partition, file, messages, end }: Manifest['files'][number],
): Promise<number> {
  const path = join(directory, file)
  const from = await log.end(topic, partition)
  let count = 0
  let next = 0
  let batch = new Batch<Message>()
  const add = async (): Promise<void> => {
    await filling.add(topic, partition, batch.items)
    batch = new Batch()
    onProgress({ place: `${topic}/${partition}`, done: next, of: end })
  }
  for await (const message of readLines(path, parseMessage)) {
    count++
    if (message.offset < next || message.offset >= end) throw new MoveError(`${path} line ${count}: offset ${message.offset} does not follow ${next - 1}, or lies beyond the end ${end}. Export again`)
    next = message.offset + 1
    if (message.offset < from) continue
    batch.take({ ...message, value: arriving.message(topic, message.value) }, message.value.length)
    if (batch.isFull) await add()
  }
  if (count !== messages) throw new MoveError(`${path} holds ${count} messages, the manifest says ${messages}. Export again`)
  await add()
  if (Math.max(from, next) < end) await filling.extend(topic, partition, end)
  return count
}

/** Written again as a whole where an import goes on: the same rows stay the same. */
async function fillStates({ log, arriving, onProgress }: Target, path: string): Promise<{ tasks: number; rows: number }> {
  const counted = { tasks: 0, rows: 0 }
  let task: TaskStore | null = null
  let batch = new Batch<Row>()
  const write = async (): Promise<void> => {
    await task?.commit({ appends: [], state: new Map(batch.items.map(({ key, value }) => [key, value])) })
    onProgress({ place: `state of ${task?.id ?? 'no task'}`, done: counted.rows, of: 0 })
    batch = new Batch()
  }
  for await (const row of readLines(path, parseRow)) {
    if (row.task !== task?.id) {
      await write()
      task = await log.openTask(row.task)
      counted.tasks++
    }
    counted.rows++
    batch.take(arriving.row(row), row.key.length + row.value.length + rowOverheadBytes)
    if (batch.isFull) await write()
  }
  await write()
  return counted
}

class Batch<T> {
  readonly items: T[] = []
  #bytes = 0

  take(item: T, bytes: number): void {
    this.items.push(item)
    this.#bytes += bytes
  }

  get isFull(): boolean {
    return this.#bytes >= batchBytes
  }
}
