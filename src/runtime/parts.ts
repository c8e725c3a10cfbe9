import { createHash } from 'node:crypto'
import type { Part } from '../../schemas/wire/common.ts'
import { topicNames, topics, type Topic } from '../../schemas/wire/topics.ts'
import { z } from 'zod'

/** A record's encoded size from which it travels in parts, bytes; also the size that a message aims to stay under. */
export const maxMessageBytes = 256 * 1024
/** Leaves room for a part's own fields and the frame. */
const partBytes = maxMessageBytes - 1024
/** The largest record there may be, bytes. */
export const maxRecordBytes = 64 * 1024 * 1024
const maxParts = Math.ceil(maxRecordBytes / partBytes)
/**
 * Parts of one partition that may wait at a time, a GiB: those of 16 records of the largest size, or of thousands of the usual ones. On Kafka the parts
 * of as many records are mixed as have writers at once, and an installation may have hundreds. More would mean writers that never finish.
 */
export const maxWaitingParts = 16 * maxParts

const splittable = new Set<Topic>(
  topicNames.filter((topic) => topics[topic].record.options.some((option) => option.shape.type.value === 'Part')),
)

/** Topics whose messages go to downstream services have no parts: their records travel whole, whatever their size. */
export const travelsInParts = (topic: Topic): boolean => splittable.has(topic)

/**
 * The parts of one record, encoded as a message of its own, since the frame names the schema that a later release has to read it
 * by. Their id is the digest of writer and content: equal on a replay, and not shared by two
 * writers whose parts could mix.
 */
export function splitRecord(writer: string, bytes: Uint8Array): Part[] {
  const id = createHash('sha256').update(writer).update('\0').update(bytes).digest('hex').slice(0, 32)
  const of = Math.ceil(bytes.length / partBytes)
  return Array.from({ length: of }, (_, part) => ({
    type: 'Part', id, part, of, bytes: bytes.slice(part * partBytes, (part + 1) * partBytes),
  }))
}

/** Where parts wait: a task's own state, or memory for a reader that keeps none. */
export interface PartRows {
  getOwn(key: string): unknown
  putOwn(key: string, value: unknown): void
  deleteOwn(key: string): void
}

const Staged = z.array(z.strictObject({ id: z.string(), of: z.int(), have: z.array(z.int()) }))
type Staged = z.infer<typeof Staged>

/** What a part gave: the whole record's bytes once all are there, and why anything was given up. */
interface Assembled {
  whole: Uint8Array | null
  rejected: string | null
}

const waiting: Assembled = { whole: null, rejected: null }
const stagedKey = 'parts'
/** Of an own row that holds the first part of a record whose other parts have not come yet. */
export const firstPartKey = /^part\/[^/]+\/0$/
const rowKey = (id: string, part: number): string => `part/${id}/${part}`

/** Takes one part in. Where too many wait, the record that was begun first is given up, and that is said. */
export function assemble(rows: PartRows, part: Part): Assembled {
  if (part.of < 1 || part.of > maxParts || part.part < 0 || part.part >= part.of) {
    return { whole: null, rejected: `part ${part.part} of ${part.of} of record ${part.id}: a record has 1 to ${maxParts} parts` }
  }
  // what waits is bounded by the number of parts
  if (part.bytes.length > maxMessageBytes) {
    return { whole: null, rejected: `part ${part.part} of ${part.of} of record ${part.id} has ${part.bytes.length} bytes: a part has at most ${maxMessageBytes}` }
  }
  const staged = Staged.parse(rows.getOwn(stagedKey) ?? [])
  const rejected: string[] = []
  let entry = staged.find(({ id }) => id === part.id)
  if (entry !== undefined && entry.of !== part.of) {
    rejected.push(`record ${part.id} was begun with ${entry.of} parts and went on with ${part.of}`)
    discard(rows, staged, entry)
    entry = undefined
  }
  if (entry === undefined) staged.push((entry = { id: part.id, of: part.of, have: [] }))
  if (!entry.have.includes(part.part)) entry.have.push(part.part)
  const oldest = staged.find((one) => one !== entry)
  if (oldest !== undefined && staged.reduce((sum, { have }) => sum + have.length, 0) > maxWaitingParts) {
    rejected.push(`record ${oldest.id} had ${oldest.have.length} of ${oldest.of} parts when more than ${maxWaitingParts} of all records waited`)
    discard(rows, staged, oldest)
  }
  rows.putOwn(rowKey(part.id, part.part), part.bytes)
  let whole: Uint8Array | null = null
  if (entry.have.length === entry.of) {
    whole = join(rows, entry)
    discard(rows, staged, entry)
  }
  if (staged.length > 0) rows.putOwn(stagedKey, staged)
  else rows.deleteOwn(stagedKey)
  return rejected.length === 0 && whole === null ? waiting : { whole, rejected: rejected.length === 0 ? null : rejected.join('; ') }
}

function join(rows: PartRows, entry: Staged[number]): Uint8Array {
  const pieces = Array.from({ length: entry.of }, (_, part) => z.instanceof(Uint8Array).parse(rows.getOwn(rowKey(entry.id, part))))
  return Buffer.concat(pieces)
}

function discard(rows: PartRows, staged: Staged, entry: Staged[number]): void {
  for (const part of entry.have) rows.deleteOwn(rowKey(entry.id, part))
  staged.splice(staged.indexOf(entry), 1)
}
