import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/core/order.ts'
import type { Log, TaskStore } from '../../src/ports/log.ts'
import { bytes, rows, setRows, text } from './log-texts.ts'

/** What a task's state promises, as a part of the log's contract: of the log that is open and the task `normalise/0` there. */
export function stateContract(held: { log(): Log; task(): TaskStore }): void {
  describe('state', () => {
    let log: Log
    let task: TaskStore
    const set = (entries: Record<string, string | null>): Promise<unknown> => setRows(task, entries)

    beforeEach(() => {
      log = held.log()
      task = held.task()
    })

    it('is read as the last commit left it: puts, overwrites, deletes', async () => {
      await set({ 't/a': '1', 't/b': '1' })
      await set({ 't/a': '2', 't/b': null, 't/never': null })
      expect(text(task.state.get('t/a'))).toBe('2')
      expect(task.state.get('t/b')).toBeUndefined()
      expect(rows(task)).toEqual([['t/a', '2']])
    })

    it('of one task is not another’s, even where one id begins the other', async () => {
      const other = await log.openTask('normalise/01')
      await set({ 't/a': 'zero' })
      await other.commit({ appends: [], state: new Map([['t/b', bytes('other')], ['', bytes('empty')]]) })
      expect(rows(task)).toEqual([['t/a', 'zero']])
      expect(rows(other)).toEqual([['', 'empty'], ['t/b', 'other']])
      expect(task.state.get('t/b')).toBeUndefined()
    })

    it('takes the empty key, and empty values', async () => {
      await set({ '': '', 'a': '' })
      expect(rows(task)).toEqual([['', ''], ['a', '']])
      expect(task.state.get('')).toHaveLength(0)
    })

    it('takes large values', async () => {
      const large = new Uint8Array(10_000_000).map((_, i) => i % 253)
      await task.commit({ appends: [], state: new Map([['t/large', large], ['t/small', bytes('s')]]) })
      expect(Buffer.compare(task.state.get('t/large')!, large)).toBe(0)
      expect(text(task.state.get('t/small'))).toBe('s')
    })

    it('iterates in code point order, also beyond U+FFFF', async () => {
      await set({ 'k/\u{1f600}': '5', 'k/\uffff': '4', 'k/\ue000': '3', 'k/é': '2', 'k/z': '1', 'k/': '0' })
      expect(rows(task).map(([, value]) => value)).toEqual(['0', '1', '2', '3', '4', '5'])
    })

    it('range: only keys with the prefix, only those strictly after `after`', async () => {
      await set({ 'a': '1', 'a/': '2', 'a/1': '3', 'a/10': '4', 'a/2': '5', 'a0': '6', 'b': '7', 'a/\u{10ffff}': '8' })
      expect(rows(task, 'a/').map(([key]) => key)).toEqual(['a/', 'a/1', 'a/10', 'a/2', 'a/\u{10ffff}'])
      expect(rows(task, 'a/', 'a/1').map(([key]) => key)).toEqual(['a/10', 'a/2', 'a/\u{10ffff}'])
      expect(rows(task, 'a/', 'a/15').map(([key]) => key)).toEqual(['a/2', 'a/\u{10ffff}'])
      expect(rows(task, 'a/', 'A').map(([key]) => key)).toEqual(['a/', 'a/1', 'a/10', 'a/2', 'a/\u{10ffff}'])
      expect(rows(task, 'a/', 'b')).toEqual([])
      expect(rows(task, 'c')).toEqual([])
      expect(rows(task, '', 'a0').map(([key]) => key)).toEqual(['b'])
    })

    it('range may be left early, nested, and run beside commits', async () => {
      await set(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`t/${String(i).padStart(4, '0')}`, `${i}`])))
      for (const [key] of task.state.range('t/')) {
        expect(rows(task, key)).toHaveLength(1)
        break
      }
      const seen: string[] = []
      for (const [key] of task.state.range('t/')) {
        seen.push(key)
        if (seen.length % 100 === 0) await set({ [`u/${seen.length}`]: 'x' })
      }
      expect(seen).toHaveLength(300)
    })

    it('takes keys of thousands of bytes, kept apart and in order', async () => {
      const long = 'é'.repeat(1_500)
      const keys = [`${long}a`, `${long}b`, long, `${long}\uffff`, `${long}\u{1f600}`, `${long}${long}`, 'é'.repeat(950), `${'é'.repeat(950)}a`, 'z', 'êa']
      await set(Object.fromEntries(keys.map((key, i) => [key, `${i}`])))
      const sorted = [...keys].sort(compareKeys)
      expect(rows(task).map(([key]) => key)).toEqual(sorted)
      for (const [i, key] of keys.entries()) expect(text(task.state.get(key))).toBe(`${i}`)
      expect(rows(task, long).map(([key]) => key)).toEqual(sorted.filter((key) => key.startsWith(long)))
      expect(rows(task, '', `${long}b`).map(([key]) => key)).toEqual(sorted.slice(sorted.indexOf(`${long}b`) + 1))
      await set({ [`${long}a`]: null })
      expect(task.state.get(`${long}a`)).toBeUndefined()
      expect(rows(task)).toHaveLength(keys.length - 1)
    })

    it('agrees with a sorted map, whatever is put, deleted and asked', async () => {
      const part = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é', '\uffff', '\u{1f600}', 'x'.repeat(700)), maxLength: 5 })
      const changes = fc.array(fc.dictionary(part, fc.option(fc.string({ maxLength: 3 })), { maxKeys: 8, noNullPrototype: true }), { maxLength: 4 })
      let run = 0
      await fc.assert(
        fc.asyncProperty(changes, part, fc.option(part, { nil: undefined }), async (commits, prefix, after) => {
          const mine = await log.openTask(`model/${run++}`)
          const model = new Map<string, string>()
          for (const change of commits) {
            const state = new Map(Object.entries(change).map(([key, value]) => [key, value === null ? null : bytes(value)] as const))
            await mine.commit({ appends: [], state })
            for (const [key, value] of Object.entries(change)) {
              if (value === null) model.delete(key)
              else model.set(key, value)
            }
          }
          const expected = [...model].filter(([key]) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0))
          expect(rows(mine, prefix, after)).toEqual(expected.sort(([a], [b]) => compareKeys(a, b)))
        }),
        { numRuns: 60 },
      )
    })
  })
}
