import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPlatform } from '../../../src/connect/platform.ts'
import { callStep } from '../../../src/connect/writes/call.ts'
import { callUntil } from '../../../src/connect/writes/deadline.ts'
import { Lease } from '../../../src/connect/writes/lease.ts'
import type { Platform, WriteSide } from '../../../src/ports/connector.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { startApi, type ApiServer } from '../../connectors/rest/api-server.ts'

let server: ApiServer
let platform: Platform
beforeAll(async () => {
  server = await startApi(() => ({ body: {} }))
  platform = createPlatform({ app: 'app', config: { url: server.url }, clock: systemClock, signal: new AbortController().signal, env: {}, baseDir: '.' })
})
afterAll(() => server.stop())

const ask = (path: string): Promise<unknown> => platform.http.request({ method: 'POST', url: `${server.url}${path}` })
const tooLate = { name: 'ConnectError', class: 'transient', message: expect.stringContaining('had passed') as string }

describe('what a write call asks', () => {
  it('is not sent once its time has passed, while others may ask on', async () => {
    await expect(callUntil(AbortSignal.abort(), () => ask('/late'))).rejects.toMatchObject(tooLate)
    await ask('/another')
    expect(server.asked.splice(0).map(({ path }) => path)).toEqual(['/another'])
  })

  it('after it ended is refused, though another call goes on by then', async () => {
    const goOn = Promise.withResolvers<null>()
    let straggler: Promise<unknown> = Promise.resolve()
    const side: WriteSide = {
      operations: ['enable-account'],
      steps: () => ['one', 'two'],
      async ensure(_operation, step) {
        if (step === 'one') {
          straggler = goOn.promise.then(() => ask('/straggler')).catch((error: unknown) => error)
          return 'applied'
        }
        goOn.resolve(null)
        await straggler
        await ask('/two')
        return 'applied'
      },
    }
    const lease = new Lease(systemClock, 30_000)
    await lease.renew(() => Promise.resolve())
    const of = { name: 'enable-account', account: 'ann', ref: null, credential: null, attributes: {} } as const
    for (const step of ['one', 'two']) {
      const told = await callStep({ operation: 0, of, step }, {
        side, command: 'c', lease, renew: () => Promise.resolve(), clock: systemClock, signal: new AbortController().signal, begunBefore: false,
      })
      expect(told.outcome).toBe('applied')
    }
    expect(await straggler).toMatchObject(tooLate)
    expect(server.asked.splice(0).map(({ path }) => path)).toEqual(['/two'])
  })
})
