import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import { armFaults } from '../../src/core/fault.ts'
import { FencedError, type Append, type Log, type Message, type TaskStore } from '../../src/ports/log.ts'
import { stateContract } from './log-state.ts'
import { append, bytes, rows, setRows, text, values } from './log-texts.ts'

/** What the log port promises. Each case is one promise; every adapter runs them all. */
export interface LogFixture {
  /** Opens the same log again each time; the one before it is closed. */
  open(): Promise<Log>
  dispose(): Promise<void>
}

const ALL = { maxMessages: 100_000, maxBytes: 1_000_000_000 }
const PARTITIONS = 3
export const contractPartitions = Object.fromEntries(topicNames.map((topic) => [topic, PARTITIONS])) as Record<Topic, number>
const NOTHING = new Map<string, Uint8Array | null>()

export function logContract(adapter: string, create: () => Promise<LogFixture>): void {
  describe(`log: ${adapter}`, () => {
    let fixture: LogFixture
    let log: Log
    let task: TaskStore

    beforeEach(async () => {
      fixture = await create()
      log = await fixture.open()
      task = await log.openTask('normalise/0')
    })
    afterEach(async () => {
      armFaults(null)
      await log.close()
      await fixture.dispose()
    })

    const put = (...appends: Append[]): Promise<{ offsets: number[] }> => task.commit({ appends, state: NOTHING })
    const set = (entries: Record<string, string | null>): Promise<unknown> => setRows(task, entries)
    /** Everything: one read may answer a part of it. */
    const readOn = async (topic: Topic, partition: number, offset = 0): Promise<Message[]> => {
      const messages = await log.read(topic, partition, offset, ALL)
      const last = messages.at(-1)
      return last === undefined ? [] : [...messages, ...(await readOn(topic, partition, last.offset + 1))]
    }
    const reopen = async (): Promise<void> => {
      await log.close()
      log = await fixture.open()
      task = await log.openTask('normalise/0')
    }

    it('has an id, which stays', async () => {
      const { id } = log
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      await reopen()
      expect(log.id).toBe(id)
    })

    describe('messages', () => {
      it('are read in the order in which they were appended', async () => {
        await put(append('a'), append('b'))
        await put(append('c'))
        expect(values(await readOn('raw', 0))).toEqual(['a', 'b', 'c'])
      })

      it('come back with offset, key, timestamp and value as they went in', async () => {
        const value = Uint8Array.from({ length: 256 }, (_, i) => i)
        const timestamp = 1_790_000_000_123
        const { offsets } = await put(append('', { value, key: 'billing/ünï\u{1f600}', timestamp }))
        const [message] = await readOn('raw', 0)
        expect(message).toMatchObject({ offset: offsets[0], key: 'billing/ünï\u{1f600}', timestamp })
        expect([...message!.value]).toEqual([...value])
      })

      it('may have no key (broadcast), an empty key, an empty value', async () => {
        await put(append('all', { key: null }), append('', { key: '' }), append('x', { key: 'x' }))
        const read = await readOn('raw', 0)
        expect(read.map((message) => message.key)).toEqual([null, '', 'x'])
        expect(values(read)).toEqual(['all', '', 'x'])
      })

      it('may be large: 10 MB beside a small one', async () => {
        const large = new Uint8Array(10_000_000).map((_, i) => i % 251)
        await put(append('before'), append('', { value: large }), append('after'))
        const read = await readOn('raw', 0)
        expect(read.map((message) => message.value.length)).toEqual([6, large.length, 5])
        expect(Buffer.compare(read[1]!.value, large)).toBe(0)
      })

      it('are apart by topic and partition', async () => {
        const places = topicNames.flatMap((topic) => Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })))
        await put(...places.map((place) => append(`${place.topic} ${place.partition}`, place)))
        for (const { topic, partition } of places) expect(values(await readOn(topic, partition))).toEqual([`${topic} ${partition}`])
      })

      it('belong to the log once appended: changing the caller’s bytes, or those that were read, changes nothing', async () => {
        const value = bytes('kept')
        await put(append('', { value }))
        value.fill(0)
        const [first] = await readOn('raw', 0)
        first!.value.fill(0)
        expect(values(await readOn('raw', 0))).toEqual(['kept'])
      })
    })

    describe('offsets', () => {
      it('grow within a partition, from commit to commit and after a restart', async () => {
        const seen: number[] = []
        for (let i = 0; i < 5; i++) seen.push(...(await put(append('x'), append('y'))).offsets)
        await reopen()
        seen.push(...(await put(append('z'))).offsets)
        expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
        expect((await readOn('raw', 0)).map((message) => message.offset)).toEqual(seen)
      })

      it('are answered in the order of the appends, each of its own partition', async () => {
        const appends = [append('a'), append('b', { partition: 2 }), append('c'), append('d', { topic: 'facts' }), append('e', { partition: 2 })]
        const { offsets } = await put(...appends)
        for (const [i, { topic, partition, value }] of appends.entries()) {
          const [message] = await log.read(topic, partition, offsets[i]!, { maxMessages: 1, maxBytes: 1 })
          expect([message!.offset, text(message!.value)]).toEqual([offsets[i], text(value)])
        }
      })

      it('`end` is where the next append lands or before it, and beyond everything there is', async () => {
        expect(await log.read('raw', 1, await log.end('raw', 1), ALL)).toEqual([])
        for (const value of ['a', 'b']) {
          const end = await log.end('raw', 1)
          const { offsets } = await put(append(value, { partition: 1 }))
          expect(offsets[0]).toBeGreaterThanOrEqual(end)
          expect(values(await log.read('raw', 1, end, ALL))).toEqual([value])
          expect(await log.end('raw', 1)).toBeGreaterThan(offsets[0]!)
        }
        await reopen()
        expect(await log.read('raw', 1, await log.end('raw', 1), ALL)).toEqual([])
      })

      it('are not used again after a commit that failed', async () => {
        armFaults((point) => {
          if (point === 'log.after-state') throw new Error('stop')
        })
        await expect(put(append('lost'))).rejects.toThrow('stop')
        armFaults(null)
        task = await log.openTask('normalise/0')
        const { offsets } = await put(append('kept'))
        expect((await readOn('raw', 0)).map((message) => [message.offset, text(message.value)])).toEqual([[offsets[0], 'kept']])
      })
    })

    describe('read', () => {
      it('answers nothing at the end, and nothing for a partition that is empty', async () => {
        await put(append('a'))
        expect(await log.read('raw', 0, await log.end('raw', 0), ALL)).toEqual([])
        expect(await log.read('raw', 1, 0, ALL)).toEqual([])
        expect(await log.read('raw', 1, 1_000_000, ALL)).toEqual([])
      })

      it('answers at most maxMessages, and about maxBytes', async () => {
        await put(...Array.from({ length: 10 }, (_, i) => append(`${i}`.repeat(1_000))))
        expect((await log.read('raw', 0, 0, { maxMessages: 3, maxBytes: ALL.maxBytes })).length).toBeLessThanOrEqual(3)
        expect((await log.read('raw', 0, 0, { maxMessages: 100, maxBytes: 3_500 })).length).toBeLessThanOrEqual(4)
      })

      it('answers at least one message where there is one, however small the limits', async () => {
        await put(append('x'.repeat(5_000)), append('y'))
        expect((await log.read('raw', 0, 0, { maxMessages: 1, maxBytes: 1 })).length).toBe(1)
      })

      it('from the last offset + 1 again and again, goes through everything once', async () => {
        const all = Array.from({ length: 57 }, (_, i) => `${i}`)
        for (const value of all) await put(append(value))
        const seen: (string | undefined)[] = []
        for (let offset = 0; ; ) {
          const some = await log.read('raw', 0, offset, { maxMessages: 5, maxBytes: 10_000 })
          if (some.length === 0) break
          seen.push(...values(some))
          offset = some.at(-1)!.offset + 1
        }
        expect(seen).toEqual(all)
      })

      it('refuses a partition that does not exist', async () => {
        await expect(log.read('raw', PARTITIONS, 0, ALL)).rejects.toThrow(/raw.*partition 3/)
        await expect(log.end('raw', -1)).rejects.toThrow(/partition -1/)
      })
    })

    describe('waitFor', () => {
      const never = new AbortController().signal

      it('resolves at once where there is a message at or after the offset', async () => {
        await put(append('a'))
        await log.waitFor('raw', 0, 0, never)
      })

      it('resolves when one is committed, and not for other partitions', async () => {
        const end = await log.end('raw', 0)
        let woken = false
        const waiting = log.waitFor('raw', 0, end, never).then(() => (woken = true))
        await put(append('other', { partition: 1 }))
        await put(append('other', { topic: 'facts' }))
        expect(woken).toBe(false)
        await put(append('this'))
        await waiting
        expect(values(await readOn('raw', 0, end))).toEqual(['this'])
      })

      it('wakes everyone who waits', async () => {
        const waiting = [0, 0, 0].map((offset) => log.waitFor('raw', 2, offset, never))
        await put(append('x', { partition: 2 }))
        await Promise.all(waiting)
      })

      it('resolves when its signal aborts, before or while waiting', async () => {
        await log.waitFor('raw', 0, 0, AbortSignal.abort())
        const controller = new AbortController()
        const waiting = log.waitFor('raw', 0, 0, controller.signal)
        controller.abort()
        await waiting
      })

      it('resolves when the log closes', async () => {
        const waiting = log.waitFor('raw', 0, 0, never)
        await log.close()
        await waiting
      })
    })

    describe('a commit', () => {
      it('is whole: appends and state together', async () => {
        await task.commit({ appends: [append('a')], state: new Map([['t/x', bytes('1')]]) })
        expect([values(await readOn('raw', 0)), rows(task)]).toEqual([['a'], [['t/x', '1']]])
      })

      it.each(['log.before-append', 'log.after-append', 'log.before-state', 'log.after-state'] as const)(
        'that fails at %s leaves nothing, now and after a restart',
        async (at) => {
          await task.commit({ appends: [append('old')], state: new Map([['t/old', bytes('1')], ['t/kept', bytes('1')]]) })
          const end = await log.end('raw', 0)
          let fired = 0
          armFaults((point) => {
            if (point !== at) return
            fired++
            throw new Error(`stopped at ${at}`)
          })
          const change = { appends: [append('new'), append('new', { partition: 1 })], state: new Map([['t/new', bytes('2')], ['t/old', null], ['t/kept', bytes('2')]]) }
          await expect(task.commit(change)).rejects.toThrow(`stopped at ${at}`)
          armFaults(null)
          expect(fired).toBe(1)
          const unchanged = async (): Promise<void> => {
            expect(values(await readOn('raw', 0))).toEqual(['old'])
            expect(await log.read('raw', 1, 0, ALL)).toEqual([])
            expect(rows(task)).toEqual([['t/kept', '1'], ['t/old', '1']])
          }
          await unchanged()
          expect(await readOn('raw', 0, end)).toEqual([])
          await reopen()
          await unchanged()
          const { offsets } = await put(append('next'))
          expect(offsets[0]).toBeGreaterThanOrEqual(end)
          expect(values(await readOn('raw', 0, end))).toEqual(['next'])
        },
      )

      it('that fails spends the hold: nothing more until the task is opened again', async () => {
        await expect(put(append('bad', { partition: PARTITIONS }))).rejects.toThrow(/partition 3/)
        await expect(put(append('next'))).rejects.toThrow(/[Oo]pen the task again/)
        expect(await readOn('raw', 0)).toEqual([])
        task = await log.openTask('normalise/0')
        await put(append('again'))
        expect(values(await readOn('raw', 0))).toEqual(['again'])
      })

      it('that fails takes none of those asked for at the same time with it', async () => {
        const tasks = await Promise.all([0, 1, 2, 3, 4].map((i) => log.openTask(`t/${i}`)))
        const results = await Promise.allSettled(
          tasks.map((one, i) => one.commit({ appends: [append(`${i}`, { partition: i === 2 ? PARTITIONS : 0 })], state: new Map([['a/x', bytes(`${i}`)]]) })),
        )
        expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
        const read = await readOn('raw', 0)
        expect(values(read).sort()).toEqual(['0', '1', '3', '4'])
        const offsets = results.flatMap((result) => (result.status === 'fulfilled' ? result.value.offsets : []))
        expect(read.map((message) => message.offset)).toEqual(offsets.sort((a, b) => a - b))
        expect(tasks.map((one) => text(one.state.get('a/x')))).toEqual(['0', '1', undefined, '3', '4'])
      })

      it('of nothing is allowed', async () => {
        expect(await put()).toEqual({ offsets: [] })
      })

      it('survives a restart once acknowledged', async () => {
        await task.commit({ appends: [append('a'), append('b', { topic: 'facts', partition: 2, key: null })], state: new Map([['t/x', bytes('1')]]) })
        await reopen()
        expect(values(await readOn('raw', 0))).toEqual(['a'])
        expect(values(await readOn('facts', 2))).toEqual(['b'])
        expect(rows(task)).toEqual([['t/x', '1']])
      })
    })

    describe('fencing', () => {
      it('opening a task ends the hold before it: its commit throws FencedError and leaves nothing', async () => {
        const older = task
        const newer = await log.openTask('normalise/0')
        await expect(older.commit({ appends: [append('late')], state: new Map([['t/x', bytes('late')]]) })).rejects.toThrow(FencedError)
        await newer.commit({ appends: [append('mine')], state: new Map([['t/x', bytes('mine')]]) })
        expect(values(await readOn('raw', 0))).toEqual(['mine'])
        expect(rows(newer)).toEqual([['t/x', 'mine']])
        await expect(older.commit({ appends: [], state: NOTHING })).rejects.toThrow(FencedError)
      })

      it('a hold tells whether the task was opened again, also one that is spent; asking takes nothing over', async () => {
        armFaults(() => {
          throw new Error('stop')
        })
        await expect(put(append('lost'))).rejects.toThrow('stop')
        armFaults(null)
        expect(await task.isTakenOver()).toBe(false)
        const newer = await log.openTask('normalise/0')
        expect([await task.isTakenOver(), await newer.isTakenOver()]).toEqual([true, false])
        await newer.commit({ appends: [append('mine')], state: NOTHING })
        expect(values(await readOn('raw', 0))).toEqual(['mine'])
      })

      it('the new owner finds what the last commit left', async () => {
        await set({ 't/x': '1' })
        expect(rows(await log.openTask('normalise/0'))).toEqual([['t/x', '1']])
      })

      it('a hold that was closed commits nothing any more; the task is there for whoever opens it', async () => {
        await set({ 't/x': 'kept' })
        await task.close()
        await expect(set({ 't/x': 'late' })).rejects.toThrow()
        task = await log.openTask('normalise/0')
        expect(rows(task)).toEqual([['t/x', 'kept']])
        await set({ 't/x': 'new' })
        expect(rows(task)).toEqual([['t/x', 'new']])
      })

      it('does not touch other tasks', async () => {
        const other = await log.openTask('normalise/1')
        await log.openTask('normalise/0')
        await other.commit({ appends: [append('fine')], state: NOTHING })
        expect(values(await readOn('raw', 0))).toEqual(['fine'])
      })
    })

    stateContract({ log: () => log, task: () => task })

    it('refuses everything after it is closed', async () => {
      await log.close()
      await expect(readOn('raw', 0)).rejects.toThrow(/closed/)
      await expect(log.openTask('t')).rejects.toThrow(/closed/)
      await expect(put(append('late'))).rejects.toThrow(/closed/)
      await log.close()
    })
  })
}
