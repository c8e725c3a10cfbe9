/**
 * Zig-zag varints, as Avro writes a long and Kafka the numbers of a record: exact for integers of up to 52 bits, and for whatever safe integer
 * is read.
 */
export function readLong(bytes: Uint8Array, at: number): number {
  let value = 0
  let factor = 1
  for (let i = at; ; i++) {
    const byte = bytes[i]!
    value += (byte & 0x7f) * factor
    if (byte < 0x80) break
    factor *= 128
  }
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2
}

/** How many bytes `writeLong` takes. */
export function longBytes(value: number): number {
  let bytes = 1
  for (let rest = zigZag(value); rest > 0x7f; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Answers where it ends. */
export function writeLong(bytes: Uint8Array, at: number, value: number): number {
  let end = at
  let rest = zigZag(value)
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes[end++] = (rest % 128) | 0x80
  bytes[end++] = rest
  return end
}

const zigZag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value)
