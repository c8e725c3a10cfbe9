import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32c } from '../../../src/adapters/log-kafka/crc32c.ts'
import { requireFromHere } from '../../../src/adapters/log-kafka/kafkajs.ts'

const ascending = Uint8Array.from({ length: 32 }, (_, i) => i)

it.each([
  ['32 bytes of zeroes', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 bytes, ascending', ascending, 0x46dd794e],
  ['32 bytes, descending', ascending.toReversed(), 0x113fdb5c],
  ['nothing', new Uint8Array(0), 0],
])('%s (RFC 3720, B.4)', (_name, bytes, checksum) => {
  expect(crc32c(bytes)).toBe(checksum)
})

it('of any bytes it is what kafkajs computes byte by byte', () => {
  const byByte = requireFromHere('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Uint8Array) => number
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (bytes, from) => {
    expect(crc32c(bytes.subarray(from))).toBe(byByte(bytes.subarray(from)))
  }))
})
