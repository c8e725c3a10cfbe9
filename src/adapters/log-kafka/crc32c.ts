/** Castagnoli's polynomial, reversed (RFC 3720, 12.1). */
const polynomial = 0x82f63b78
/** As many bytes are taken at once: a table for how far each of them stands from the last. */
const stride = 8

const tables = Array.from({ length: stride }, () => new Int32Array(256))
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0)
  tables[0]![byte] = crc
}
for (let k = 1; k < stride; k++) for (let byte = 0; byte < 256; byte++) tables[k]![byte] = (tables[k - 1]![byte]! >>> 8) ^ tables[0]![tables[k - 1]![byte]! & 0xff]!

const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]

/** CRC-32C of the bytes, as Kafka's record batches have it: unsigned. */
export function crc32c(bytes: Uint8Array): number {
  const { length } = bytes
  let crc = -1
  let at = 0
  for (; at + stride <= length; at += stride) {
    const four = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    crc =
      t7[four & 0xff]! ^ t6[(four >>> 8) & 0xff]! ^ t5[(four >>> 16) & 0xff]! ^ t4[four >>> 24]! ^
      t3[bytes[at + 4]!]! ^ t2[bytes[at + 5]!]! ^ t1[bytes[at + 6]!]! ^ t0[bytes[at + 7]!]!
  }
  for (; at < length; at++) crc = t0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
