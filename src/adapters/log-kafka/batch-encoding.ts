import { longBytes, writeLong } from '../../core/zig-zag.ts'
import { crc32c } from './crc32c.ts'
import { attributesAt, countAt, coveredBytes, crcAt, lastOffsetDeltaAt, lengthAt, lengthOf, magic, magicAt, maxTimestampAt, producerIdAt, recordsAt, transactionalBit } from './record-batch.ts'

/**
 * A batch of records as kafkajs' producer asks for it: the same bytes (record batch, magic 2: Kafka protocol, "Record Batch"), written once and
 * at once, but a small batch is not packed. kafkajs itself makes a buffer for each number, one that is filled with zeros and grows for each record, and copies them together.
 */
interface BatchRecord {
  offsetDelta: number
  timestampDelta: number
  key: Buffer | string | null | undefined
  value: Buffer | string | null | undefined
  headers?: Readonly<Record<string, HeaderValue | HeaderValue[]>>
}

type HeaderValue = Buffer | string | null | undefined

interface Batch {
  /** of a codec, 0: none */
  compression?: number
  /** ms */
  firstTimestamp: number | string
  maxTimestamp: number | string
  transactional?: boolean
  producerId: { toString(): string } | number | string
  producerEpoch: number
  firstSequence: number
  lastOffsetDelta: number
  records: readonly BatchRecord[]
}

/** What kafkajs takes for one of its encoders. */
interface Encoded {
  readonly buf: Buffer
  readonly buffer: Buffer
  size(): number
}

type Compress = (compression: number, encoded: { buffer: Buffer }) => Promise<Buffer>

const codecMask = 7
/** Packing less takes as long as packing this much (some 50 µs, and 30 for each reader), and saves next to nothing. */
export const leastPackedBytes = 2 * 1024
export function batchEncoder(compress: Compress): (batch: Batch) => Promise<Encoded> {
  return async (batch) => {
    const plain = encodeRecords(batch.records)
    const codec = plain.length < leastPackedBytes ? 0 : (batch.compression ?? 0) & codecMask
    const body = codec === 0 ? plain : await compress(codec, { buffer: plain })
    const bytes = Buffer.allocUnsafe(recordsAt + body.length)
    bytes.writeBigInt64BE(0n, 0)
    bytes.writeInt32BE(lengthOf(bytes), lengthAt)
    bytes.writeInt32BE(0, 12)
    bytes.writeInt8(magic, magicAt)
    bytes.writeInt16BE(codec | (batch.transactional === true ? transactionalBit : 0), attributesAt)
    bytes.writeInt32BE(batch.lastOffsetDelta, lastOffsetDeltaAt)
    bytes.writeBigInt64BE(BigInt(batch.firstTimestamp), 27)
    bytes.writeBigInt64BE(BigInt(batch.maxTimestamp), maxTimestampAt)
    bytes.writeBigInt64BE(BigInt(String(batch.producerId)), producerIdAt)
    bytes.writeInt16BE(batch.producerEpoch, 51)
    bytes.writeInt32BE(batch.firstSequence, 53)
    bytes.writeInt32BE(batch.records.length, countAt)
    body.copy(bytes, recordsAt)
    bytes.writeUInt32BE(crc32c(coveredBytes(bytes, 0, bytes.length)), crcAt)
    return { buf: bytes, buffer: bytes, size: () => bytes.length }
  }
}

interface Sized {
  readonly record: BatchRecord
  readonly headers: readonly (readonly [name: Buffer, value: Buffer | null])[]
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** of the record behind its length */
  readonly bodyBytes: number
}

function encodeRecords(records: readonly BatchRecord[]): Buffer {
  const sized = records.map(sizedOf)
  const to = new Writer(sized.reduce((sum, { bodyBytes }) => sum + longBytes(bodyBytes) + bodyBytes, 0))
  for (const { record, headers, key, value, bodyBytes } of sized) {
    to.varint(bodyBytes)
    to.byte(0)
    to.varint(record.timestampDelta)
    to.varint(record.offsetDelta)
    to.bytes(key)
    to.bytes(value)
    to.varint(headers.length)
    for (const [name, of] of headers) {
      to.bytes(name)
      to.bytes(of)
    }
  }
  return to.buffer
}

function sizedOf(record: BatchRecord): Sized {
  const key = bytesOf(record.key)
  const value = bytesOf(record.value)
  const headers = headersOf(record)
  let bodyBytes = 1 + longBytes(record.timestampDelta) + longBytes(record.offsetDelta) + sizeOf(key) + sizeOf(value) + longBytes(headers.length)
  for (const [name, of] of headers) bodyBytes += sizeOf(name) + sizeOf(of)
  return { record, headers, key, value, bodyBytes }
}

const noHeaders: Sized['headers'] = []

function headersOf({ headers }: BatchRecord): Sized['headers'] {
  if (headers === undefined) return noHeaders
  return Object.entries(headers).flatMap(([name, of]) => {
    const bytes = Buffer.from(name)
    return (Array.isArray(of) ? of : [of]).map((value) => [bytes, bytesOf(value)] as const)
  })
}

function bytesOf(value: HeaderValue): Buffer | null {
  if (value === null || value === undefined) return null
  return Buffer.isBuffer(value) ? value : Buffer.from(value)
}

const sizeOf = (bytes: Buffer | null): number => (bytes === null ? 1 : longBytes(bytes.length) + bytes.length)

class Writer {
  readonly buffer: Buffer
  #at = 0

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size)
  }

  byte(value: number): void {
    this.buffer[this.#at++] = value
  }

  varint(value: number): void {
    this.#at = writeLong(this.buffer, this.#at, value)
  }

  /** Length and bytes; -1 for null. */
  bytes(value: Buffer | null): void {
    this.varint(value === null ? -1 : value.length)
    if (value === null) return
    this.buffer.set(value, this.#at)
    this.#at += value.length
  }
}
