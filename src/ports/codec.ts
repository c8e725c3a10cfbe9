import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Encoded } from './processor.ts'

/** A message that was looked through. All of its records can be decoded, one by one, in any order and any number of times. */
export interface OpenChunk<T extends Topic> {
  readonly count: number
  record(index: number): RecordOf<T>
  /** Null where the message was written by another schema than today's. What is answered is valid until the next call. */
  encoded(index: number): Encoded | null
}

/**
 * Logical records to framed Avro and back. Encoding is deterministic: equal records give equal bytes. An array of records that is
 * frozen is taken to be frozen in depth, and may be encoded once only; one that is decoded may be frozen, and be part of others too.
 * A frame with an unknown schema id or bytes that don't fit its schema throws CodecError: data, not environment.
 */
export interface Codec {
  /** One message that holds these records, in this order; topics that are not chunked take exactly one. */
  encode<T extends Topic>(topic: T, records: readonly RecordOf<T>[]): Uint8Array
  /** Any version of the topic's schema that was ever written, read as today's. */
  decode<T extends Topic>(topic: T, value: Uint8Array): RecordOf<T>[]
  /** As `decode`, without decoding yet: throws where `decode` would. A codec that can't look without decoding has none. */
  open?<T extends Topic>(topic: T, value: Uint8Array): OpenChunk<T>
  /** Each record's own Avro bytes, without the frame: what replay compares. */
  encodeRecord<T extends Topic>(topic: T, record: RecordOf<T>): Uint8Array
  decodeRecord<T extends Topic>(topic: T, bytes: Uint8Array): RecordOf<T>
  /** The message that `encode` gives for records that `encodeRecord` gave these bytes for. */
  frame(topic: Topic, encoded: readonly Uint8Array[]): Uint8Array
}

export class CodecError extends Error {
  override name = 'CodecError'
}
