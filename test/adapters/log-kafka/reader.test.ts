import { describe, expect, it } from 'vitest'
import type { Broker, Cluster, FetchRequest, PartitionResponse, RawMessage } from '../../../src/adapters/log-kafka/internals.ts'
import { Reader } from '../../../src/adapters/log-kafka/reader.ts'

/** What a real broker does in rare moments only and not when it is asked to, so the answers of a leader are written down here. */
type Answer = Pick<PartitionResponse, 'messages' | 'lastStableOffset'> | 'out of range'

const message = (offset: number): RawMessage => ({ offset: String(offset), timestamp: '0', key: null, value: Buffer.of(offset), isControlRecord: false })
const sent = (offsets: number[], end: number): Answer => ({ messages: offsets.map(message), lastStableOffset: String(end) })
const nothing = (end: number): Answer => sent([], end)

/** `answers` in turn, the last one again and again; `end`: what the leader says when it is asked for the end alone. */
function readerOf(answers: Answer[], end = 0, first = end): { reader: Reader; asked: number[] } {
  const asked: number[] = []
  const broker: Pick<Broker, 'fetch'> = {
    fetch: ({ topics: [topic] }: FetchRequest) => {
      asked.push(Number(topic!.partitions[0]!.fetchOffset))
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!
      if (answer === 'out of range') return Promise.reject(Object.assign(new Error('out of range'), { type: 'OFFSET_OUT_OF_RANGE' }))
      return Promise.resolve({ responses: [{ topicName: 't', partitions: [{ partition: 0, abortedTransactions: null, ...answer }] }] })
    },
  }
  const cluster: Pick<Cluster, 'findTopicPartitionMetadata' | 'findBroker' | 'fetchTopicsOffset'> = {
    findTopicPartitionMetadata: () => [{ partitionId: 0, leader: 1, partitionErrorCode: 0 }],
    findBroker: () => Promise.resolve(broker as Broker),
    fetchTopicsOffset: ([of]) => Promise.resolve([{ topic: 't', partitions: [{ partition: 0, offset: String(of!.fromBeginning ? first : end) }] }]),
  }
  return { reader: new Reader(cluster as Cluster, 60_000), asked }
}

const read = async (reader: Reader, offset: number): Promise<number[]> => (await reader.read('t', 0, offset, 1_000)).map((found) => Number(found.offset))

describe('an answer without records', () => {
  it('is the end where the leader says that there is no more', async () => {
    const { reader, asked } = readerOf([nothing(5)])
    expect(await read(reader, 5)).toEqual([])
    expect(asked).toEqual([5])
  })

  it('is asked for again where the leader says that there is more', async () => {
    const { reader, asked } = readerOf([nothing(7), nothing(7), sent([5, 6], 7)])
    expect(await read(reader, 5)).toEqual([5, 6])
    expect(asked).toEqual([5, 5, 5])
  })

  it('is asked for again where the end was told before to be further on, which a new leader may not know yet', async () => {
    const { reader } = readerOf([nothing(5), sent([5, 6], 7)], 7)
    expect(await reader.end('t', 0)).toBe(7)
    expect(await read(reader, 5)).toEqual([5, 6])
  })

  it('is passed over where its offsets hold nothing for readers', async () => {
    const control = { ...message(6), isControlRecord: true }
    const { reader, asked } = readerOf([{ messages: [control], lastStableOffset: '7' }, nothing(7)])
    expect(await read(reader, 5)).toEqual([])
    expect(asked).toEqual([5, 7])
  })

  it('again and again, though there is more, is an error that says where, and no end', async () => {
    const { reader } = readerOf([nothing(7)])
    await expect(read(reader, 5)).rejects.toThrow('t/0 goes on to offset 7, but its leader has sent nothing from offset 5 on for 10 s')
  })
})

describe('an offset that the leader does not have', () => {
  it('is taken for the first that is left, where retention took it', async () => {
    const { reader, asked } = readerOf(['out of range', sent([7], 8)], 8, 7)
    expect(await read(reader, 5)).toEqual([7])
    expect(asked).toEqual([5, 7])
  })

  it('is the end, where nobody ever said that there was so much', async () => {
    const { reader } = readerOf(['out of range'], 3, 0)
    expect(await read(reader, 5)).toEqual([])
  })

  it('is an error, where there was more: a topic that was made anew counts from 0 again, and nobody would see what comes there', async () => {
    const { reader } = readerOf([sent([5, 6], 7), 'out of range'], 3, 0)
    expect(await read(reader, 5)).toEqual([5, 6])
    await expect(read(reader, 7)).rejects.toThrow('t/0 ends at offset 3, though it went on to 7 before: its topic was made anew, or the brokers lost what they had acknowledged')
  })
})
