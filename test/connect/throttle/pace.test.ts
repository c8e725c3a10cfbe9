import { describe, expect, it } from 'vitest'
import { Pace } from '../../../src/connect/throttle/pace.ts'

/** An application in simulated time: allows so many requests a second, from a bucket of a tenth of a second's worth. */
interface Application {
  perSecond(ms: number): number
  /** refuses whatever its allowance says */
  refuses?: (ms: number, request: number) => boolean
}

interface Result {
  allowed: number
  passed: number
  refused: number
}

/** Always more to ask; answers take 6 ms. `fromMs`: what came before is not counted. */
function run(application: Application, forMs: number, fromMs = 0, pace = new Pace({ maxPerSecond: 1_000, initialPerSecond: 50 })): Result {
  const result: Result = { allowed: 0, passed: 0, refused: 0 }
  let underWay: { sentAt: number; endsAt: number; passes: boolean }[] = []
  let tokens = 2
  let requests = 0
  for (let ms = 0; ms < forMs; ms++) {
    const refill = application.perSecond(ms) / 1_000
    tokens = Math.min(Math.max(2, application.perSecond(ms) / 10), tokens + refill)
    const counted = ms >= fromMs
    if (counted) result.allowed += refill
    for (const { sentAt, passes } of underWay.filter(({ endsAt }) => endsAt <= ms)) {
      pace.ended(passes ? 'ok' : 'refused', sentAt, ms)
      if (counted) result[passes ? 'passed' : 'refused'] += 1
    }
    underWay = underWay.filter(({ endsAt }) => endsAt > ms)
    while (underWay.length < (pace.doubtful ? 1 : 16) && pace.waitMs(ms) === 0) {
      pace.sent(ms)
      requests += 1
      const passes = tokens >= 1 && application.refuses?.(ms, requests) !== true
      if (passes) tokens -= 1
      underWay.push({ sentAt: ms, endsAt: ms + 6, passes })
    }
  }
  return result
}

const share = ({ passed, allowed }: Result): number => passed / allowed
const waste = ({ passed, refused }: Result): number => refused / (passed + refused)

describe('the pace', () => {
  it.each([20, 100, 400])('finds an allowance of %i a second, and keeps to it', (perSecond) => {
    const result = run({ perSecond: () => perSecond }, 120_000, 20_000)
    expect(share(result)).toBeGreaterThan(0.9)
    expect(waste(result)).toBeLessThan(0.04)
  })

  it('follows an allowance that falls to a quarter, without many refusals', () => {
    const result = run({ perSecond: (ms) => (ms < 20_000 ? 400 : 100) }, 23_000, 19_000)
    expect(result.refused).toBeLessThan(60)
    expect(share(result)).toBeGreaterThan(0.75)
  })

  it('follows an allowance that rises to fourfold within seconds', () => {
    expect(share(run({ perSecond: (ms) => (ms < 20_000 ? 100 : 400) }, 26_000, 23_000))).toBeGreaterThan(0.8)
  })

  it('a shut door costs a few requests, and the rate is there when it opens', () => {
    const shut = (ms: number): boolean => ms >= 20_000 && ms < 21_000
    expect(run({ perSecond: () => 200, refuses: shut }, 21_000, 20_000).refused).toBeLessThan(20)
    expect(share(run({ perSecond: () => 200, refuses: shut }, 23_000, 21_000))).toBeGreaterThan(0.75)
  })

  it('a door that stays shut is asked ever less often', () => {
    const { refused } = run({ perSecond: () => 200, refuses: (ms) => ms >= 5_000 }, 605_000, 6_000)
    expect(refused).toBeGreaterThan(20)
    expect(refused).toBeLessThan(120)
  })

  it('one refusal in five for no reason does not bring it down', () => {
    const refuses = (ms: number, request: number): boolean => ms >= 20_000 && ms < 20_500 && request % 5 === 0
    expect(share(run({ perSecond: () => 200, refuses }, 23_000, 20_500))).toBeGreaterThan(0.75)
  })

  it('does not rise while nobody asks', () => {
    const pace = new Pace({ maxPerSecond: 1_000, initialPerSecond: 50 })
    for (let ms = 0; ms < 600_000; ms += 10_000) {
      pace.sent(ms)
      pace.ended('ok', ms, ms + 5)
    }
    expect(pace.rate(600_000)).toBeLessThan(60)
  })

  it('is never above its limit', () => {
    const pace = new Pace({ maxPerSecond: 70, initialPerSecond: 50 })
    expect(share(run({ perSecond: () => 1_000 }, 60_000, 5_000, pace)) * 1_000).toBeLessThan(71)
  })
})
