import type { Position } from '../../schemas/wire/common.ts'
import { topics, type AnyRecord, type Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import { readPartition, RecordReader } from '../runtime/records.ts'
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
    if (typeof record === 'string') {
      steps.push({ position, type: 'missing', says: record, record: null, because: [] })
      continue
    }
    const because = depth + 1 < maxDepth ? await walkCauses(log, codec, causesOf(record), depth + 1, seen) : []
    steps.push({ position, type: record.type, says: describeRecord(record), record: printable(record), because })
  }
  return steps
}

/** The record at a position, or why there is none. */
async function recordAt(log: Log, codec: Codec, { topic, partition, offset, index }: Position): Promise<AnyRecord | string> {
  if (!isTopic(topic)) return 'no topic has this name'
  const [message] = await log.read(topic, partition, offset, { maxMessages: 1, maxBytes: 1 })
  if (message?.offset !== offset) return 'the log does not hold this record any more'
  const found = new RecordReader(codec, topic, partition).read(message).find(({ position }) => position.index === index)
  if (found === undefined) return joinedAt(log, codec, { topic, partition, offset, index })
  return found.record ?? found.error ?? 'it can not be read'
}

/** A large record stands where its last part does; the others lie before it, on Kafka between those of whoever wrote at the same time. */
async function joinedAt(log: Log, codec: Codec, { topic, partition, offset, index }: Position & { topic: Topic }): Promise<AnyRecord | string> {
  for (let back = firstLookBack; ; back *= lookBackGrowth) {
    const from = Math.max(0, offset - back)
    for await (const { position, record } of readPartition(log, codec, topic, partition, from)) {
      if (position.offset > offset) break
      if (position.offset === offset && position.index === index && record !== null) return record
    }
    if (from === 0 || back >= maxLookBack) return 'the log does not hold all parts of this record any more'
  }
}

/** Messages. */
const firstLookBack = 64
const lookBackGrowth = 8
const maxLookBack = 4_096

export const formatPosition = ({ topic, partition, offset, index }: Position): string => `${topic}/${partition}@${offset}.${index}`

const isTopic = (name: string): name is Topic => Object.hasOwn(topics, name)

/** What a record says it was made from, nearest first; each once. */
function causesOf(record: AnyRecord): Position[] {
  const positions: Position[] = []
  if ('causes' in record) positions.push(...record.causes)
  if ('sources' in record && record.sources !== null) positions.push(...record.sources)
  if ('entries' in record) for (const entry of record.entries) for (const reason of entry.reasons) positions.push(reason.source)
  if ('lapsed' in record) for (const entry of record.lapsed) positions.push(entry.reason.source)
  if ('command' in record) positions.push(record.command)
  if ('cause' in record && record.cause !== null && positions.length === 0) positions.push(record.cause)
  return [...new Map(positions.map((position) => [formatPosition(position), position])).values()]
}

function printable(record: AnyRecord): unknown {
  return JSON.parse(JSON.stringify(record, (_key, value: unknown) => (value instanceof Uint8Array ? `${value.byteLength} bytes` : value)))
}
