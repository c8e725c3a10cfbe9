import { describe, expect, it } from 'vitest'
import type { Broker, Cluster, FetchRequest, PartitionResponse, RawMessage } from '../../../src/adapters/log-kafka/internals.ts'
import { Reader } from '../../../src/adapters/log-kafka/reader.ts'

/** What a real broker does in rare moments only and not when it is asked to, so the answers of a leader are written down here. */
type Answer = Pick<PartitionResponse, 'messages' | 'lastStableOffset'>

const message = (offset: number): RawMessage => ({ offset: String(offset), timestamp: '0', key: null, value: Buffer.of(offset), isControlRecord: false })
const sent = (offsets: number[], end: number): Answer => ({ messages: offsets.map(message), lastStableOffset: String(end) })
const nothing = (end: number): Answer => sent([], end)

/** `answers` in turn, the last one again and again; `end`: what the leader says when it is asked for the end alone. */
function readerOf(answers: Answer[], end = 0): { reader: Reader; asked: number[] } {
  const asked: number[] = []
  const broker: Pick<Broker, 'fetch'> = {
    fetch: ({ topics: [topic] }: FetchRequest) => {
      asked.push(Number(topic!.partitions[0]!.fetchOffset))
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!
      return Promise.resolve({ responses: [{ topicName: 't', partitions: [{ partition: 0, abortedTransactions: null, ...answer }] }] })
    },
  }
  const cluster: Pick<Cluster, 'findTopicPartitionMetadata' | 'findBroker' | 'fetchTopicsOffset'> = {
    findTopicPartitionMetadata: () => [{ partitionId: 0, leader: 1, partitionErrorCode: 0 }],
    findBroker: () => Promise.resolve(broker as Broker),
    fetchTopicsOffset: () => Promise.resolve([{ topic: 't', partitions: [{ partition: 0, offset: String(end) }] }]),
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
