import { describe, expect, it } from 'vitest'
import { unpackLz4 } from '../../../src/adapters/log-kafka/lz4.ts'
import { unpackSnappy } from '../../../src/adapters/log-kafka/snappy.ts'
import { maxUnpackedBytes, UnpackedTooLarge } from '../../../src/adapters/log-kafka/unpacked.ts'

/** What the Java client writes is read in fetched-batches.service.test.ts; here is what other clients write, and what nobody should. */
const text = (packed: Buffer): string => packed.toString('latin1')
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
/** Magic, version 1 with these flags, block size 64 KiB, a checksum that nobody looks at. */
const lz4 = (flags: number, ...blocks: Buffer[]): Buffer => Buffer.concat([int32(0x184d2204), Buffer.of(0x40 | flags, 0x40), Buffer.alloc(flags & 0x08 ? 8 : 0), Buffer.of(0), ...blocks])
const block = (...bytes: number[]): Buffer => Buffer.concat([int32(bytes.length), Buffer.from(bytes)])
const end = int32(0)

describe('snappy', () => {
  it.each([
    ['nothing', [0], ''],
    ['a literal', [3, 2 << 2, 97, 98, 99], 'abc'],
    ['a literal whose length takes a byte more', [61, 60 << 2, 60, ...Buffer.alloc(61, 'x')], 'x'.repeat(61)],
    ['copies of all three kinds, which overlap', [20, 1 << 2, 97, 98, 1 | (2 << 2), 2, 2 | (5 << 2), 2, 0, 3 | (5 << 2), 8, 0, 0, 0], 'ab'.repeat(10)],
  ])('%s', (_name, packed, unpacked) => {
    expect(text(unpackSnappy(Buffer.from(packed)))).toBe(unpacked)
  })

  it.each([
    ['a literal beyond the end', [9, 8 << 2, 97]],
    ['a literal of which not even the length is there', [9, 63 << 2, 1]],
    ['a copy of what lies before the beginning', [9, 0, 97, 1, 2]],
    ['a copy of nothing', [9, 0, 97, 1, 0]],
    ['a copy whose distance is cut off', [9, 0, 97, 2, 1]],
    ['a block of less than nothing', [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfc]],
  ])('refuses %s', (_name, packed) => {
    expect(() => unpackSnappy(Buffer.from(packed))).toThrow(/damaged/)
  })

  it('refuses what grows beyond all bounds', () => {
    const copies = Buffer.alloc(3 * (maxUnpackedBytes / 64), Buffer.of(2 | (63 << 2), 1, 0))
    expect(() => unpackSnappy(Buffer.concat([Buffer.of(0, 0, 97), copies]))).toThrow(UnpackedTooLarge)
  })
})

describe('lz4', () => {
  it.each([
    ['nothing', lz4(0, end), ''],
    ['a literal', lz4(0, block(0x30, 97, 98, 99), end), 'abc'],
    ['a block that is not packed', lz4(0, int32(0x80000003), Buffer.from('abc'), end), 'abc'],
    ['lengths of several bytes, and a copy that overlaps', lz4(0, block(0x1f, 97, 1, 0, 255, 0, 0x10, 98), end), `a${'a'.repeat(15 + 255 + 4)}b`],
    ['a copy of what another block holds', lz4(0, block(0x30, 97, 98, 99), block(0x02, 3, 0, 0x10, 100), end), 'abcabcabcd'],
    ['checksums, a size and a second frame', Buffer.concat([lz4(0x1c, block(0x10, 97), Buffer.alloc(4), end, Buffer.alloc(4)), int32(0x184d2a53), int32(2), Buffer.alloc(2), lz4(0, block(0x10, 98), end)]), 'ab'],
  ])('%s', (_name, packed, unpacked) => {
    expect(text(unpackLz4(packed))).toBe(unpacked)
  })

  it.each([
    ['what is none', Buffer.alloc(20)],
    ['a block beyond the end', lz4(0, int32(99), Buffer.of(0x10, 97))],
    ['a literal beyond its block', lz4(0, block(0x90, 97), end)],
    ['a copy of what lies before the beginning', lz4(0, block(0x10, 97, 2, 0, 0x10, 97), end)],
  ])('refuses %s', (_name, packed) => {
    expect(() => unpackLz4(packed)).toThrow(/damaged/)
  })

  it('refuses what grows beyond all bounds', () => {
    const long = Buffer.concat([Buffer.of(0x1f, 97, 1, 0), Buffer.alloc(maxUnpackedBytes / 255 + 1, 255), Buffer.of(0, 0x10, 98)])
    expect(() => unpackLz4(lz4(0, int32(long.length), long, end))).toThrow(UnpackedTooLarge)
  })
})
