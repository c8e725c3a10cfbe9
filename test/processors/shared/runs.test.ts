import { describe, expect, test } from 'vitest'
import type { ClassManifest, RunBegin, RunEnd } from '../../../schemas/wire/common.ts'
import { Runs } from '../../../processors/shared/runs.ts'
import { MemoryState } from './memory-state.ts'

const layout = { accounts: ['accounts', 'grants'], definitions: ['definitions'] }
const begin = (run: number, observed: number, mode: 'snapshot' | 'filtered' = 'snapshot'): RunBegin => ({
  type: 'RunBegin', source: 'crm', run, observed, mode, classes: ['accounts', 'grants'],
})
const manifest = (name: string, counts: number[], verdict: ClassManifest['verdict'] = 'complete'): ClassManifest => ({
  class: name, verdict, reason: null, place: null, read: 0, declared: null, rejected: 0, counts,
})
const end = (run: number, classes: ClassManifest[]): RunEnd => ({ type: 'RunEnd', source: 'crm', run, observed: 999, classes })

function ledger(): { state: MemoryState; runs: Runs; reload: () => Runs } {
  const state = new MemoryState()
  return { state, runs: new Runs(state, layout), reload: () => new Runs(state, layout) }
}

describe('numbers', () => {
  test('a lower or equal run is ignored, a newer one closes the open one', () => {
    const { runs } = ledger()
    expect(runs.begin(begin(5, 100))).toEqual({ begun: true, abandoned: null })
    expect(runs.begin(begin(5, 200))).toEqual({ begun: false })
    expect(runs.begin(begin(4, 200))).toEqual({ begun: false })
    expect(runs.begin(begin(6, 200))).toMatchObject({ begun: true, abandoned: { run: 5, begin: 100 } })
    expect([runs.isOpen('crm', 5), runs.isOpen('crm', 6), runs.isOpen('crm', null), runs.isOpen('hr', 6)]).toEqual([false, true, false, false])
  })

  test('an end that is not the open run’s changes nothing', () => {
    const { runs, state } = ledger()
    runs.begin(begin(5, 100))
    state.written()
    expect([runs.end(end(4, []), 0), runs.end(end(6, []), 0), runs.end({ ...end(5, []), source: 'hr' }, 0)]).toEqual([null, null, null])
    expect(state.written()).toEqual([])
  })

  test('survive being read anew', () => {
    const { runs, reload } = ledger()
    runs.begin(begin(5, 100))
    runs.receive('crm', ['accounts'])
    expect(reload().open('crm')).toMatchObject({ run: 5, received: { accounts: 1 } })
  })

  test('stay when the source is forgotten', () => {
    const { runs } = ledger()
    runs.begin(begin(5, 100))
    runs.completed('crm', 'accounts', 100)
    runs.forget('crm')
    expect([runs.open('crm'), runs.completeSince('crm', 'accounts'), runs.begin(begin(5, 300))]).toEqual([null, -1, { begun: false }])
  })
})

describe('ordinals', () => {
  test('are dense by space, and used again', () => {
    const { runs } = ledger()
    expect([1, 2, 3].map(() => runs.newOrdinal('crm', 'accounts'))).toEqual([0, 1, 2])
    expect([runs.newOrdinal('crm', 'definitions'), runs.newOrdinal('hr', 'accounts')]).toEqual([0, 0])
    runs.dropOrdinal('crm', 'accounts', 0)
    runs.dropOrdinal('crm', 'accounts', 2)
    expect([1, 2, 3].map(() => runs.newOrdinal('crm', 'accounts'))).toEqual([2, 0, 3])
  })

  test('used again have not been seen', () => {
    const { runs } = ledger()
    runs.begin(begin(1, 100))
    const ordinal = runs.newOrdinal('crm', 'accounts')
    runs.seen('crm', 'accounts', ordinal)
    const open = runs.open('crm')
    if (open === null) throw new Error('no run is open')
    expect(runs.wasSeen('crm', 'grants', open, ordinal)).toBe(true)
    runs.dropOrdinal('crm', 'accounts', ordinal)
    expect([runs.newOrdinal('crm', 'accounts'), runs.wasSeen('crm', 'grants', open, ordinal)]).toEqual([ordinal, false])
  })
})

describe('what an end proves', () => {
  const judged = (mode: 'snapshot' | 'filtered', classes: ClassManifest[], partition = 0): unknown => {
    const { runs } = ledger()
    runs.begin(begin(1, 100, mode))
    for (const name of ['accounts', 'accounts', 'grants']) runs.receive('crm', [name])
    return runs.end(end(1, classes), partition)?.judgements.map(({ manifest: { class: name, verdict }, provesAbsence }) => [name, verdict, provesAbsence])
  }

  test('a complete class whose count is what was received, in a snapshot', () => {
    expect(judged('snapshot', [manifest('accounts', [2]), manifest('grants', [2])])).toEqual([['accounts', 'complete', true], ['grants', 'partial', false]])
    expect(judged('snapshot', [manifest('accounts', [9, 2]), manifest('grants', [9, 1])], 1)).toEqual([['accounts', 'complete', true], ['grants', 'complete', true]])
  })

  test('nothing where the source does not say complete, or the run was filtered', () => {
    expect(judged('snapshot', [manifest('accounts', [2], 'unknown'), manifest('grants', [1], 'partial')])).toEqual([['accounts', 'unknown', false], ['grants', 'partial', false]])
    expect(judged('filtered', [manifest('accounts', [2]), manifest('grants', [1])])).toEqual([['accounts', 'complete', false], ['grants', 'complete', false]])
  })

  test('nothing of a class without a manifest', () => {
    expect(judged('snapshot', [manifest('accounts', [2])])).toEqual([['accounts', 'complete', true], ['grants', 'partial', false]])
  })
})

describe('stale is', () => {
  test('what is older than the object’s own stamp', () => {
    const { runs } = ledger()
    expect([runs.isStale('crm', 'accounts', 0, 10, 9), runs.isStale('crm', 'accounts', 0, 10, 10), runs.isStale('crm', 'accounts', null, -1, 0)]).toEqual([true, false, false])
  })

  test('what is older than the last complete run of its class', () => {
    const { runs } = ledger()
    runs.completed('crm', 'accounts', 100)
    runs.completed('crm', 'accounts', 50)
    expect([runs.isStale('crm', 'accounts', 0, 10, 99), runs.isStale('crm', 'accounts', 0, 10, 100), runs.isStale('crm', 'grants', 0, 10, 99)]).toEqual([true, false, false])
  })

  test('what is older than the open run that showed this class of the object', () => {
    const { runs } = ledger()
    runs.begin(begin(1, 100))
    runs.observe('crm', 'accounts', 3, ['grants'], 1, 101)
    expect([runs.isStale('crm', 'grants', 3, 10, 99), runs.isStale('crm', 'grants', 3, 10, 100), runs.isStale('crm', 'accounts', 3, 10, 99)]).toEqual([true, false, false])
  })
})

test('an observation counts as seen in its run, or since its begin, not before', () => {
  const { runs } = ledger()
  runs.begin(begin(7, 100))
  runs.observe('crm', 'accounts', 0, ['accounts'], 7, 101)
  runs.observe('crm', 'accounts', 1, ['accounts'], null, 100)
  runs.observe('crm', 'accounts', 2, ['accounts'], null, 99)
  runs.observe('crm', 'accounts', 3, ['accounts'], 6, 99)
  const open = runs.open('crm')
  expect([0, 1, 2, 3].map((n) => open !== null && runs.wasSeen('crm', 'accounts', open, n))).toEqual([true, true, false, false])
})

test('a class that no space has is an error', () => {
  expect(() => ledger().runs.wasSeen('crm', 'other', { run: 1, begin: 0, slot: 0 }, 0)).toThrow('no space of the run ledger has the class other')
})

test('a run saw all of a class once every object that there is showed it', () => {
  const state = new MemoryState()
  const runs = new Runs(state, { accounts: ['accounts', 'grants'] })
  runs.begin({ type: 'RunBegin', source: 'crm', run: 1, observed: 10, mode: 'snapshot', classes: ['accounts', 'grants'] })
  const open = runs.open('crm')!
  const [a, b, c] = [0, 1, 2].map(() => runs.newOrdinal('crm', 'accounts'))
  const sawAll = (): boolean[] => ['accounts', 'grants'].map((name) => runs.sawAll('crm', name, open))
  runs.observe('crm', 'accounts', a!, ['accounts', 'grants'], 1, 11)
  runs.observe('crm', 'accounts', b!, ['accounts'], 1, 12)
  expect(sawAll()).toEqual([false, false])
  runs.dropOrdinal('crm', 'accounts', c!)
  expect(sawAll()).toEqual([true, false])
  runs.observe('crm', 'accounts', b!, ['grants'], null, 13)
  expect(sawAll()).toEqual([true, true])
  expect(runs.newOrdinal('crm', 'accounts')).toBe(c)
  expect(sawAll()).toEqual([false, false])
})
