import { describe, expect, it } from 'vitest'
import { Health } from '../../src/connect/health.ts'
import type { RunResult } from '../../src/connect/run-result.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import { HandClock } from '../../src/runtime/clock.ts'

const clock = new HandClock(1_000_000)
const run = (over: Partial<RunResult> = {}): RunResult => ({
  run: 1, verdict: 'complete', reason: null, place: null, pages: 3, error: null, shapeChanges: [], unknownApps: null,
  classes: [
    { class: 'accounts', verdict: 'complete', reason: null, place: null, read: 20, declared: 20, rejected: 1, counts: [20] },
    { class: 'grants', verdict: 'complete', reason: null, place: null, read: 30, declared: null, rejected: 0, counts: [20] },
  ],
  ...over,
})
const watch = () => new Health(clock, [{ source: 'billing', kind: 'app', active: true }, { source: 'old', kind: 'app', active: false }, { source: 'hr', kind: 'feed', active: true }])
const billing = (health: Health) => health.list(() => undefined)[0]

describe('health', () => {
  it('knows every source from the beginning', () => {
    expect(watch().list(() => undefined).map(({ source, state }) => [source, state])).toEqual([['billing', 'new'], ['old', 'paused'], ['hr', 'new']])
  })

  it('counts runs, pages, records and the gap to the source’s own count', () => {
    const health = watch()
    health.onEvent({ event: 'run', source: 'billing', result: run(), nextInMs: 60_000 })
    expect(billing(health)).toMatchObject({
      state: 'reading well', run: 1, pages: 3, records: 50, rejected: 1, gap: 0, failureRate: 0, lastCompleteAt: clock.nowMs(), nextAt: clock.nowMs() + 60_000,
    })
    const [accounts, grants] = run().classes
    health.onEvent({ event: 'run', source: 'billing', result: run({ run: 2, verdict: 'partial', reason: 'gap', place: 'page 2', classes: [{ ...accounts!, read: 15 }, grants!] }), nextInMs: 5 })
    expect(billing(health)).toMatchObject({ state: 'incomplete', gap: 5, failureRate: 0.5, reason: 'gap', place: 'page 2', runs: 2 })
  })

  it('knows what rows of a feed named in vain in its last run', () => {
    const health = watch()
    const hr = () => health.list(() => undefined)[2]!.unknownApps
    const unknownApps = [{ app: 'sohp', rows: 2, near: 'shop' }]
    expect(hr()).toEqual([])
    health.onEvent({ event: 'run', source: 'hr', result: run({ unknownApps }), nextInMs: 5 })
    expect(hr()).toEqual(unknownApps)
    health.onEvent({ event: 'run', source: 'hr', result: run({ unknownApps: [] }), nextInMs: 5 })
    expect(hr()).toEqual([])
  })

  it('webhooks that stay away are a state of their own, whatever else goes well, until one comes', () => {
    const health = watch()
    health.onEvent({ event: 'run', source: 'billing', result: run(), nextInMs: 60_000 })
    health.onEvent({ event: 'deliveries', source: 'billing', taken: 3, lastAt: 500_000, silent: true, missing: 2 })
    expect(billing(health)).toMatchObject({ state: 'silent', deliveries: 3, lastDeliveryAt: 500_000, missingDeliveries: 2, problem: 'no webhook came since 1970-01-01T00:08:20.000Z, which is longer than expected' })
    health.onEvent({ event: 'deliveries', source: 'billing', taken: 1, lastAt: 1_000_000, silent: false, missing: 0 })
    expect(billing(health)).toMatchObject({ state: 'reading well', deliveries: 4, problem: null, missingDeliveries: 0 })
  })

  it('an error is trouble until a run without one', () => {
    const health = watch()
    health.onEvent({ event: 'problem', source: 'billing', doing: 'asking for changes', reason: 'transient: no answer', nextInMs: 5_000 })
    expect(billing(health)).toMatchObject({ state: 'in trouble', problem: 'asking for changes: transient: no answer' })
    health.onEvent({ event: 'run', source: 'billing', result: run({ verdict: 'partial', error: new ConnectError('authentication', '401', 'users') }), nextInMs: 5 })
    expect(billing(health)).toMatchObject({ state: 'in trouble' })
    health.onEvent({ event: 'run', source: 'billing', result: run(), nextInMs: 5 })
    expect(billing(health)).toMatchObject({ state: 'reading well', problem: null })
  })

  it('requests, retries, refusals and waits add up', () => {
    const health = watch()
    const report = { outcome: 'ok' as const, attempts: 3, refused: 2, throttledMs: 400, tookMs: 500 }
    for (let n = 0; n < 2; n++) health.onEvent({ event: 'request', source: 'billing', report })
    expect(billing(health)).toMatchObject({ requests: 6, retries: 4, refused: 4, throttledMs: 800 })
    expect(health.list(() => ({ perSecond: 12.34, inFlight: 1, waiting: 0, waitMs: 7.4 }))[0]).toMatchObject({ perSecond: 12.3, waitMs: 7 })
  })

  it('events of sources that are not its own change nothing', () => {
    const health = watch()
    health.onEvent({ event: 'reread', source: 'unknown', accounts: 3 })
    expect(health.list(() => undefined)).toEqual(watch().list(() => undefined))
  })
})
