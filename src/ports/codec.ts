import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Encoded } from './processor.ts'

/** A message that was looked through. All of its records can be decoded, one by one, in any order and any number of times. */
export interface OpenChunk<T extends Topic> {
  readonly count: number
  record(index: number): RecordOf<T>
  /** Null where the message was written by another schema than today's. What is answered is valid until the next call. */
  encoded(index: number): Encoded | null
  /** The record's type and the byte of its first field, if `Foreseen` said where it ends; null where it was looked through. */
  foreseen(index: number): { readonly type: string; readonly at: number } | null
}

/**
 * Where the record of this type ends whose first field is at byte `at`, or -1 where that takes looking through it. Whoever says so vouches for
 * its bytes: that they are a record of today's schema.
 */
export type Foreseen = (type: string, bytes: Uint8Array, at: number) => number

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
  /**
   * As `decode`, without decoding yet: throws where `decode` would. A codec that can't look without decoding has none. `foreseen` is asked for
   * each record in turn, where the message is of today's schema.
   */
  open?<T extends Topic>(topic: T, value: Uint8Array, foreseen?: Foreseen): OpenChunk<T>
  /** Each record's own Avro bytes, without the frame: what replay compares. */
  encodeRecord<T extends Topic>(topic: T, record: RecordOf<T>): Uint8Array
  decodeRecord<T extends Topic>(topic: T, bytes: Uint8Array): RecordOf<T>
  /** The message that `encode` gives for records that `encodeRecord` gave these bytes for. */
  frame(topic: Topic, encoded: readonly Uint8Array[]): Uint8Array
}

export class CodecError extends Error {
  override name = 'CodecError'
}
