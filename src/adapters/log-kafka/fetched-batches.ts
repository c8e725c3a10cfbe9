import { attributesAt, countAt, endOfBatch, lastOffsetDeltaAt, magic, magicAt, maxTimestampAt, producerIdAt, recordsAt, transactionalBit } from './record-batch.ts'
import { replace } from './replace.ts'
import { UnpackedTooLarge } from './unpacked.ts'

/** kafkajs' own, of what it needs of one. */
interface Decoder {
  buffer: Buffer
  offset: number
  canReadBytes(length: number): boolean
  readInt32(): number
  readBytes(length: number): Buffer
}

interface Header {
  key: string
  value: Buffer
}

interface RecordDecoder {
  readVarIntArray(read: unknown): Header[] & { reduce: unknown }
}

interface Batch {
  records: object[]
}

type DecodeRecord = (decoder: RecordDecoder, batch: object) => object
type DecodeBatch = (decoder: Decoder) => Promise<Batch>
type DecodeMessages = (decoder: Decoder) => Promise<object[]>

/** A record's headers, joined to an object once. Before anything loads what it replaces. */
export function readLargeRecords(require: NodeJS.Require): void {
  replace(require, 'kafkajs/src/protocol/recordBatch/record/v0/decoder', (decode: DecodeRecord): DecodeRecord => (decoder, batch) => {
    const read = decoder.readVarIntArray.bind(decoder)
    decoder.readVarIntArray = (header) => Object.assign(read(header), { reduce: joined })
    return decode(decoder, batch)
  })
}

/** In place of what kafkajs reduces them by. */
function joined(this: readonly Header[]): Record<string, Buffer | Buffer[]> {
  const headers = new Map<string, Buffer | Buffer[]>()
  for (const { key, value } of this) {
    const before = headers.get(key)
    if (before === undefined) headers.set(key, value)
    else if (Array.isArray(before)) before.push(value)
    else headers.set(key, [before, value])
  }
  return Object.fromEntries(headers)
}

/** The records of an answer, however many. After whatever else amends how a batch is read, before anything loads what it replaces. */
export function readLargeBatches(require: NodeJS.Require): void {
  const Own = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder
  const decode = require('kafkajs/src/protocol/recordBatch/v0/decoder') as DecodeBatch
  replace(require, 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages', (original: DecodeMessages): DecodeMessages => async (decoder) => {
    const begin = decoder.offset
    const size = decoder.readInt32()
    const isWhole = size > magicAt && decoder.canReadBytes(size)
    if (!isWhole || decoder.buffer[decoder.offset + magicAt] !== magic) {
      decoder.offset = begin
      return original(decoder)
    }
    const batches = new Own(decoder.readBytes(size))
    const records: object[] = []
    while (batches.canReadBytes(recordsAt)) {
      const at = batches.offset
      const end = endOfBatch(batches.buffer, at)
      if (end <= batches.buffer.length && batches.buffer.readInt32BE(at + countAt) > maxRecords) {
        records.push(unreadable(batches.buffer, at, `a batch of more than ${maxRecords} records`))
        batches.offset = end
        continue
      }
      try {
        for (const record of (await decode(batches)).records) records.push(record)
      } catch (error) {
        // the last batch of an answer may be cut off
        if (error instanceof Error && error.name === 'KafkaJSPartialMessageError') break
        if (!(error instanceof UnpackedTooLarge)) throw error
        records.push(unreadable(batches.buffer, at, error.message))
      }
    }
    return records
  })
}

/** Of one batch: each takes some hundred bytes of memory. Ours have less than a tenth. */
const maxRecords = 400_000

/** In place of a batch that has no room in memory: one record at its last offset, which its reader can make nothing of. */
function unreadable(bytes: Buffer, at: number, why: string): object {
  return {
    offset: (bytes.readBigInt64BE(at) + BigInt(bytes.readInt32BE(at + lastOffsetDeltaAt))).toString(),
    timestamp: bytes.readBigInt64BE(at + maxTimestampAt).toString(),
    key: null,
    value: Buffer.from(why),
    headers: {},
    isControlRecord: false,
    batchContext: {
      producerId: bytes.readBigInt64BE(at + producerIdAt).toString(),
      inTransaction: (bytes.readInt16BE(at + attributesAt) & transactionalBit) !== 0,
    },
  }
}
