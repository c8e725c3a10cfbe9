import { beforeEach, describe, expect, it } from 'vitest'
import { Limiter, type Outcome, type Permit, type Priority } from '../../../src/connect/throttle/limiter.ts'
import { HandClock, systemClock } from '../../../src/runtime/clock.ts'

const forever = new AbortController().signal
const none = { retryAfterMs: null, limit: null, remaining: null, resetMs: null }
const ok: Outcome = { signal: 'ok', hints: null }
const refused = (hints: Partial<typeof none> | Record<string, number> = {}): Outcome => ({ signal: 'refused', hints: { ...none, ...hints } })

let clock: HandClock
beforeEach(() => {
  clock = new HandClock(0)
})

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
const pass = async (ms: number) => {
  clock.advance(ms)
  await settle()
}

/** Asks for leave, and notes under `name` when it came. */
function ask(limiter: Limiter, priority: Priority, name: string, came: string[]): Promise<Permit> {
  return limiter.acquire(priority, forever).then((permit) => {
    came.push(name)
    return permit
  })
}

describe('the limiter', () => {
  it('lets as many go at once as it may, and the next when one is done', async () => {
    const limiter = new Limiter({ clock, maxInFlight: 2, maxPerSecond: 1e6, initialPerSecond: 1e6 })
    const came: string[] = []
    const first = await ask(limiter, 'bulk', 'a', came)
    await ask(limiter, 'bulk', 'b', came)
    void ask(limiter, 'bulk', 'c', came)
    await settle()
    expect(came).toEqual(['a', 'b'])
    expect(limiter.state).toMatchObject({ inFlight: 2, waiting: 1 })
    first.done(ok)
    await settle()
    expect(came).toEqual(['a', 'b', 'c'])
  })

  it('taking access away goes before reads that waited longer', async () => {
    const limiter = new Limiter({ clock, maxInFlight: 1, maxPerSecond: 1e6, initialPerSecond: 1e6 })
    const came: string[] = []
    const first = await ask(limiter, 'bulk', 'page 1', came)
    const later = [ask(limiter, 'bulk', 'page 2', came), ask(limiter, 'normal', 'grant', came), ask(limiter, 'urgent', 'revoke', came)]
    first.done(ok)
    for (let n = 0; n < 3; n++) {
      await settle()
      ;(await later[['revoke', 'grant', 'page 2'].indexOf(came.at(-1)!) === 0 ? 2 : came.at(-1) === 'grant' ? 1 : 0]!).done(ok)
    }
    expect(came).toEqual(['page 1', 'revoke', 'grant', 'page 2'])
  })

  it('keeps to a configured rate whatever the application allows', async () => {
    const limiter = new Limiter({ clock, maxPerSecond: 10 })
    let sent = 0
    for (let n = 0; n < 100; n++) void limiter.acquire('bulk', forever).then((permit) => {
      sent += 1
      permit.done(ok)
    })
    for (let ms = 0; ms < 5_000; ms += 10) await pass(10)
    expect(sent).toBeGreaterThanOrEqual(49)
    expect(sent).toBeLessThanOrEqual(52)
  })

  it('everybody waits as long as Retry-After says', async () => {
    const limiter = new Limiter({ clock })
    ;(await limiter.acquire('bulk', forever)).done(refused({ retryAfterMs: 5_000 }))
    const came: string[] = []
    void ask(limiter, 'urgent', 'revoke', came)
    await pass(4_990)
    expect(came).toEqual([])
    expect(limiter.state.waitMs).toBeCloseTo(10)
    await pass(20)
    expect(came).toEqual(['revoke'])
  })

  it('a quota that is used up is waited for, without a single refusal', async () => {
    const limiter = new Limiter({ clock })
    ;(await limiter.acquire('bulk', forever)).done({ signal: 'ok', hints: { ...none, limit: 100, remaining: 0, resetMs: 30_000 } })
    const came: string[] = []
    void ask(limiter, 'bulk', 'next', came)
    await pass(29_900)
    expect(came).toEqual([])
    await pass(200)
    expect(came).toEqual(['next'])
  })

  it('the last tenth of a quota is spread for lists, and free for what is urgent', async () => {
    const limiter = new Limiter({ clock })
    ;(await limiter.acquire('bulk', forever)).done({ signal: 'ok', hints: { ...none, limit: 100, remaining: 5, resetMs: 50_000 } })
    const came: string[] = []
    void ask(limiter, 'bulk', 'list', came)
    void ask(limiter, 'urgent', 'revoke', came)
    await pass(1_000)
    expect(came).toEqual(['revoke'])
    await pass(9_100)
    expect(came).toEqual(['revoke', 'list'])
  })

  it('a refusal while some are said to remain does not wait for that quota', async () => {
    const limiter = new Limiter({ clock })
    ;(await limiter.acquire('bulk', forever)).done(refused({ limit: 5_000, remaining: 4_000, resetMs: 3_000_000 }))
    expect(limiter.state.waitMs).toBeLessThan(5_000)
  })

  it('a wait can be given up', async () => {
    const limiter = new Limiter({ clock, maxInFlight: 1 })
    await limiter.acquire('bulk', forever)
    const controller = new AbortController()
    const waiting = limiter.acquire('bulk', controller.signal)
    controller.abort(new Error('stopping'))
    await expect(waiting).rejects.toThrow('stopping')
    expect(limiter.state.waiting).toBe(0)
  })

  it('keeps no timer for a wait that was given up', async () => {
    const limiter = new Limiter({ clock: systemClock })
    ;(await limiter.acquire('bulk', forever)).done(refused({ retryAfterMs: 3_600_000 }))
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const controllers = [new AbortController(), new AbortController()]
    const waiting = controllers.map(({ signal }) => limiter.acquire('bulk', signal))
    expect(timers()).toBe(before + 1)
    for (const controller of controllers) controller.abort(new Error('stopping'))
    for (const one of waiting) await expect(one).rejects.toThrow('stopping')
    expect(timers()).toBe(before)
  })

  it('answers that become slow slow it down', async () => {
    const limiter = new Limiter({ clock, maxPerSecond: 50, initialPerSecond: 50 })
    const one = async (ms: number) => {
      await pass(1_000)
      const permit = await limiter.acquire('bulk', forever)
      await pass(ms)
      permit.done(ok)
    }
    for (let n = 0; n < 10; n++) await one(20)
    const before = limiter.state.perSecond
    await one(3_000)
    expect(limiter.state.perSecond).toBeLessThan(before)
  })

  it('calls of other protocols count alike', async () => {
    const limiter = new Limiter({ clock })
    const busy = new Error('too many connections')
    await expect(limiter.run(() => Promise.reject(busy), (error) => error === busy, 'bulk', forever)).rejects.toBe(busy)
    expect(limiter.state).toMatchObject({ inFlight: 0 })
    expect(limiter.state.waitMs).toBeGreaterThan(0)
    await pass(5_000)
    expect(await limiter.run(() => Promise.resolve(7), () => false, 'bulk', forever)).toBe(7)
  })
})
