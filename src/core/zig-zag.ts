/**
 * Zig-zag varints, as Avro writes a long and Kafka the numbers of a record: exact for integers of up to 52 bits, and for whatever safe integer
 * is read. Past the end of the bytes are zeros: whoever reads what may be damaged compares where it is with the length, and may get NaN for
 * a number of a hundred bytes.
 */
export function readLong(bytes: Uint8Array, at: number): number {
  let byte = bytes[at] ?? 0
  end = at + 1
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
  let value = byte & 0x7f
  let factor = 128
  do {
    byte = bytes[end++] ?? 0
    value += (byte & 0x7f) * factor
    factor *= 128
  } while (byte > 0x7f)
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2
}

let end = 0

/** Where the number ends that `readLong` read last. */
export const afterLong = (): number => end

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
