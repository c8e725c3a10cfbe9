import type { Position } from '../../schemas/wire/common.ts'
import type { AnyRecord, Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { ProcessorError } from '../runtime/errors.ts'
import { StateTable } from '../runtime/state-table.ts'
import { newTask, TaskRow, taskRowKey } from '../runtime/task-row.ts'
import { taskId } from '../runtime/task.ts'
import { Comparison } from './comparison.ts'
import { causeOf, comparePositions, type Difference } from './difference.ts'
import type { RecordedLane } from './recorded-lane.ts'
import { rerun } from './rerun.ts'
import { outputsOf } from './writers.ts'
import { isCompared, upTo, versionsOf, type VersionRange } from './versions.ts'

/** What is compared: all of it where nothing is given. The re-run itself begins at offset 0 in any case. */
export interface Scope {
  /** records that name this application (`app`, or `source` where there is none) */
  app?: string
  /** what the input at offsets from `from` up to, without, `to` caused. A SyncRun names no cause: with a `to` it is not compared */
  from?: number
  to?: number
}

export interface TaskReport {
  processor: string
  topic: Topic
  partition: number
  /** the state's position: what lies after it has not been processed yet */
  position: { offset: number; index: number }
  /** records found equal */
  compared: number
  versions: VersionRange[]
  difference: Difference | null
  /** false: the difference may be the doing of another version, which left the state that this one began with */
  certain: boolean
}

export interface HowFarCompared {
  /** the input offset that is read next */
  offset: number
  /** where the re-run ends */
  end: number
  /** records found equal */
  compared: number
}

export interface TaskToVerify {
  type: ProcessorType
  partition: number
  log: Log
  codec: Codec
  scratch: Log
  scope: Scope
  /** a lane of this task's over what is recorded */
  lane: (topic: Topic, partition: number, isWanted: (record: AnyRecord) => boolean) => RecordedLane
  onProgress: (progress: HowFarCompared) => void
}

/** Runs one task again up to where its state stands, and compares. Throws EnvironmentError. */
export async function verifyTask({ type, partition, log, codec, scratch, scope, lane, onProgress }: TaskToVerify): Promise<TaskReport> {
  const row = await positionOf(log, type, partition)
  const stop = { offset: Math.min(row.offset, scope.to ?? row.offset), index: row.offset < (scope.to ?? Infinity) ? row.index : 0 }
  const end = stop.index > 0 ? stop.offset + 1 : stop.offset
  const all = await versionsOf(log, codec, type, partition)
  const versions = upTo(all, end)
  const report: TaskReport = {
    processor: type.name, topic: type.input, partition, position: { offset: row.offset, index: row.index }, compared: 0, versions,
    difference: null, certain: true,
  }
  if (all.length > 0 && !all.some(({ compared }) => compared)) return report
  const isWanted = wanted(scope, all)
  const unfinished = row.slicing && row.last !== null ? row.last : null
  const comparison = new Comparison({
    log, codec, outputs: outputsOf(type), unfinished,
    lane: (topic, output) => lane(topic, output, isWanted),
    isWanted: (record) => isWanted(record) && isBefore(record, stop),
  })
  let inHand: Position = { topic: type.input, partition, offset: 0, index: 0 }
  try {
    await rerun({
      type, partition, log, codec, scratch, end,
      admit: ({ position }) => {
        if (comparePositions(position, stop) >= 0) return false
        inHand = position
        return true
      },
      onDerived: (appends) => comparison.take(appends),
      onProgress: (offset) => onProgress({ offset, end, compared: comparison.compared }),
    })
    if (comparison.difference === null) await comparison.finish()
    report.difference = comparison.difference
  } catch (error) {
    if (!(error instanceof ProcessorError)) throw error
    report.difference = { kind: 'failed', at: inHand, field: null, recorded: null, derived: error.message }
  }
  report.compared = comparison.compared
  report.certain = report.difference === null || all.length <= 1
  return report
}

async function positionOf(log: Log, type: ProcessorType, partition: number): Promise<TaskRow> {
  const { state } = await log.openTask(taskId(type, partition))
  return TaskRow.parse(new StateTable(state).getOwn(taskRowKey) ?? newTask)
}

function wanted({ app, from = 0, to = Infinity }: Scope, versions: readonly VersionRange[]): (record: AnyRecord) => boolean {
  const isWhole = versions.every(({ compared, inherited }) => compared && !inherited)
  return (record) => {
    if (app !== undefined && appOf(record) !== app) return false
    const cause = causeOf(record)
    if (cause === null) return isWhole && to === Infinity
    return cause.offset >= from && cause.offset < to && isCompared(versions, cause)
  }
}

function appOf(record: AnyRecord): string | null {
  if ('app' in record) return record.app
  return 'source' in record ? record.source : null
}

function isBefore(record: AnyRecord, stop: { offset: number; index: number }): boolean {
  const cause = causeOf(record)
  return cause === null || comparePositions(cause, stop) < 0
}
