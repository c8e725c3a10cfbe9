import type { Append, Message } from '../../ports/log.ts'

/** How log messages lie in LMDB. Numbers in keys are big-endian, so that byte order is their order. */

const OFFSET_MAX = 2 ** 48
const NO_KEY = 0xffffffff
const HEADER_BYTES = 12

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

/** 8 bytes timestamp (double), 4 bytes length of the key (0xffffffff: none), key, value. */
export function encodeMessage(append: Append): Buffer {
  const key = append.key === null ? null : textBytes(append.key)
  const keyBytes = key?.length ?? 0
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + keyBytes + append.value.length)
  bytes.writeDoubleLE(append.timestamp, 0)
  bytes.writeUInt32LE(key === null ? NO_KEY : keyBytes, 8)
  if (key !== null) bytes.set(key, HEADER_BYTES)
  bytes.set(append.value, HEADER_BYTES + keyBytes)
  return bytes
}

export function decodeMessage(offset: number, bytes: Buffer): Message {
  const keyBytes = bytes.readUInt32LE(8)
  const valueAt = HEADER_BYTES + (keyBytes === NO_KEY ? 0 : keyBytes)
  return {
    offset,
    key: keyBytes === NO_KEY ? null : bytes.toString('utf8', HEADER_BYTES, valueAt),
    timestamp: bytes.readDoubleLE(0),
    value: bytes.subarray(valueAt),
  }
}

/** UTF-8. Throws for half of a surrogate pair: two such keys would fall together. */
export function textBytes(text: string): Buffer {
  if (!text.isWellFormed()) throw new Error(`key ${JSON.stringify(text)} holds half of a surrogate pair, which UTF-8 cannot hold`)
  return Buffer.from(text, 'utf8')
}
