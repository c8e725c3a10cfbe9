import type { Part } from '../../schemas/wire/common.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import { CodecError, type Codec } from '../ports/codec.ts'

/** Magic byte and number of the schema. */
const frameBytes = 5

type Whole<T extends Topic> = Exclude<RecordOf<T>, { type: 'Part' }>

/**
 * The record whose last part stands in `message`, or why the parts are none. Who splits a record frames it as the message that carries its parts, so
 * whoever met the schema of the one can read the other: another number there may be of a schema that nobody asked for.
 */
export function wholeRecord<T extends Topic>(codec: Codec, topic: T, { id, of }: Part, message: Uint8Array, whole: Uint8Array): Whole<T> | string {
  const named = `record ${id}, of ${of} parts`
  if (Buffer.compare(whole.subarray(0, frameBytes), message.subarray(0, frameBytes)) !== 0) {
    return `${topic}: ${named}, does not name the schema of the message that its last part stands in. Look for what else writes to this topic`
  }
  try {
    const [record, ...more] = codec.decode(topic, whole)
    if (record !== undefined && more.length === 0 && record.type !== 'Part') return record as Whole<T>
  } catch (error) {
    if (error instanceof CodecError) return error.message
    throw error
  }
  return `${topic}: ${named}, is not one whole record. Look for what else writes to this topic`
}
