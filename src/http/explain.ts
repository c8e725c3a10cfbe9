import type { Position } from '../../schemas/wire/common.ts'
import type { AnyRecord } from '../ports/processor.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import { topics, type Topic } from '../../schemas/wire/topics.ts'
import { describeRecord } from './describe.ts'

/** One record on the way from a finding back to what was read: where it stands, what it says, and what made it. */
export interface Step {
  position: Position
  type: string
  says: string
  record: unknown
  because: Step[]
}

/** How deep a way back may go: finding, fact, raw or intent record, and what caused those. */
const maxDepth = 4

/** Walks from these positions back to the raw pages and intent records. A position that the log no longer holds says so. */
export async function walkCauses(log: Log, codec: Codec, positions: readonly Position[], depth = 0, seen = new Set<string>()): Promise<Step[]> {
  const steps: Step[] = []
  for (const position of positions) {
    const name = formatPosition(position)
    if (seen.has(name)) continue
    seen.add(name)
    const record = await recordAt(log, codec, position)
    if (record === undefined) {
      steps.push({ position, type: 'missing', says: 'the log does not hold this record any more', record: null, because: [] })
      continue
    }
    const because = depth + 1 < maxDepth ? await walkCauses(log, codec, causesOf(record), depth + 1, seen) : []
    steps.push({ position, type: record.type, says: describeRecord(record), record: printable(record), because })
  }
  return steps
}

/** The record at a position, or undefined where the log holds none. */
export async function recordAt(log: Log, codec: Codec, position: Position): Promise<AnyRecord | undefined> {
  if (!isTopic(position.topic)) return undefined
  const [message] = await log.read(position.topic, position.partition, position.offset, { maxMessages: 1, maxBytes: 1 })
  if (message === undefined || message.offset !== position.offset) return undefined
  const records: AnyRecord[] = codec.decode(position.topic, message.value)
  return records[position.index]
}

export const formatPosition = ({ topic, partition, offset, index }: Position): string => `${topic}/${partition}@${offset}.${index}`

const isTopic = (name: string): name is Topic => Object.hasOwn(topics, name)

/** What a record says it was made from, nearest first; each once. */
export function causesOf(record: AnyRecord): Position[] {
  const positions: Position[] = []
  if ('causes' in record) positions.push(...record.causes)
  if ('sources' in record) positions.push(...record.sources)
  if ('entries' in record) for (const entry of record.entries) for (const reason of entry.reasons) positions.push(reason.source)
  if ('lapsed' in record) for (const entry of record.lapsed) positions.push(entry.reason.source)
  if ('command' in record) positions.push(record.command)
  if ('cause' in record && record.cause !== null && positions.length === 0) positions.push(record.cause)
  return [...new Map(positions.map((position) => [formatPosition(position), position])).values()]
}

function printable(record: AnyRecord): unknown {
  return JSON.parse(JSON.stringify(record, (_key, value: unknown) => (value instanceof Uint8Array ? `${value.byteLength} bytes` : value)))
}
