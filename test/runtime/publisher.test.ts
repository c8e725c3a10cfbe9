import { afterEach, describe, expect, it } from 'vitest'
import { armFaults } from '../../src/core/fault.ts'
import { forwardedLog } from '../../src/ports/forwarded-log.ts'
import { FencedError, type Log } from '../../src/ports/log.ts'
import { HandClock } from '../../src/runtime/clock.ts'
import { EnvironmentError, InDoubtError } from '../../src/runtime/errors.ts'
import { openPublisher, type Outgoing, type PublishStep, type Publisher } from '../../src/runtime/publisher.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { encodeValue } from '../../src/runtime/values.ts'
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

const land = (write: () => Promise<unknown>): Promise<unknown> => write()
const fail = (): Promise<never> => Promise.reject(new Error('down'))

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
    const faults: Faults = {}
    const publisher = await publisherOf(faulty(log, faults))
    faults.commit = land
    await publisher.publish([one('a')], new Map([['n', 1]]))
    await publisher.publish([one('b')])
    expect([await ids(log), publisher.get('n')]).toEqual([['a', 'b'], 1])
  })

  it.each([
    ['landed', land, ['a', 'd'], 1],
    ['did not land', fail, ['d'], undefined],
  ] as const)('goes on when it can be known again that a commit %s: only who made it is told that it was not known', async (_, commit, written, n) => {
    await using log = await open(1)
    const faults: Faults = {}
    const publisher = await publisherOf(faulty(log, faults))
    Object.assign(faults, { commit, open: fail })
    await expect(publisher.publish([one('a')], new Map([['n', 1]]))).rejects.toThrow(InDoubtError)
    expect(() => publisher.get('n')).toThrow(InDoubtError)
    const next = await publisher.publish([one('b')]).catch((error: unknown) => error)
    expect(next).toMatchObject({ name: 'EnvironmentError', message: expect.stringMatching(/hr: nothing was written, as .* earlier commit can't be read yet: .*down/) as string })
    await expect(publisher.settled()).rejects.toThrow(EnvironmentError)
    delete faults.open
    await publisher.settled()
    expect(publisher.get('n')).toBe(n)
    await publisher.publish([one('d')])
    expect(await ids(log)).toEqual(written)
  })

  it('goes on by itself with the first call after an outage', async () => {
    await using log = await open(1)
    const faults: Faults = {}
    const publisher = await publisherOf(faulty(log, faults))
    Object.assign(faults, { commit: fail, look: fail })
    await expect(publisher.publish([one('a')])).rejects.toThrow(/whether it was written can't be read yet: down/)
    delete faults.look
    await publisher.publish([one('b')])
    expect(await ids(log)).toEqual(['b'])
  })

  describe.each([
    ['landed', land, ['late']],
    ['did not land', fail, []],
  ] as const)('whose last commit failed but %s', (_, commit, before) => {
    it.each([0, 1, 2])('leaves its place to whoever took it over meanwhile and has made %d commits', async (made) => {
      await using log = await open(1)
      const faults: Faults = {}
      const first = await publisherOf(faulty(log, faults))
      await first.publish([one('a')])
      let second: Publisher | null = null
      faults.commit = async (write) => {
        await Promise.allSettled([commit(write)])
        second = await publisherOf(log)
        for (let i = 0; i < made; i++) await second.publish([one(`second ${i}`)])
        throw new Error('connection reset')
      }
      await expect(first.publish([one('late')])).rejects.toThrow(/took this publisher over.*Whether the last commit was written/)
      await expect(first.publish([one('later')])).rejects.toThrow(FencedError)
      await second!.publish([one('z')])
      expect(await ids(log)).toEqual(['a', ...before, ...['second 0', 'second 1'].slice(0, made), 'z'])
    })

    it('writes nothing over a commit of whoever took it over after the look for them', async () => {
      await using log = await open(1)
      const faults: Faults = {}
      const first = await publisherOf(faulty(log, faults))
      await first.publish([one('a')])
      faults.commit = commit
      faults.open = async () => (await publisherOf(log)).publish([one('of another')])
      await expect(first.publish([one('late')])).rejects.toThrow(FencedError)
      delete faults.open
      await expect(first.publish([one('later')])).rejects.toThrow(FencedError)
      expect(await ids(log)).toEqual(['a', ...before, 'of another'])
    })

    it('may take its place back from whoever came after the look and has written nothing yet: one of the two goes on, the other says why it does not', async () => {
      await using log = await open(1)
      const faults: Faults = {}
      const first = await publisherOf(faulty(log, faults))
      await first.publish([one('a')])
      let second: Publisher | null = null
      faults.commit = commit
      faults.open = async () => {
        second = await publisherOf(log)
      }
      await Promise.allSettled([first.publish([one('late')])])
      await expect(second!.publish([one('of another')], new Map([['n', 1]]))).rejects.toThrow(/took this publisher over; nothing more is published here/)
      await first.publish([one('later')])
      expect([await ids(log), first.get('n')]).toEqual([['a', ...before, 'later'], undefined])
    })
  })

  it('goes on from a state that knows commits by a number alone', async () => {
    await using log = await open(1)
    const old = await log.openTask('publisher/hr')
    await old.commit({ appends: [], state: new Map([['@runtime/commits', encodeValue(41)]]) })
    const faults: Faults = {}
    const publisher = await publisherOf(faulty(log, faults))
    faults.commit = fail
    await expect(publisher.publish([one('a')])).rejects.toThrow(/nothing of it was written/)
    faults.commit = land
    await publisher.publish([one('b')])
    expect(await ids(log)).toEqual(['b'])
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

/** What happens before the log does something of a publisher's; `commit` once, in place of the answer. */
interface Faults {
  commit?: (write: () => Promise<unknown>) => Promise<unknown>
  look?: () => Promise<unknown>
  open?: () => Promise<unknown>
}

function faulty(log: Log, faults: Faults): Log {
  return {
    ...forwardedLog(log),
    async openTask(id) {
      await faults.open?.()
      const store = await log.openTask(id)
      return {
        id,
        state: store.state,
        close: () => store.close(),
        async isTakenOver() {
          await faults.look?.()
          return await store.isTakenOver()
        },
        async commit(change) {
          const { commit } = faults
          if (commit === undefined) return await store.commit(change)
          delete faults.commit
          await commit(() => store.commit(change))
          throw new Error('connection reset')
        },
      }
    },
  }
}
