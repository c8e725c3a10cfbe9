import { Unpacked } from './unpacked.ts'

/** How the Java client frames it (snappy-java, SnappyOutputStream): this, two versions, then blocks behind their size. Other clients write one bare block. */
const javaMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const javaHeadBytes = 16

/** Snappy (format_description.txt of google/snappy), as Kafka's producers pack with it. */
export function unpackSnappy(packed: Buffer): Buffer {
  const to = new Unpacked()
  if (!packed.subarray(0, javaMagic.length).equals(javaMagic)) block(packed, to)
  else {
    for (let at = javaHeadBytes; at < packed.length; ) {
      const size = packed.readInt32BE(at)
      at += 4
      if (size < 0) throw new Error('a packed batch has a block of less than nothing: its bytes are damaged')
      block(packed.subarray(at, at + size), to)
      at += size
    }
  }
  return to.take()
}

function block(from: Buffer, to: Unpacked): void {
  let at = 0
  // its unpacked size, a varint, which nobody has to believe
  while ((from[at++] ?? 0) > 0x7f);
  while (at < from.length) {
    const tag = from[at++]!
    const kind = tag & 3
    if (kind === 0) {
      let length = tag >>> 2
      const extra = length - 59
      if (extra > 0) {
        length = littleEndian(from, at, extra)
        at += extra
      }
      to.literal(from, at, length + 1)
      at += length + 1
    } else if (kind === 1) {
      to.copy(((tag >>> 5) << 8) | littleEndian(from, at, 1), ((tag >>> 2) & 7) + 4)
      at += 1
    } else {
      const extra = kind === 2 ? 2 : 4
      to.copy(littleEndian(from, at, extra), (tag >>> 2) + 1)
      at += extra
    }
  }
}

function littleEndian(from: Buffer, at: number, bytes: number): number {
  return at + bytes > from.length ? -1 : from.readUIntLE(at, bytes)
}
