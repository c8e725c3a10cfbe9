import { Unpacked } from './unpacked.ts'

const frameMagic = 0x184d2204
/** Of frames that hold nothing for readers: the last digit differs. */
const skippableMagic = 0x184d2a50
const uncompressedBit = 0x80000000
const leastMatch = 4

/** LZ4 frames (lz4_Frame_format.md), as Kafka's producers pack with them. Checksums are left to the batch's own. */
export function unpackLz4(packed: Buffer): Buffer {
  const to = new Unpacked()
  for (let at = 0; at < packed.length; ) at = frame(packed, at, to)
  return to.take()
}

/** Answers where it ends. */
function frame(from: Buffer, start: number, to: Unpacked): number {
  const magic = from.readUInt32LE(start)
  if (magic >>> 4 === skippableMagic >>> 4) return start + 8 + from.readUInt32LE(start + 4)
  if (magic !== frameMagic) throw new Error('a batch that says it is packed with LZ4 is not: its bytes are damaged')
  const flags = from.readUInt8(start + 4)
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4
  // flags, block size, perhaps the content's size and a dictionary's id, and a checksum of these
  let at = start + 4 + 2 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4) + 1
  for (;;) {
    const said = from.readUInt32LE(at)
    at += 4
    if (said === 0) return at + ((flags & 0x04) === 0 ? 0 : 4)
    const size = said % uncompressedBit
    if (at + size > from.length) throw new Error('a packed batch ends in the middle: its bytes are damaged')
    if (said >= uncompressedBit) to.literal(from, at, size)
    else block(from.subarray(at, at + size), to)
    at += size + checksumBytes
  }
}

function block(from: Buffer, to: Unpacked): void {
  let at = 0
  const length = (nibble: number): number => {
    let sum = nibble
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; sum += byte) byte = from.readUInt8(at++)
    return sum
  }
  while (at < from.length) {
    const token = from[at++]!
    const literals = length(token >>> 4)
    to.literal(from, at, literals)
    at += literals
    if (at === from.length) return
    const back = from.readUInt16LE(at)
    at += 2
    to.copy(back, length(token & 15) + leastMatch)
  }
}
