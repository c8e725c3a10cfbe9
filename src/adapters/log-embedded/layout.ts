import type { Message } from '../../ports/log.ts'
import { pack, unpack, unpackedBytes } from './packed-value.ts'

/** How log messages lie in LMDB. Numbers in keys are big-endian, so that byte order is their order. */

const OFFSET_MAX = 2 ** 48
const NO_KEY = 0xffffffff
/** Added to the length of a key where the value is packed. */
const PACKED = 0x80000000
const PACKED_NO_KEY = 0xfffffffe
const HEADER_BYTES = 12
/** A message of a chunked topic and its key find room. */
const SCRATCH_BYTES = 512 * 1024
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

/** 2 bytes topic number, 2 bytes partition, 6 bytes offset. */
export function messageKey(topic: number, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(10)
  key.writeUInt16BE(topic, 0)
  key.writeUInt16BE(partition, 2)
  key.writeUIntBE(Math.min(offset, OFFSET_MAX - 1), 4, 6)
  return key
}

export function offsetOf(messageKey: Uint8Array): number {
  return Buffer.from(messageKey.buffer, messageKey.byteOffset, messageKey.byteLength).readUIntBE(4, 6)
}

export function partitionKey(topic: number, partition: number): Buffer {
  return messageKey(topic, partition, 0).subarray(0, 4)
}

/** 6 bytes, as in keys. */
export function offsetBytes(offset: number): Buffer {
  const bytes = Buffer.allocUnsafe(6)
  bytes.writeUIntBE(offset, 0, 6)
  return bytes
}

/**
 * 8 bytes timestamp (double), 4 bytes length of the key (0xffffffff: none; where the value is packed 0x80000000 more, 0xfffffffe: none), key,
 * value. To be put before the next one is encoded: inside a transaction LMDB takes the bytes before it returns, so one piece of memory does for all.
 */
export function encodeMessage(message: Pick<Message, 'key' | 'timestamp' | 'value'>): Buffer {
  const key = message.key === null ? null : textBytes(message.key)
  const keyBytes = key?.length ?? 0
  const packed = pack(message.value)
  const value = packed ?? message.value
  const size = HEADER_BYTES + keyBytes + value.length
  const bytes = size > SCRATCH_BYTES ? Buffer.allocUnsafe(size) : scratch.subarray(0, size)
  bytes.writeDoubleLE(message.timestamp, 0)
  if (packed === null) bytes.writeUInt32LE(key === null ? NO_KEY : keyBytes, 8)
  else bytes.writeUInt32LE(key === null ? PACKED_NO_KEY : PACKED + keyBytes, 8)
  if (key !== null) bytes.set(key, HEADER_BYTES)
  bytes.set(value, HEADER_BYTES + keyBytes)
  return bytes
}

export function decodeMessage(offset: number, bytes: Buffer): Message {
  const { hasKey, isPacked, valueAt } = headOf(bytes)
  const value = bytes.subarray(valueAt)
  return {
    offset,
    key: hasKey ? bytes.toString('utf8', HEADER_BYTES, valueAt) : null,
    timestamp: bytes.readDoubleLE(0),
    value: isPacked ? unpack(value) : value,
  }
}

/** How large the message's value is, without unpacking it. */
export function valueBytes(bytes: Buffer): number {
  const { isPacked, valueAt } = headOf(bytes)
  const value = bytes.subarray(valueAt)
  return isPacked ? unpackedBytes(value) : value.length
}

function headOf(bytes: Buffer): { hasKey: boolean; isPacked: boolean; valueAt: number } {
  const length = bytes.readUInt32LE(8)
  const hasKey = length < PACKED_NO_KEY
  return { hasKey, isPacked: length >= PACKED && length !== NO_KEY, valueAt: HEADER_BYTES + (hasKey ? length % PACKED : 0) }
}

/** UTF-8. Throws for half of a surrogate pair: two such keys would fall together. */
export function textBytes(text: string): Buffer {
  if (!text.isWellFormed()) throw new Error(`key ${JSON.stringify(text)} holds half of a surrogate pair, which UTF-8 cannot hold`)
  return Buffer.from(text, 'utf8')
}
