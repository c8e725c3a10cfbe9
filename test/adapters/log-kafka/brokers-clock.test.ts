import { afterEach, expect, it, vi } from 'vitest'
import { BrokersClock } from '../../../src/adapters/log-kafka/brokers-clock.ts'

afterEach(() => void vi.useRealTimers())

const weekMs = 7 * 86_400_000

it('goes on from what the brokers said, also while the machine sleeps, and is not set back with the wall clock', () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: 1_000_000_000_000 })
  const clock = new BrokersClock()
  clock.told(5_000)
  vi.advanceTimersByTime(2_000)
  expect(clock.nowMs()).toBe(7_000)
  vi.setSystemTime(Date.now() + weekMs) // the monotonic clock stood meanwhile
  expect(clock.nowMs()).toBe(7_000 + weekMs)
  vi.setSystemTime(0)
  expect(clock.nowMs()).toBe(7_000)
})
