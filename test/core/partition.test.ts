import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur2, partitionOf } from '../../src/core/partition.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('murmur2', () => {
  // Kafka's own test vectors (UtilsTest), which its Java clients hold to
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('%s is %i', (text, hash) => {
    expect(murmur2(bytes(text)) | 0).toBe(hash)
  })

  it('reads bytes as unsigned, and takes every length', () => {
    const hashes = [0, 1, 2, 3, 4, 5].map((length) => murmur2(new Uint8Array(length).fill(0xff)) | 0)
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

describe('partitionOf', () => {
  it('hashes the bytes of UTF-8, whatever the key is made of and however long it is', () => {
    const key = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'binary' }), fc.integer({ min: 250, max: 260 }).map((n) => 'k'.repeat(n)))
    fc.assert(
      fc.property(key, (text) => {
        expect(partitionOf(text, 251)).toBe((murmur2(bytes(text)) & 0x7fffffff) % 251)
      }),
    )
  })

  it('is a partition, and the same one for the same key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 256 }), (key, partitions) => {
        const partition = partitionOf(key, partitions)
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true)
        expect(partitionOf(Buffer.from(key).toString(), partitions)).toBe(partition)
      }),
    )
  })

  it('is what Kafka’s default partitioner gives: the hash without its sign, modulo', () => {
    expect(partitionOf('foobar', 7)).toBe((-790332482 & 0x7fffffff) % 7)
    expect(partitionOf('abc', 7)).toBe(479470107 % 7)
  })

  it('spreads keys', () => {
    const counts = new Array<number>(8).fill(0)
    for (let i = 0; i < 8_000; i++) counts[partitionOf(`billing/user-${i}`, 8)]!++
    expect(Math.min(...counts)).toBeGreaterThan(800)
    expect(Math.max(...counts)).toBeLessThan(1_200)
  })
})
