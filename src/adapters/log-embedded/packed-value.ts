import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** Shorter ones are a change or two, and packing costs more than it saves, bytes. */
const minBytes = 2 * 1024
/** Before the frame: 4 bytes, how long the value is. */
const headBytes = 4
/** No log has a value that is longer: a record that large travels in parts, bytes. */
const maxBytes = 1024 * 1024 * 1024
const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 }
const minChunkBytes = 1024

/**
 * A message's value packed: its length and a zstd frame with a checksum (RFC 8878). Null where that would save less than an eighth. A page of
 * records takes a quarter to a tenth: most of what a source tells in a year is what it told before.
 */
export function pack(value: Uint8Array): Uint8Array | null {
  if (value.length < minBytes) return null
  const frame = zstdCompressSync(value, { params, chunkSize: Math.max(minChunkBytes, value.length >> 1) })
  if (headBytes + frame.length > value.length - (value.length >> 3)) return null
  const packed = Buffer.allocUnsafe(headBytes + frame.length)
  packed.writeUInt32LE(value.length, 0)
  packed.set(frame, headBytes)
  return packed
}

/** As long as the value says that it is. */
export const unpackedBytes = (packed: Buffer): number => (packed.length < headBytes ? 0 : packed.readUInt32LE(0))

/** The value again. Where the bytes are damaged: as they lie, which nobody can read as a message, and which is told as of any other such. */
export function unpack(packed: Buffer): Uint8Array {
  const size = unpackedBytes(packed)
  try {
    const value = zstdDecompressSync(packed.subarray(headBytes), { chunkSize: Math.max(minChunkBytes, Math.min(size, maxBytes)), maxOutputLength: maxBytes })
    if (value.length === size) return value
  } catch {
    // told by whoever can't read it
  }
  return unreadable(packed)
}

/** A message begins with 0, so nothing that begins otherwise is taken for one. */
function unreadable(packed: Buffer): Uint8Array {
  const bytes = Buffer.alloc(packed.length + 1, 0xff)
  bytes.set(packed, 1)
  return bytes
}
