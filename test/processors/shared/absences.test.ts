import { describe, expect, test } from 'vitest'
import type { AbsencePass, Objects, PassOutcome } from '../../../processors/shared/absences.ts'
import { brakes, continuePass, releasePass, showsNone, startPass } from '../../../processors/shared/absences.ts'
import { Runs } from '../../../processors/shared/runs.ts'
import { MemoryState } from './memory-state.ts'

const layout = { identities: ['identities'] }
const free = { maxAbsent: 100, maxAbsentShare: 1, divisor: 1 }

interface World {
  runs: Runs
  pass: AbsencePass
  held: Set<string>
  objects: Objects
  open: (run: number, begin: number) => void
}

/** Objects o0…o<n-1>, observed at 10; `seen` are shown by the run that begins at 100. `emptied`: it showed none elsewhere either. */
function world(n: number, seen: readonly number[], emptied = false): World {
  const runs = new Runs(new MemoryState(), layout)
  const held = new Set(Array.from({ length: n }, (_, i) => `o${i}`))
  const observed = new Map<string, number>()
  const open = (run: number, begin: number): void => {
    runs.begin({ type: 'RunBegin', source: 'hr', run, observed: begin, mode: 'snapshot', classes: ['identities'] })
  }
  for (let i = 0; i < n; i++) {
    runs.newOrdinal('hr', 'identities')
    runs.hold('hr', 'identities', 1)
    observed.set(`o${i}`, 10)
  }
  open(1, 100)
  for (const i of seen) runs.observe('hr', 'identities', i, ['identities'], 1, 101)
  const run = runs.open('hr')
  if (run === null) throw new Error('no run is open')
  const ended = runs.end({ type: 'RunEnd', source: 'hr', run: 1, observed: 200, classes: [] }, 0)
  expect(ended?.run.run).toBe(1)
  return {
    runs, pass: startPass('hr', 'identities', run, null, emptied), held, open,
    objects: {
      *range(after) {
        for (const key of [...held].sort()) {
          if (after === null || key > after) yield [key, { ordinal: Number(key.slice(1)), observed: observed.get(key) ?? null }] as const
        }
      },
      absent: (key) => {
        held.delete(key)
        runs.hold('hr', 'identities', -1)
      },
    },
  }
}

function finish({ runs, objects }: World, pass: AbsencePass, limits = free, budget = 2): Extract<PassOutcome, { done: true }> {
  let outcome = continuePass(runs, pass, objects, limits, budget)
  for (let n = 0; !outcome.done; n++) {
    expect(n).toBeLessThan(100)
    outcome = continuePass(runs, outcome.pass, objects, limits, budget)
  }
  return outcome
}

describe('a pass', () => {
  test.each([1, 2, 3, 1_000])('removes what was not seen, in slices of %i', (budget) => {
    const made = world(7, [0, 2, 3, 6])
    expect(finish(made, made.pass, free, budget)).toEqual({ done: true, held: null, absent: 3, tell: null })
    expect([...made.held]).toEqual(['o0', 'o2', 'o3', 'o6'])
  })

  test('touches no more objects in a slice than its budget', () => {
    const made = world(9, [])
    const outcome = continuePass(made.runs, { ...made.pass, phase: 'apply' }, made.objects, free, 4)
    expect(outcome).toMatchObject({ done: false, pass: { after: 'o3', absent: 4 } })
    expect(made.held.size).toBe(5)
  })

  test('with nothing absent says so', () => {
    const made = world(2, [0, 1])
    expect(finish(made, made.pass)).toEqual({ done: true, held: null, absent: 0, tell: null })
  })
})

describe('the brake', () => {
  test('decides by number over partitions, and by share of more than two', () => {
    const limits = { maxAbsent: 10, maxAbsentShare: 0.25, divisor: 4 }
    expect([brakes(2, 100, limits, false), brakes(3, 100, limits, false)]).toEqual([false, true])
    const alone = { ...limits, divisor: 1 }
    expect([brakes(2, 3, alone, false), brakes(3, 12, alone, false), brakes(3, 11, alone, false)]).toEqual([false, false, true])
    expect(brakes(1, 1, { maxAbsent: 0, maxAbsentShare: 1, divisor: 1 }, false)).toBe(true)
  })

  test('holds all that a run shows none of, however few are here, unless every share is allowed', () => {
    const limits = { maxAbsent: 10, maxAbsentShare: 0.99, divisor: 1 }
    expect([brakes(1, 1, limits, true), brakes(1, 5, limits, true), brakes(1, 1, limits, false)]).toEqual([true, true, false])
    expect([brakes(1, 1, { ...limits, maxAbsentShare: 1 }, true), brakes(11, 11, { ...limits, maxAbsentShare: 1 }, true)]).toEqual([false, true])
    const made = world(1, [], true)
    expect(finish(made, made.pass, limits)).toMatchObject({ held: { absent: 1, present: 1 }, absent: 0 })
    const pass = releasePass(made.runs, 'hr', 'identities', 1)
    if (pass === null) throw new Error('nothing is held')
    expect(finish(made, pass, limits)).toMatchObject({ held: null, absent: 1 })
    expect(made.held.size).toBe(0)
  })

  test('takes a class for empty where its manifest counts nothing for any partition', () => {
    const manifest = { class: 'identities', verdict: 'complete' as const, reason: null, place: null, read: 0, declared: null, rejected: 0 }
    expect([[0, 0, 0], [0, 1, 0], []].map((counts) => showsNone({ ...manifest, counts }))).toEqual([true, false, true])
  })

  test('holds everything before the first is applied, and a release applies it', () => {
    const made = world(5, [0])
    const outcome = finish(made, made.pass, { ...free, maxAbsent: 3 })
    expect(outcome).toMatchObject({ held: { run: 1, absent: 4, present: 5 }, absent: 0 })
    expect(made.held.size).toBe(5)
    expect(releasePass(made.runs, 'hr', 'identities', 2)).toBeNull()
    const pass = releasePass(made.runs, 'hr', 'identities', 1)
    if (pass === null) throw new Error('nothing is held')
    expect(finish(made, pass, { ...free, maxAbsent: 0 })).toMatchObject({ held: null, absent: 4, tell: { held: false, absences: { run: 1 } } })
    expect([...made.held]).toEqual(['o0'])
    expect(releasePass(made.runs, 'hr', 'identities', 1)).toBeNull()
  })

  test('what a later run or event shows is no longer among the held, what is older still is', () => {
    const made = world(5, [0])
    finish(made, made.pass, { ...free, maxAbsent: 3 })
    made.open(2, 300)
    made.runs.observe('hr', 'identities', 1, ['identities'], 2, 301)
    made.runs.observe('hr', 'identities', 2, ['identities'], null, 150)
    made.runs.observe('hr', 'identities', 3, ['identities'], null, 99)
    const pass = releasePass(made.runs, 'hr', 'identities', 1)
    if (pass === null) throw new Error('nothing is held')
    finish(made, pass)
    expect([...made.held]).toEqual(['o0', 'o1', 'o2'])
  })
})
