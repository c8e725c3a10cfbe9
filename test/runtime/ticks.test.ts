import { describe, expect, it } from 'vitest'
import { HandClock } from '../../src/runtime/clock.ts'
import { TickSource, type ClockLeap } from '../../src/runtime/ticks.ts'

const hour = 3_600_000
const limits = { tickMs: 1_000, clockToleranceMs: 60_000 }

function source(nowMs = 10 * hour): { clock: HandClock; leaps: (ClockLeap | null)[]; tick: (last?: number) => number | null; ticks: TickSource } {
  const clock = new HandClock(nowMs)
  const leaps: (ClockLeap | null)[] = []
  const ticks = new TickSource(clock, limits, (leap) => leaps.push(leap))
  let newest = 0
  const tick = (last = newest): number | null => {
    const at = ticks.propose(last)
    if (at !== null) {
      ticks.appended()
      newest = at
    }
    return at
  }
  return { clock, leaps, tick, ticks }
}

describe('TickSource', () => {
  it('gives one at once and then one each tickMs', () => {
    const { clock, tick, ticks } = source()
    expect(tick()).toBe(10 * hour)
    expect([tick(), ticks.dueInMs()]).toEqual([null, 1_000])
    clock.advance(999)
    expect([tick(), ticks.dueInMs()]).toEqual([null, 1])
    clock.advance(1)
    expect(tick()).toBe(10 * hour + 1_000)
  })

  it('gives fewer after a minute without work, and all of them again, the next at once, when there is some', () => {
    const { clock, tick, ticks } = source()
    const given = (seconds: number): number => {
      let count = 0
      for (let i = 0; i < seconds; i++) {
        clock.advance(1_000)
        if (tick() !== null) count++
      }
      return count
    }
    tick()
    expect(given(60)).toBe(60)
    expect(given(300)).toBe(30)
    ticks.worked()
    expect(given(60)).toBe(60)
    expect(given(100)).toBe(10)
    clock.advance(3_000)
    expect([tick(), ticks.dueInMs()]).toEqual([null, 7_000])
    ticks.worked()
    expect(ticks.dueInMs()).toBe(0)
  })

  it('rests no longer than ten seconds, nor less than a tick', () => {
    for (const [tickMs, restMs] of [[100, 1_000], [4_000, 10_000], [15_000, 15_000]] as const) {
      const clock = new HandClock(10 * hour)
      const ticks = new TickSource(clock, { tickMs, clockToleranceMs: 60_000 }, () => undefined)
      clock.advance(hour)
      ticks.propose(0)
      ticks.appended()
      expect(ticks.dueInMs()).toBe(restMs)
    }
  })

  it('proposes again what was not told to be appended', () => {
    const { clock, ticks } = source()
    expect(ticks.propose(0)).toBe(10 * hour)
    clock.advance(5)
    expect(ticks.propose(0)).toBe(10 * hour + 5)
    ticks.appended()
    expect(ticks.propose(0)).toBe(null)
  })

  it('gives none at or behind the newest tick of an earlier process', () => {
    const { clock, tick } = source()
    expect(tick(10 * hour)).toBe(null)
    clock.advance(1_000)
    expect(tick(10 * hour)).toBe(10 * hour + 1_000)
  })

  it('trusts the clock at start, however far ahead', () => {
    expect(source(1_000 * hour).tick(10 * hour)).toBe(1_000 * hour)
  })

  it('refuses a leap, lets time stand while it lasts, and says so once', () => {
    const { clock, leaps, tick, ticks } = source()
    tick()
    clock.advance(1_000)
    clock.leap(hour)
    for (let i = 0; i < 5; i++) {
      expect(tick()).toBe(null)
      clock.advance(1_000)
    }
    expect(ticks.refused).toBe(true)
    expect(leaps).toEqual([{ at: 11 * hour + 1_000, explained: 10 * hour + 1_000 + 60_000 }])
    clock.leap(-hour)
    expect(tick()).toBe(10 * hour + 6_000)
    expect([leaps.at(-1), leaps.length, ticks.refused]).toEqual([null, 2, false])
  })

  it('appends nothing while the clock is set back, and goes on when time has caught up', () => {
    const { clock, leaps, tick } = source()
    tick()
    clock.advance(1_000)
    clock.leap(-5_000)
    expect(tick()).toBe(null)
    clock.advance(4_000)
    expect(tick()).toBe(null)
    clock.advance(1_000)
    expect(tick()).toBe(10 * hour + 1_000)
    expect(leaps).toEqual([])
  })

  it('says that time stands where a process begins far behind the newest tick, and when it has got there', () => {
    const { clock, leaps, tick, ticks } = source()
    const newest = 34 * hour
    expect([tick(newest), ticks.refused]).toEqual([null, true])
    clock.advance(1_000)
    expect(tick(newest)).toBe(null)
    expect(leaps).toEqual([{ at: 10 * hour, explained: newest }])
    clock.advance(24 * hour)
    expect(tick(newest)).toBe(newest + 1_000)
    expect([leaps.at(-1), leaps.length, ticks.refused]).toEqual([null, 2, false])
  })

  it('takes small steps within the tolerance, but not one after another', () => {
    const { clock, tick, ticks } = source()
    tick()
    clock.advance(1_000)
    clock.leap(50_000)
    expect(tick()).toBe(10 * hour + 51_000)
    clock.advance(1_000)
    clock.leap(50_000)
    expect(tick()).toBe(null)
    expect(ticks.refused).toBe(true)
  })

  it('follows a clock that drifts slowly for as long as it does', () => {
    const { clock, tick, ticks } = source()
    for (let i = 0; i < 20_000; i++) {
      clock.advance(1_000)
      clock.leap(5)
      tick()
    }
    expect(ticks.refused).toBe(false)
    expect(clock.nowMs() - 10 * hour).toBe(20_000 * 1_005)
  })

  it('gives the slack back while no time is refused', () => {
    const { clock, tick } = source()
    tick()
    clock.leap(50_000)
    clock.advance(1_000)
    expect(tick()).not.toBe(null)
    clock.advance(6_000_000)
    tick()
    clock.leap(50_000)
    clock.advance(10_000)
    expect(tick()).not.toBe(null)
  })
})
