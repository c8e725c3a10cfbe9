import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Broker, Cluster, ProtocolRequest } from '../../../src/adapters/log-kafka/internals.ts'
import { otherTopics } from '../../../src/adapters/log-kafka/other-topics.ts'

/** What a broker that offers Metadata up to `newest` answers: which ids it gave these topics, null: none. */
async function ask(newest: number, topics: Readonly<Record<string, Buffer | null>>): Promise<{ ids: ReadonlyMap<string, string>; asked: number; lines: string[] }> {
  const lines: string[] = []
  let asked = 0
  const broker: Pick<Broker, 'versions' | 'connectionPool'> = {
    versions: { 3: { minVersion: 0, maxVersion: newest } },
    connectionPool: {
      async send<T>({ request, response }: ProtocolRequest<T>) {
        asked++
        if (request.apiVersion > newest) throw new Error(`version ${request.apiVersion} is not offered`)
        return response.parse(await response.decode(answer(topics)))
      },
    },
  }
  const cluster: Pick<Cluster, 'findTopicPartitionMetadata' | 'findBroker'> = {
    findTopicPartitionMetadata: () => [{ partitionId: 0, leader: 1, partitionErrorCode: 0 }],
    findBroker: () => Promise.resolve(broker as Broker),
  }
  const ids = await otherTopics(cluster as Cluster, 'schemas', Object.keys(topics), (_level, message) => lines.push(message)).ids()
  return { ids, asked, lines }
}

/** Of Metadata from version 11 on, without brokers and partitions. */
function answer(topics: Readonly<Record<string, Buffer | null>>): Buffer {
  const [noTags, noElements, no] = [Buffer.from([0]), Buffer.from([1]), Buffer.from([0])]
  const int32 = Buffer.alloc(4)
  const each = Object.entries(topics).flatMap(([name, id]) => [Buffer.alloc(2), Buffer.from([name.length + 1]), Buffer.from(name), id ?? Buffer.alloc(16), no, noElements, int32, noTags])
  return Buffer.concat([noTags, int32, noElements, Buffer.from([0]), int32, Buffer.from([Object.keys(topics).length + 1]), ...each, noTags])
}

describe('the ids of topics', () => {
  it('are what the brokers say they gave them', async () => {
    const [raw, facts] = [randomBytes(16), randomBytes(16)]
    expect(await ask(13, { raw, facts })).toEqual({ ids: new Map([['raw', raw.toString('base64url')], ['facts', facts.toString('base64url')]]), asked: 1, lines: [] })
  })

  it('are none where the brokers can not be asked for them, which is told once', async () => {
    expect(await ask(10, { raw: null })).toEqual({ ids: new Map(), asked: 0, lines: [expect.stringMatching(/^the brokers gave 0 of 1 topics an id: /)] })
  })

  it('are none of a topic that was made before its brokers gave any: one that comes later is not another', async () => {
    const facts = randomBytes(16)
    const { ids, lines } = await ask(12, { raw: null, facts })
    expect(ids).toEqual(new Map([['facts', facts.toString('base64url')]]))
    expect(lines).toEqual([expect.stringMatching(/^the brokers gave 1 of 2 topics an id: /)])
  })
})
