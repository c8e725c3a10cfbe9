import { expect, test } from 'vitest'
import { Timers } from '../../../processors/shared/timers.ts'
import { MemoryState } from './memory-state.ts'

test('come due in the order of time, whatever their ids', () => {
  const timers = new Timers(new MemoryState(), 'timers')
  timers.set('a/1', null, 20)
  timers.set('b', null, 1_000_000)
  timers.set('0', null, 3)
  expect(timers.due(2)).toBeNull()
  expect(timers.due(1_000_000)).toEqual({ id: '0', at: 3 })
  timers.set('0', 3, null)
  expect(timers.due(1_000_000)).toEqual({ id: 'a/1', at: 20 })
  timers.set('a/1', 20, 2_000_000)
  expect(timers.due(1_999_999)).toEqual({ id: 'b', at: 1_000_000 })
})

test('that are due come one after another, each once, while they are set anew', () => {
  const timers = new Timers(new MemoryState(), 'timers')
  for (const [id, at] of [['b', 2], ['a', 2], ['c', 1], ['d', 9]] as const) timers.set(id, null, at)
  const found = [...timers.allDue(5)].map(({ id, at }) => {
    timers.set(id, at, 6)
    return id
  })
  expect(found).toEqual(['c', 'a', 'b'])
  expect([...timers.allDue(5)]).toEqual([])
})

test('set to the same time write nothing', () => {
  const state = new MemoryState()
  const timers = new Timers(state, 'timers')
  timers.set('a', null, 5)
  state.written()
  timers.set('a', 5, 5)
  timers.set('b', null, null)
  expect(state.written()).toEqual([])
})
