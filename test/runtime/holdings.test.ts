import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Share } from '../../src/ports/assignment.ts'
import { FencedError } from '../../src/ports/log.ts'
import { Holdings, type Holding } from '../../src/runtime/holdings.ts'
import { HandShare } from './hand-share.ts'

function hold(share: Share, events: string[]): Holdings<Holding & { partition: number; fail: (error: Error) => void }> {
  return new Holdings({
    share,
    plan: ({ partitions }) => (partitions.get('raw') ?? []).map((partition) => ({ name: `work/${partition}`, create: () => work(partition) })),
    isFence: (error) => error instanceof FencedError,
    onFailed: ({ partition }, error) => events.push(`${partition} failed: ${(error as Error).message}`),
    onLost: (error) => events.push(`lost: ${(error as Error).message}`),
  })

  function work(partition: number): Holding & { partition: number; fail: (error: Error) => void } {
    const failure = Promise.withResolvers<never>()
    return {
      partition,
      fail: failure.reject,
      async run(signal) {
        events.push(`${partition} began`)
        const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
        await Promise.race([aborted, failure.promise])
        await delay(5)
        events.push(`${partition} ended`)
      },
    }
  }
}

describe('holdings', () => {
  it('start what is new, end what went to others, leave the rest alone', async () => {
    const events: string[] = []
    const share = new HandShare([0, 1])
    const holdings = hold(share, events)
    await share.give(1, 2)
    await delay(10)
    expect(events).toEqual(['0 began', '1 began', '2 began', '0 ended'])
    expect(holdings.current.map(({ partition }) => partition)).toEqual([1, 2])
    await holdings.stop()
    expect(events.slice(4).sort()).toEqual(['1 ended', '2 ended'])
  })

  it('what comes back begins again only when it has ended', async () => {
    const events: string[] = []
    const share = new HandShare([0])
    const holdings = hold(share, events)
    await delay(1)
    await share.give()
    await share.give(0)
    await delay(10)
    expect(events).toEqual(['0 began', '0 ended', '0 began'])
    await holdings.stop()
  })

  it('an error is told, and the rest runs on', async () => {
    const events: string[] = []
    const holdings = hold(new HandShare([0, 1]), events)
    holdings.current[0]!.fail(new Error('broken'))
    await delay(1)
    expect(events).toEqual(['0 began', '1 began', '0 failed: broken'])
    await holdings.stop()
  })

  it('a fence is an error at once where nobody shares', async () => {
    const events: string[] = []
    const holdings = hold(new HandShare([0]), events)
    holdings.current[0]!.fail(new FencedError('taken'))
    await delay(1)
    expect(events).toEqual(['0 began', '0 failed: taken'])
    await holdings.stop()
  })

  it('a fence before the news that the place went to another is none; where it stays ours it begins again', async () => {
    const events: string[] = []
    const share = new HandShare([0, 1], 200)
    const holdings = hold(share, events)
    for (const work of holdings.current) work.fail(new FencedError('taken'))
    await delay(1)
    await share.give(1)
    await delay(300)
    expect(events).toEqual(['0 began', '1 began', '1 began'])
    await holdings.stop()
  })

  it('a place that was taken over is in doubt until there is news of it, and whoever waits hears where there is none', async () => {
    const share = new HandShare([0, 1], 50)
    const holdings = hold(share, [])
    holdings.current[0]!.fail(new FencedError('taken'))
    await delay(1)
    expect(holdings.isExplained).toBe(false)
    const explained = holdings.explained()
    await share.give(1)
    await explained
    expect(holdings.isExplained).toBe(true)
    holdings.current[0]!.fail(new FencedError('taken'))
    await delay(1)
    await expect(holdings.explained()).rejects.toThrow('taken')
    await holdings.stop()
  })

  it('a fence that no news follows is an error: another process uses our name', async () => {
    const events: string[] = []
    const holdings = hold(new HandShare([0], 20), events)
    holdings.current[0]!.fail(new FencedError('taken'))
    await delay(100)
    expect(events).toEqual(['0 began', '0 failed: taken'])
    await holdings.stop()
  })

  it('tell when this process can’t take part any more', async () => {
    const events: string[] = []
    const share = new HandShare([0])
    const holdings = hold(share, events)
    share.expel(new Error('unknown here'))
    await delay(1)
    expect(events).toContain('lost: unknown here')
    await holdings.stop()
  })
})
