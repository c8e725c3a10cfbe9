import type { Part } from '../../schemas/wire/common.ts'
import type { AnyRecord, Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import { firstPartKey } from '../runtime/parts.ts'
import { ownPrefix } from '../runtime/state-table.ts'
import { decodeValue, encodeValue } from '../runtime/values.ts'

const FRAME_BYTES = 5

/** What a message is to call a schema that it calls `id`; undefined leaves it. */
type Renumber = (id: number) => number | undefined

/** The number of the schema that a message names; null where it has no frame. */
export function numberIn(value: Uint8Array): number | null {
  if (value.length < FRAME_BYTES || value[0] !== 0) return null
  return new DataView(value.buffer, value.byteOffset).getUint32(1)
}

/** The same message with the schema's other number in its frame. */
export function renumbered(value: Uint8Array, renumber: Renumber): Uint8Array {
  const id = numberIn(value)
  const other = id === null ? undefined : renumber(id)
  if (other === undefined || other === id) return value
  const copy = Buffer.from(value)
  copy.writeUInt32BE(other, 1)
  return copy
}

/**
 * The same message where a large record that begins in it has the other number: its first part carries a frame of its own. `codec` has
 * to know what the message itself names; throws CodecError where it makes nothing of it.
 */
export function renumberedParts<T extends Topic>(codec: Codec, topic: T, value: Uint8Array, renumber: Renumber): Uint8Array {
  const records = codec.decode(topic, value)
  if (!records.some(isFirstPart)) return value
  return codec.encode(topic, records.map((record) => (isFirstPart(record) ? { ...record, bytes: renumbered(record.bytes, renumber) } : record)))
}

/** The same row of a state, where it holds such a first part whose other parts had not come yet. */
export function renumberedRow<R extends Row>(row: R, renumber: Renumber): R {
  const bytes = firstPartIn(row)
  return bytes === null ? row : { ...row, value: encodeValue(renumbered(bytes, renumber)) }
}

export function firstPartIn({ key, value }: Row): Uint8Array | null {
  if (!key.startsWith(ownPrefix) || !firstPartKey.test(key.slice(ownPrefix.length))) return null
  const decoded = decodeValue(value)
  return decoded instanceof Uint8Array ? decoded : null
}

interface Row {
  key: string
  value: Uint8Array
}

const isFirstPart = (record: AnyRecord): record is Part => record.type === 'Part' && record.part === 0
