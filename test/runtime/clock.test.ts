import { describe, expect, it } from 'vitest'
import { HandClock, systemClock } from '../../src/runtime/clock.ts'

const never = new AbortController().signal

describe('HandClock', () => {
  it('wakes sleepers when their time has come, and not before', async () => {
    const clock = new HandClock(1_000)
    const woken: string[] = []
    const sleeps = [
      clock.sleep(10, never).then(() => woken.push('10')),
      clock.sleep(20, never).then(() => woken.push('20')),
    ]
    clock.advance(9)
    await Promise.resolve()
    expect(woken).toEqual([])
    clock.advance(1)
    await sleeps[0]
    expect(woken).toEqual(['10'])
    clock.advance(100)
    await Promise.all(sleeps)
    expect([woken, clock.nowMs(), clock.monotonicMs()]).toEqual([['10', '20'], 1_110, 110])
  })

  it('leaps without time passing', () => {
    const clock = new HandClock(1_000)
    clock.leap(-500)
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([500, 0])
  })
})

describe.each([['the hand clock', new HandClock(0)], ['the system clock', systemClock]])('%s', (_name, clock) => {
  it('resolves a sleep when its signal aborts, before or during it', async () => {
    const controller = new AbortController()
    const sleep = clock.sleep(60_000, controller.signal)
    controller.abort()
    await sleep
    await clock.sleep(60_000, controller.signal)
    expect(controller.signal.aborted).toBe(true)
  })
})

describe('the system clock', () => {
  it('sleeps about as long as asked, and a far-off time does not come at once', async () => {
    const began = systemClock.monotonicMs()
    await systemClock.sleep(20, never)
    expect(systemClock.monotonicMs() - began).toBeGreaterThan(15)
    const controller = new AbortController()
    let woken = false
    const sleep = systemClock.sleep(2 ** 40, controller.signal).then(() => (woken = true))
    await systemClock.sleep(20, never)
    expect(woken).toBe(false)
    controller.abort()
    await sleep
  })
})
