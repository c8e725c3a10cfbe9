import { deserialize, serialize } from 'node:v8'
import { Packr } from 'msgpackr'
import { Slab } from '../core/slab.ts'

/**
 * State values as bytes: JSON values and Uint8Array, at any depth. What is decoded shares no memory with the bytes or with an
 * earlier decoding, so whoever changes it changes nothing else.
 */
const options = { useRecords: false, copyBuffers: true, skipValues: [undefined] }
const packr = new Packr(options)

/**
 * MessagePack never uses this byte. It marks what is not in it: a value that is bytes alone (`plain` follows), and the one thing
 * that msgpackr would not bring back: an object with the key `__proto__`, which it renames on reading, and which an application may
 * well call its permissions (V8's own form follows, which never begins with 0).
 */
const exact = 0xc1
const plain = 0
const dangerous = Buffer.from('__proto__')

/** Of the numbers that mark a row as being there. */
const smallNumbers: Uint8Array[] = []
const maxSmall = 16

const slab = new Slab()

export function encodeValue(value: unknown): Uint8Array {
  if (typeof value === 'number') return encodeNumber(value)
  if (value instanceof Uint8Array) {
    const bytes = slab.take(value.length + 2)
    bytes[0] = exact
    bytes[1] = plain
    bytes.set(value, 2)
    return bytes
  }
  const packed = packr.pack(value)
  if (!packed.includes(dangerous)) return packed
  const body = serialize(value)
  const bytes = new Uint8Array(body.length + 1)
  bytes[0] = exact
  bytes.set(body, 1)
  return bytes
}

function encodeNumber(value: number): Uint8Array {
  if (!(value > 0 && value < maxSmall && Number.isInteger(value))) return packr.pack(value)
  return (smallNumbers[value] ??= Uint8Array.from(packr.pack(value)))
}

/** `passing`: the caller reads the value at once and keeps nothing of it, and bytes in it may share memory with `bytes`. */
export function decodeValue(bytes: Uint8Array, passing = false): unknown {
  if (bytes[0] === exact) {
    if (bytes[1] !== plain) return deserialize(bytes.slice(1))
    // a plain view here too
    const value = new Uint8Array(bytes.buffer, bytes.byteOffset + 2, bytes.length - 2)
    return passing ? value : value.slice()
  }
  // a plain view, since what is cut out of a Buffer is a Buffer, whose `slice` shares memory
  return packr.unpack(Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes)
}
