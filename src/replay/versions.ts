import type { Position } from '../../schemas/wire/common.ts'
import type { Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { readNaming } from '../runtime/records.ts'

/** A record of the partition: that of its message, counted from 0. */
export type Place = Pick<Position, 'offset' | 'index'>

/** A stretch of one input partition that one semantic version of a processor worked through. */
export interface VersionRange {
  topic: Topic
  partition: number
  /** the first record, and the first one behind the last */
  from: Place
  to: Place
  processor: string
  version: number
  /** the release that had it when the range began */
  release: string
  /** whether this release can run it again, and has compared it */
  compared: boolean
  /** the state at its begin was left by another version: then what differs may be that version's doing */
  inherited: boolean
  /** where the record lies that began it: what that caused depends on the state that the version before left */
  epoch: number
  /** the record before `from`, where it had work left when the range began: two versions had a part in what it caused */
  resumed: Place | null
}

/** The versions that worked on a partition, in order and without gaps, as their epochs say; none where nothing ever did. */
export async function versionsOf(log: Log, codec: Codec, type: ProcessorType, partition: number): Promise<VersionRange[]> {
  const ranges: VersionRange[] = []
  const to = { offset: await log.end(type.input, partition), index: 0 }
  for await (const { position, record } of readNaming(log, codec, type.input, partition, type.name)) {
    if (record?.type !== 'Epoch' || record.processor !== type.name) continue
    const last = ranges.at(-1)
    const { version, release, from, resumed } = record
    if (last?.version === version) continue
    if (last !== undefined) last.to = from
    ranges.push({
      topic: type.input, partition, from, to, processor: type.name, version, release, compared: version === type.version,
      inherited: last !== undefined, epoch: position.offset, resumed,
    })
  }
  return ranges
}

/** What of them lies before the offset `end`. */
export const upTo = (ranges: readonly VersionRange[], end: number): VersionRange[] =>
  ranges
    .filter(({ from }) => isBefore(from, { offset: end, index: 0 }))
    .map((range) => ({ ...range, to: isBefore(range.to, { offset: end, index: 0 }) ? range.to : { offset: end, index: 0 } }))

/** A sentence for a person who wants to have all of it compared; null where all of it is. */
export function needOf({ topic, partition, from, to, processor, version, release, compared }: VersionRange, command: 'verify' | 'replay'): string | null {
  if (compared) return null
  return `${topic}/${partition} from ${placeOf(from)} up to, without, ${placeOf(to)} was processed by ${processor} version ${version} (grantline ${release}): ${command} with that release`
}

/** Whether what this input caused is compared: by its own version, and by no other. All is where no epoch says anything. */
export function isCompared(ranges: readonly VersionRange[], cause: Place): boolean {
  if (ranges.length === 0) return true
  const at = ranges.findIndex(({ from, to }) => !isBefore(cause, from) && isBefore(cause, to))
  const range = ranges[at]
  if (range?.compared !== true || (range.inherited && cause.offset === range.epoch)) return false
  const shared = ranges[at + 1]?.resumed ?? null
  return shared === null || shared.offset !== cause.offset || shared.index !== cause.index
}

const isBefore = (a: Place, b: Place): boolean => a.offset < b.offset || (a.offset === b.offset && a.index < b.index)

const placeOf = ({ offset, index }: Place): string => `${offset}.${index}`
