import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Broker, Cluster, FetchRequest, PartitionResponse } from '../../../src/adapters/log-kafka/internals.ts'
import { Reader } from '../../../src/adapters/log-kafka/reader.ts'
import { Tail } from '../../../src/adapters/log-kafka/tail.ts'

/** A broker is paused or has an error at a moment that a test chooses, so the answers of the leaders are given by hand here. */
interface Asked {
  leader: number
  /** that it was asked for */
  partitions: number[]
  /** One record for each partition that is named. */
  answer: (...grown: number[]) => void
  fail: (error: Error) => void
}

let leaders: number[]
let asked: Asked[]
let tail: Tail
beforeEach(() => {
  leaders = [1, 2]
  asked = []
  const cluster: Pick<Cluster, 'findTopicPartitionMetadata' | 'findBroker' | 'isConnected' | 'refreshMetadata'> = {
    findTopicPartitionMetadata: () => leaders.map((leader, partitionId) => ({ partitionId, leader, partitionErrorCode: 0 })),
    findBroker: ({ nodeId }) => (nodeId < 0 ? Promise.reject(new Error('no such broker')) : Promise.resolve(brokerOf(nodeId) as Broker)),
    isConnected: () => true,
    refreshMetadata: () => Promise.resolve(),
  }
  tail = new Tail(cluster as Cluster, new Reader(cluster as Cluster, 60_000))
})

const brokerOf = (leader: number): Pick<Broker, 'fetch'> => ({
  fetch: ({ topics }: FetchRequest) => {
    const partitions = topics.flatMap((topic) => topic.partitions.map(({ partition }) => partition))
    return new Promise((resolve, reject) => {
      const answer = (...grown: number[]): void => {
        resolve({ responses: [{ topicName: 't', partitions: partitions.map((partition) => responseOf(partition, grown.includes(partition))) }] })
      }
      asked.push({ leader, partitions, answer, fail: reject })
    })
  },
})

const responseOf = (partition: number, hasGrown: boolean): PartitionResponse => ({
  partition,
  lastStableOffset: hasGrown ? '1' : '0',
  abortedTransactions: null,
  messages: hasGrown ? [{ offset: '0', timestamp: '0', key: null, value: Buffer.of(1), isControlRecord: false }] : [],
})

const of = (leader: number): Asked[] => asked.filter((request) => request.leader === leader)
const wait = (partition: number, signal = new AbortController().signal): Promise<void> => tail.wait('t', partition, 0, signal)

describe('whoever waits for a partition to grow', () => {
  it('is woken by its leader, though another one does not answer', async () => {
    const waiting = wait(0)
    void wait(1)
    await turn()
    expect(asked.map(({ leader, partitions }) => [leader, partitions])).toEqual([[1, [0]], [2, [1]]])
    of(1)[0]!.answer()
    await turn()
    of(1)[1]!.answer(0)
    await waiting
    expect(of(2)).toHaveLength(1)
  })

  it('goes on waiting where another one of the same leader is woken', async () => {
    leaders = [1, 1]
    let isWoken = false
    const [waiting, other] = [wait(0), wait(1).then(() => (isWoken = true))]
    await turn()
    of(1)[0]!.answer()
    await turn()
    of(1)[1]!.answer(0)
    await waiting
    await turn()
    expect(isWoken).toBe(false)
    expect(of(1).map(({ partitions }) => partitions)).toEqual([[0], [0, 1], [1]])
    of(1)[2]!.answer(1)
    await other
  })

  it('is woken where its leader answers with an error, and finds the new leader when it waits again', async () => {
    const waiting = wait(0)
    await turn()
    leaders = [2, 2]
    of(1)[0]!.fail(new Error('not the leader'))
    await waiting
    const again = wait(0)
    await turn()
    of(2)[0]!.answer(0)
    await again
    expect(of(1)).toHaveLength(1)
  })

  it('is woken where there is no leader: reading says so', async () => {
    leaders = [-1, 2]
    await wait(0)
    expect(asked).toEqual([])
  })

  it.each([
    ['aborts', (controller: AbortController) => controller.abort()],
    ['has its log closed', () => tail.close()],
  ])('leaves nothing that asks on when it %s', async (_, leave) => {
    const controller = new AbortController()
    const waiting = [wait(0, controller.signal), wait(1, controller.signal)]
    await turn()
    leave(controller)
    await Promise.all(waiting)
    of(1)[0]!.answer()
    of(2)[0]!.answer()
    await turn()
    expect(asked).toHaveLength(2)
  })
})
