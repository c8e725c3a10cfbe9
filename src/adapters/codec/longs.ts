import { afterLong, readLong } from '../../core/zig-zag.ts'

/** In bytes that may be damaged: whoever reads on compares `pos` with their length. */
export interface Place {
  buf: Buffer
  pos: number
}

const maxBytes = 10
/** Zig-zag doubles a number: from here on floating arithmetic may lose the last bit. */
const exactBelow = 2 ** 51

/** Whether a number is surely the one that was written. */
export const isExact = (long: number): boolean => long < exactBelow && long > -exactBelow

export function takeLong(place: Place): number {
  const value = readLong(place.buf, place.pos)
  place.pos = afterLong()
  return value
}

/** Of every safe integer. Throws at any other number, and at one of more than 64 bits. */
export function takeLarge(place: Place): number {
  const from = place.pos
  let zigzag = 0n
  let byte
  do {
    if (place.pos - from === maxBytes) throw new Error('an integer of more than 64 bits')
    byte = place.buf[place.pos] ?? 0
    zigzag |= BigInt(byte & 0x7f) << BigInt(7 * (place.pos++ - from))
  } while (byte > 0x7f)
  const long = Number(zigzag & 1n ? -(zigzag + 1n) / 2n : zigzag / 2n)
  if (!Number.isSafeInteger(long)) throw new Error('an integer beyond 2^53 - 1')
  return long
}

export function writeLarge(place: Place, long: bigint): void {
  let rest = long < 0n ? -long * 2n - 1n : long * 2n
  for (; rest > 0x7fn; rest >>= 7n) place.buf[place.pos++] = Number(rest & 0x7fn) | 0x80
  place.buf[place.pos++] = Number(rest)
}

/**
 * Items in the next block of an array or map, 0 at its end; they begin at `afterLong()`. No item of ours is encoded in less than a byte, so a
 * larger count is damage: believed, it would keep the process busy or take its memory.
 */
export function blockAt(bytes: Uint8Array, at: number): number {
  let count = readLong(bytes, at)
  if (count < 0) {
    count = -count
    readLong(bytes, afterLong()) // its size, which is not believed
  }
  const left = bytes.length - afterLong()
  if (!holds(left, count)) throw new Error(`${count} items announced, ${left} bytes left`)
  return count
}

export function takeBlock(place: Place): number {
  const count = blockAt(place.buf, place.pos)
  place.pos = afterLong()
  return count
}

/** Not where `length` is NaN. */
export const holds = (bytesLeft: number, length: number): boolean => length >= 0 && length <= bytesLeft
