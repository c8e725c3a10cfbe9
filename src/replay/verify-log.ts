import type { Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { short, type Difference } from './difference.ts'
import { MessageWriters } from './message-writers.ts'
import { RecordedLane, type Stray } from './recorded-lane.ts'
import { verifyTask, type HowFarCompared, type Scope, type TaskReport } from './verify-task.ts'
import { needOf } from './versions.ts'
import { feedsOf, Writers } from './writers.ts'

export interface VerifyProgress extends HowFarCompared {
  processor: string
  topic: Topic
  partition: number
}

export interface VerifyOptions extends Scope {
  log: Log
  codec: Codec
  /** every processor that writes to this log */
  types: readonly ProcessorType[]
  /** an empty log with the same partition counts that may be thrown away: the states of the re-run go there */
  scratch: Log
  /** only this processor */
  processor?: string
  /** only this partition of its input */
  partition?: number
  onProgress?: (progress: VerifyProgress) => void
}

export interface VerifyReport {
  /** nothing that was compared is different */
  holds: boolean
  tasks: TaskReport[]
  /** records of output topics that no task, connector or publisher can have written */
  strays: Difference[]
  /** what was not compared, and which release it takes: sentences */
  needs: string[]
}

/** Strays named at most. */
const maxStrays = 20

/**
 * Runs every task again over what its input holds, from the first offset to where its state stands, and compares what it gives with
 * what is recorded: per output topic and partition, in order, byte for byte, nothing missing and nothing more. Each task's report
 * names its first difference.
 *
 * Writes nothing to `log`, but takes its tasks over to read their positions: nothing else may run on it. Memory: two bytes for
 * each message of the output topics, besides what a batch needs; state goes to `scratch`. Throws EnvironmentError.
 */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  const { log, codec, types, scratch, onProgress } = options
  const writers = new Writers(types, log.partitions, await feedsOf(log, codec))
  const indexes = new Map<string, MessageWriters>()
  const strays: Difference[] = []
  const inputs = new Set<Topic>(types.map(({ input }) => input))
  const onStray = (stray: Stray): void => {
    // what its reader could not decode, the reader has dead-lettered, and that is compared
    if (stray.record === null && inputs.has(stray.position.topic as Topic)) return
    if (strays.length < maxStrays) strays.push(strayOf(stray))
  }
  const indexOf = (topic: Topic, partition: number): MessageWriters => {
    const name = `${topic}/${partition}`
    const index = indexes.get(name) ?? new MessageWriters()
    indexes.set(name, index)
    return index
  }

  const tasks: TaskReport[] = []
  for (const { type, partition } of selected(options)) {
    const writer = writers.numberOf(type.name, partition)
    tasks.push(
      await verifyTask({
        type, partition, log, codec, scratch, scope: options,
        lane: (topic, output, isWanted) =>
          new RecordedLane({ log, codec, writers, index: indexOf(topic, output), topic, partition: output, writer, isWanted, onStray }),
        onProgress: (progress) => onProgress?.({ processor: type.name, topic: type.input, partition, ...progress }),
      }),
    )
  }
  const needs = tasks.flatMap(({ versions }) => versions.map((range) => needOf(range, 'verify'))).filter((need) => need !== null)
  return { holds: strays.length === 0 && tasks.every(({ difference }) => difference === null), tasks, strays, needs }
}

function selected({ types, log, processor, partition }: VerifyOptions): { type: ProcessorType; partition: number }[] {
  const chosen = types
    .filter(({ name }) => processor === undefined || name === processor)
    .flatMap((type) => Array.from({ length: log.partitions[type.input] }, (_, of) => ({ type, partition: of })))
    .filter((task) => partition === undefined || task.partition === partition)
  if (chosen.length > 0) return chosen
  throw new Error(
    `there is no task ${processor ?? 'of any processor'} on partition ${partition ?? 'any'}: processors are ` +
      types.map(({ name, input }) => `${name} (${log.partitions[input]} partitions of ${input})`).join(', '),
  )
}

function strayOf({ position, record, reason }: Stray): Difference {
  if (record === null) return { kind: 'unreadable', at: position, field: null, recorded: reason, derived: null }
  return { kind: 'unattributed', at: position, field: null, recorded: short(record), derived: null }
}
