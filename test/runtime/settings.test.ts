import { describe, expect, it } from 'vitest'
import type { Setting } from '../../schemas/wire/common.ts'
import { digest } from '../../src/core/canonical.ts'
import type { Log } from '../../src/ports/log.ts'
import { HandClock } from '../../src/runtime/clock.ts'
import { openPublisher, type Publisher } from '../../src/runtime/publisher.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { publishSettings, type SettingTopic } from '../../src/runtime/settings.ts'
import { codec, logKinds } from './logs.ts'

const publisherOf = (log: Log): Promise<Publisher> => openPublisher({ log, codec, clock: new HandClock(0), id: 'settings' })

async function published(log: Log, topic: SettingTopic, partition: number): Promise<Setting[]> {
  const found: Setting[] = []
  for await (const { record } of readPartition(log, codec, topic, partition)) if (record?.type === 'Setting') found.push(record)
  return found
}

describe.each(logKinds)('settings on the $name', ({ open }) => {
  it('go to every partition of each topic, with revision 1 and canonical text', async () => {
    await using log = await open(2)
    await publishSettings(await publisherOf(log), [{ name: 'policy', value: { b: 1, a: [2] }, topics: ['raw', 'facts'] }])
    for (const topic of ['raw', 'facts'] as const) {
      for (const partition of [0, 1]) {
        expect(await published(log, topic, partition)).toEqual([
          { type: 'Setting', name: 'policy', revision: 1, digest: digest('{"a":[2],"b":1}'), value: '{"a":[2],"b":1}' },
        ])
      }
    }
    expect(await log.end('intent', 0)).toBe(0)
  })

  it('grow in revision only when the value differs, across restarts', async () => {
    await using log = await open(1)
    for (const value of [{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 2 }, { a: 1, b: 2 }]) {
      await publishSettings(await publisherOf(log), [{ name: 'app/crm', value, topics: ['raw'] }, { name: 'still', value: 1, topics: ['raw'] }])
    }
    expect((await published(log, 'raw', 0)).map(({ name, revision }) => [name, revision])).toEqual([
      ['app/crm', 1], ['still', 1], ['app/crm', 2], ['app/crm', 3],
    ])
  })

  it('reach a topic that is new to them with the revision that the others have', async () => {
    await using log = await open(1)
    const publisher = await publisherOf(log)
    await publishSettings(publisher, [{ name: 's', value: 1, topics: ['raw'] }])
    await publishSettings(publisher, [{ name: 's', value: 1, topics: ['raw', 'intent'] }])
    await publishSettings(publisher, [{ name: 's', value: 1, topics: ['raw', 'intent'] }])
    expect((await published(log, 'intent', 0)).map(({ revision }) => revision)).toEqual([1])
    expect(await published(log, 'raw', 0)).toHaveLength(1)
  })

  it('write nothing at all where nothing changed or one is given twice', async () => {
    await using log = await open(1)
    const publisher = await publisherOf(log)
    const twice = [{ name: 's', value: 1, topics: ['raw'] as const }, { name: 's', value: 2, topics: ['raw'] as const }]
    await expect(publishSettings(publisher, twice)).rejects.toThrow(/setting s is given twice/)
    await publishSettings(publisher, [])
    expect(await log.end('raw', 0)).toBe(0)
  })
})
