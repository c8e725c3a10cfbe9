import { expect, it } from 'vitest'
import { seldom } from '../../src/observe/seldom.ts'

/** A question that takes `tookMs` by a clock that is set by hand, and is answered with how often it was asked. */
function dear() {
  const state = { nowMs: 0, tookMs: 100, asked: 0 }
  const ask = seldom(async () => {
    const nth = ++state.asked
    await Promise.resolve()
    state.nowMs += state.tookMs
    return nth
  }, () => state.nowMs)
  return { state, ask }
}

it('asks anew when an answer has stood for nineteen times as long as it took', async () => {
  const { state, ask } = dear()
  expect(await ask()).toBe(1)
  state.nowMs = 100 + 1_899
  expect(await ask()).toBe(1)
  state.nowMs = 100 + 1_900
  state.tookMs = 2
  expect(await ask()).toBe(2)
  state.nowMs += 38
  expect(await ask()).toBe(3)
})

it('asks once for all who ask meanwhile', async () => {
  const { ask } = dear()
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1])
})

it('asks anew after a failure', async () => {
  let asked = 0
  const ask = seldom(async () => {
    if (++asked === 1) throw new Error('down')
    return asked
  }, () => 0)
  await expect(ask()).rejects.toThrow('down')
  expect(await ask()).toBe(2)
})
