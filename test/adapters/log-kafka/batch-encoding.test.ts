import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leastPackedBytes } from '../../../src/adapters/log-kafka/batch-encoding.ts'
import type { Repair } from '../../../src/adapters/log-kafka/repair.ts'
import { requireOfCopy } from './copies.ts'

interface Request {
  apiKey: number
  encode(): Promise<{ buffer: Buffer }>
}

type Produce = (what: object) => Request

/** The request for these messages as this copy of kafkajs encodes it. */
const produceOf = (repairs: readonly Repair[]): Produce => requireOfCopy(repairs)('kafkajs/src/protocol/requests/produce/v3/request') as Produce

const original = produceOf([])
const amended = produceOf(['copies'])

/** Bytes of a request with one batch, but for its records: everything of the request up to the batch, and the batch's head. */
const aroundRecords = (transactional: boolean): number => (transactional ? 10 : 2) + 2 + 4 + 4 + (2 + 'state'.length) + 4 + 4 + 4 + 61

const bytes = fc.option(fc.oneof(fc.uint8Array({ maxLength: 300 }).map((of) => Buffer.from(of)), fc.string({ unit: 'grapheme', maxLength: 80 })), { nil: null })
const timestamps = fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 })
const message = fc.record({
  key: bytes,
  value: fc.oneof({ weight: 9, arbitrary: bytes }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 70_000 }).map((size) => Buffer.alloc(size, 7)) }),
  timestamp: fc.option(timestamps.map(String), { nil: undefined }),
  headers: fc.option(fc.dictionary(fc.string({ minLength: 1, maxLength: 12 }), fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 }))), { nil: undefined }),
})

describe('a batch of records', () => {
  it('has the bytes that kafkajs itself would send, whatever is in it; what is small is sent as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 40 }), fc.boolean(), fc.bigInt({ min: -1n, max: 2n ** 62n }), fc.integer({ min: 0, max: 32_767 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.constantFrom(0, 1),
        async (messages, transactional, producerId, producerEpoch, firstSequence, compression) => {
          const now = Date.now
          Date.now = () => 1_700_000_000_000
          try {
            for (const few of [messages, messages.slice(0, 1)]) {
              const what = (packed: number, places: readonly number[]) => ({
                acks: -1, timeout: 30_000, transactionalId: transactional ? 'task/x/0' : null, producerId: producerId.toString(), producerEpoch, compression: packed,
                topicData: [{ topic: 'state', partitions: places.map((partition) => ({ partition, firstSequence: partition === 3 ? firstSequence : 0, messages: few })) }],
              })
              const isSmall = (await original(what(0, [3])).encode()).buffer.length - aroundRecords(transactional) < leastPackedBytes
              const sent = (await amended(what(compression, [3, 4])).encode()).buffer
              expect(sent.equals((await original(what(isSmall ? 0 : compression, [3, 4])).encode()).buffer)).toBe(true)
            }
          } finally {
            Date.now = now
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('groups messages by partition in their order', () => {
    const of = (repairs: readonly Repair[]): ((args: object) => object) => requireOfCopy(repairs)('kafkajs/src/producer/groupMessagesPerPartition') as (args: object) => object
    const messages = Array.from({ length: 50 }, (_, n) => ({ value: String(n), partition: (n * 7) % 3 }))
    const args = { topic: 't', partitionMetadata: [{}], messages, partitioner: ({ message: { partition } }: { message: { partition: number } }) => partition }
    expect(of(['copies'])(args)).toEqual(of([])(args))
    expect(of(['copies'])({ ...args, partitionMetadata: [] })).toEqual({})
  })
})
