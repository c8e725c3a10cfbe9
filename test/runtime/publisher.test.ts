import { afterEach, describe, expect, it } from 'vitest'
import { armFaults } from '../../src/core/fault.ts'
import { forwardedLog } from '../../src/ports/forwarded-log.ts'
import { FencedError, type Log } from '../../src/ports/log.ts'
import { HandClock } from '../../src/runtime/clock.ts'
import { EnvironmentError } from '../../src/runtime/errors.ts'
import { openPublisher, type Outgoing, type PublishStep, type Publisher } from '../../src/runtime/publisher.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { definition, seen } from '../support/fixture-processors.ts'
import { startOfTime } from '../support/topology.ts'
import { codec, logKinds } from './logs.ts'

const clock = new HandClock(startOfTime)
const publisherOf = (log: Log, id = 'hr'): Promise<Publisher> => openPublisher({ log, codec, clock, id })
const one = (id: string): Outgoing => ({ topic: 'raw', key: id, record: seen(id) })

async function ids(log: Log, partition = 0): Promise<string[]> {
  const found: string[] = []
  for await (const { record } of readPartition(log, codec, 'raw', partition)) {
    if (record?.type === 'Seen') found.push(record.id)
    if (record?.type === 'Definition') found.push(record.ref.id)
  }
  return found
}

afterEach(() => armFaults(null))

describe.each(logKinds)('a publisher on the $name', ({ open }) => {
  it('writes records and checkpoint together, and finds the checkpoint again', async () => {
    await using log = await open(1)
    const first = await publisherOf(log)
    await first.publish([one('a'), one('b')], new Map<string, unknown>([['cursor', { page: 3 }], ['old', 1]]))
    expect(first.get('cursor')).toEqual({ page: 3 })
    const second = await publisherOf(log)
    expect([second.get('cursor'), second.get('old'), second.get('other')]).toEqual([{ page: 3 }, 1, undefined])
    await second.publish([], new Map([['old', null]]))
    expect([second.get('cursor'), second.get('old')]).toEqual([{ page: 3 }, undefined])
    expect(await ids(log)).toEqual(['a', 'b'])
    expect((await log.read('raw', 0, 0, { maxMessages: 9, maxBytes: 9_999 })).map(({ timestamp }) => timestamp)).toEqual([startOfTime])
  })

  it('broadcasts, and splits what is too large', async () => {
    await using log = await open(3)
    const publisher = await publisherOf(log)
    await publisher.publish([{ topic: 'raw', key: null, record: definition('big', 'x'.repeat(700_000)) }])
    for (const partition of [0, 1, 2]) expect(await ids(log, partition)).toEqual(['big'])
  })

  it('publishes in the order of the calls, though none is awaited', async () => {
    await using log = await open(1)
    const publisher = await publisherOf(log)
    await Promise.all(['a', 'b', 'c', 'd'].map((id, i) => publisher.publish([one(id)], new Map([['n', i]]))))
    expect([await ids(log), publisher.get('n')]).toEqual([['a', 'b', 'c', 'd'], 3])
  })

  it('is fenced for good once another has opened the same id, while other ids go on', async () => {
    await using log = await open(1)
    const first = await publisherOf(log)
    const other = await publisherOf(log, 'crm')
    const second = await publisherOf(log)
    await expect(first.publish([one('late')])).rejects.toThrow(FencedError)
    await expect(first.publish([one('later')])).rejects.toThrow(/publisher\/hr: another process took this publisher over/)
    await second.publish([one('a')])
    await other.publish([one('b')])
    expect(await ids(log)).toEqual(['a', 'b'])
  })

  it('says when nothing was written, and can go on then', async () => {
    await using log = await open(1)
    const publisher = await publisherOf(log)
    armFaults((point) => {
      if (point === 'log.before-state') throw new Error('disk full')
    })
    const failed = publisher.publish([one('a')], new Map([['n', 1]]))
    const next = publisher.publish([one('b')], new Map([['n', 2]]))
    await expect(failed).rejects.toThrow(/nothing of it was written: .*disk full/)
    await expect(next).rejects.toThrow(EnvironmentError)
    armFaults(null)
    expect([await ids(log), publisher.get('n')]).toEqual([[], undefined])
    await publisher.publish([one('c')], new Map([['n', 3]]))
    expect([await ids(log), publisher.get('n')]).toEqual([['c'], 3])
  })

  it('finds out that a commit landed whose answer was lost', async () => {
    await using log = await open(1)
    const publisher = await openPublisher({ log: losingAnswers(log, 1), codec, clock, id: 'hr' })
    await publisher.publish([one('a')], new Map([['n', 1]]))
    await publisher.publish([one('b')])
    expect([await ids(log), publisher.get('n')]).toEqual([['a', 'b'], 1])
  })

  it('wants to be opened again when the outcome can’t be known', async () => {
    await using log = await open(1)
    const publisher = await openPublisher({ log: losingAnswers(log, 1, 1), codec, clock, id: 'hr' })
    await expect(publisher.publish([one('a')])).rejects.toThrow(/can't be read: .*down\. Open the publisher again/)
    await expect(publisher.publish([one('b')])).rejects.toThrow(/Open the publisher again/)
    const again = await publisherOf(log)
    await again.publish([one('c')])
    expect(await ids(log)).toEqual(['a', 'c'])
  })

  it('publishes many steps in bounded transactions, each step with its checkpoint', async () => {
    await using log = await open(1)
    const publisher = await publisherOf(log)
    let commits = 0
    armFaults((point) => {
      if (point === 'log.after-state') commits++
      if (point === 'log.before-append' && commits === 3) throw new Error('down')
    })
    async function* steps(): AsyncGenerator<PublishStep> {
      for (let page = 0; page < 10; page++) {
        const large: Outgoing = { topic: 'raw', key: 'k', record: definition(`${page}b`, 'x'.repeat(1_000)) }
        yield await Promise.resolve({ outgoing: [one(`${page}a`), large], checkpoint: new Map([['page', page]]) })
      }
    }
    await expect(publisher.publishAll(steps(), 2_000)).rejects.toThrow(/down/)
    armFaults(null)
    // two steps reach 2,000 bytes; three transactions were written
    expect(publisher.get('page')).toBe(5)
    expect(await ids(log)).toEqual([0, 1, 2, 3, 4, 5].flatMap((page) => [`${page}a`, `${page}b`]))
    await publisher.publishAll(steps(), 1e9)
    expect([publisher.get('page'), (await ids(log)).length]).toEqual([9, 32])
  })
})

/** The first `lost` commits happen but their answers don't arrive; then the first `closed` attempts to open again fail. */
function losingAnswers(log: Log, lost: number, closed = 0): Log {
  let opens = 0
  return {
    ...forwardedLog(log),
    async openTask(id) {
      if (opens++ > 0 && closed-- > 0) throw new Error('down')
      const store = await log.openTask(id)
      return {
        id,
        state: store.state,
        close: () => store.close(),
        async commit(change) {
          const result = await store.commit(change)
          if (lost-- > 0) throw new Error('connection reset')
          return result
        },
      }
    },
  }
}
