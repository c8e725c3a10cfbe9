import { expect, it } from 'vitest'
import { batchEncoder } from '../../../src/adapters/log-kafka/batch-encoding.ts'
import { allRepairs, type Repair } from '../../../src/adapters/log-kafka/repair.ts'
import { requireOfCopy } from './copies.ts'

interface Answered {
  value: Buffer | null
  isControlRecord?: boolean
}

/** The values of an answer to a fetch with these batches. */
function reader(repairs: readonly Repair[]): (batches: Buffer) => Promise<string[]> {
  const require = requireOfCopy(repairs)
  const decode = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (decoder: object) => Promise<Answered[]>
  const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object
  return async (batches) => {
    const size = Buffer.alloc(4)
    size.writeInt32BE(batches.length)
    return (await decode(new Decoder(Buffer.concat([size, batches])))).map(({ value }) => String(value))
  }
}

const encode = batchEncoder(() => Promise.reject(new Error('nothing here is packed')))
const batchOf = async (value: string): Promise<Buffer> =>
  (await encode({ firstTimestamp: 1, maxTimestamp: 1, producerId: 7, producerEpoch: 0, firstSequence: 0, lastOffsetDelta: 0, records: [{ offsetDelta: 0, timestampDelta: 0, key: 'k', value }] })).buffer

/** What its producer wrote begins there: what is before it brokers write, and the checksum itself. */
const crcAt = 17

it('whichever bit of what was written is another, nothing of the batch is answered', async () => {
  const [first, second] = [await batchOf('one'), await batchOf('two')]
  const read = reader(allRepairs)
  const taken = reader(allRepairs.filter((repair) => repair !== 'unchecked'))
  expect(await read(Buffer.concat([first, second]))).toEqual(['one', 'two'])
  let unseen = 0
  for (let bit = crcAt * 8; bit < second.length * 8; bit++) {
    const altered = Buffer.from(second)
    altered[bit >> 3]! ^= 1 << (bit & 7)
    await expect(read(Buffer.concat([first, altered]))).rejects.toThrow('the batch at offset 0 is not as it was written')
    unseen += await taken(Buffer.concat([first, altered])).then(() => 1, () => 0)
  }
  expect(unseen).toBeGreaterThan(0)
})

it('of a batch that is cut off, as the last one of an answer may be, nothing is said', async () => {
  const [first, second] = [await batchOf('one'), await batchOf('two')]
  const read = reader(allRepairs)
  for (let length = 0; length < second.length; length++) expect(await read(Buffer.concat([first, second.subarray(0, length)]))).toEqual(['one'])
})
