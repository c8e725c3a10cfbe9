import type { Position } from '../../schemas/wire/common.ts'
import type { Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { readPartition } from '../runtime/records.ts'

/** A stretch of one input partition that one semantic version of a processor worked through. */
export interface VersionRange {
  topic: Topic
  partition: number
  /** offsets: `from` and up to, without, `to` */
  from: number
  to: number
  processor: string
  version: number
  /** the release that had it when the range began */
  release: string
  /** whether this release can run it again, and has compared it */
  compared: boolean
  /** the state at its begin was left by another version: then what differs may be that version's doing */
  inherited: boolean
}

/**
 * The versions that worked on a partition, in order; none where nothing ever did. The first epoch speaks for what lies before it too:
 * no code ran before. A later one stands after whatever was waiting when that release started, so the last records before it may
 * have been processed by the release that follows.
 */
export async function versionsOf(log: Log, codec: Codec, type: ProcessorType, partition: number): Promise<VersionRange[]> {
  const ranges: VersionRange[] = []
  const to = await log.end(type.input, partition)
  for await (const { position, record } of readPartition(log, codec, type.input, partition)) {
    if (record?.type !== 'Epoch' || record.processor !== type.name) continue
    const last = ranges.at(-1)
    const { version, release } = record
    if (last?.version === version) continue
    if (last !== undefined) last.to = position.offset
    const from = last === undefined ? 0 : position.offset
    const compared = version === type.version
    ranges.push({ topic: type.input, partition, from, to, processor: type.name, version, release, compared, inherited: last !== undefined })
  }
  return ranges
}

/** What of them lies before `end`. */
export const upTo = (ranges: readonly VersionRange[], end: number): VersionRange[] =>
  ranges.filter(({ from }) => from < end).map((range) => ({ ...range, to: Math.min(range.to, end) }))

/** A sentence for a person who wants to have all of it compared; null where all of it is. */
export function needOf({ topic, partition, from, to, processor, version, release, compared }: VersionRange): string | null {
  if (compared) return null
  return `offsets ${from}..${to - 1} of ${topic}/${partition} were made by ${processor} version ${version} (grantline ${release}): verify with that release`
}

/**
 * Whether what this input caused is compared; all is where no epoch says anything. What an epoch itself causes depends on the state
 * that the version before it left.
 */
export function isCompared(ranges: readonly VersionRange[], { offset }: Pick<Position, 'offset'>): boolean {
  if (ranges.length === 0) return true
  const range = ranges.find(({ from, to }) => offset >= from && offset < to)
  return range !== undefined && range.compared && !(range.inherited && offset === range.from)
}
