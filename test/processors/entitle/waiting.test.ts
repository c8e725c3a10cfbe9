import fc from 'fast-check'
import { expect, it } from 'vitest'
import { WaitingSubjects } from '../../../processors/entitle/waiting.ts'
import { compareKeys } from '../../../src/core/order.ts'
import { MemoryState } from '../shared/memory-state.ts'

it('answers the first of those that wait, whatever comes and goes before and behind it, in one transaction or several', () => {
  const home = fc.integer({ min: 0, max: 300 }).map((n) => `identity/p${n}`)
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), home, at: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), home }) },
    { weight: 6, arbitrary: fc.constant({ do: 'take' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'commit' as const }) },
  )
  const many = Array.from({ length: 200 }, (_, n) => ({ do: 'put' as const, home: `identity/p${n}`, at: n }))
  fc.assert(fc.property(fc.boolean(), fc.array(step, { maxLength: 150, size: 'max' }), (full, steps) => {
    const state = new MemoryState()
    const model = new Map<string, number>()
    let waiting = new WaitingSubjects(state)
    for (const one of full ? [...many, ...steps] : steps) {
      if (one.do === 'commit') waiting = new WaitingSubjects(state)
      else if (one.do === 'put') {
        waiting.put(one.home, one.at)
        model.set(one.home, one.at)
      } else {
        const gone = one.do === 'delete' ? one.home : waiting.first()?.home
        const [first] = [...model].sort(([a], [b]) => compareKeys(a, b))
        if (one.do === 'take') expect(waiting.first()).toEqual(first && { home: first[0], at: first[1] })
        if (gone === undefined) continue
        expect(waiting.get(gone)).toBe(model.get(gone))
        waiting.delete(gone)
        model.delete(gone)
      }
    }
    expect(state.keys('postponed')).toEqual([...model.keys()].sort(compareKeys))
  }), { numRuns: 60 })
})
