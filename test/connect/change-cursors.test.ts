import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChangeCursors } from '../../src/connect/change-cursors.ts'

describe('cursors of changes', () => {
  it('begin from now on, and without a lag go on from the last', () => {
    const first = new ChangeCursors(undefined, 0)
    expect(first.from).toBeNull()
    const second = new ChangeCursors(first.after('a', 1_000), 0)
    expect(second.from).toBe('a')
    expect(new ChangeCursors(second.after('b', 2_000), 0).from).toBe('b')
  })

  it('what is unchanged writes nothing', () => {
    const kept = new ChangeCursors(undefined, 5_000).after('a', 0)
    expect(new ChangeCursors(kept, 5_000).after('a', 10_000)).toBeNull()
  })

  it('of another version, or damaged, are not believed', () => {
    for (const kept of [{ version: 2, cursors: [{ cursor: 'x', at: 0 }] }, 'x', { version: 1 }]) expect(new ChangeCursors(kept, 0).from).toBeNull()
  })

  it('miss no change that becomes visible within the lag, however polls and changes fall', () => {
    const change = fc.record({ at: fc.integer({ min: 1, max: 10_000 }), late: fc.integer({ min: 0, max: 1_000 }) })
    const pauses = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 30, maxLength: 60 })
    fc.assert(fc.property(fc.array(change, { maxLength: 30 }), pauses, (changes, waits) => {
      const told = new Set<number>()
      let kept: unknown = new ChangeCursors(undefined, 1_000).after('0', 0)
      let now = 0
      for (const wait of [...waits, 10_000, 2_000]) {
        now += wait
        const cursors = new ChangeCursors(kept, 1_000)
        const from = Number(cursors.from)
        for (const [index, { at, late }] of changes.entries()) if (at > from && at <= now && at + late <= now) told.add(index)
        kept = cursors.after(String(now), now) ?? kept
      }
      expect(told.size).toBe(changes.length)
    }))
  })
})
