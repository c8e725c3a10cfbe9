import { afterAll, describe, expect, it } from 'vitest'
import { WebhookKit } from '../../src/conformance/webhook-kit.ts'
import { webhookScenarios } from '../../src/conformance/webhook-scenarios.ts'
import type { Received, Receiver } from '../../src/connect/webhooks/receiver.ts'
import type { Incoming } from '../../src/connect/webhooks/signature.ts'
import { send } from '../../src/hostile/webhook-sender.ts'
import { Workbench } from './workbench.ts'

describe.each([
  ['standard', 'content'],
  ['hmac', 'content'],
  ['standard', 'hints'],
] as const)('webhooks, %s, %s', (scheme, meaning) => {
  const bench = new Workbench()
  const kit = new WebhookKit(bench.options, scheme, meaning)
  afterAll(() => bench.dispose())

  it('are known as they were sent where nothing goes wrong', async () => {
    expect(await kit.run(null)).toEqual([])
  })

  const own = webhookScenarios.filter((scenario) => (scenario.scheme ?? scheme) === scheme)
  it.each(own.map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
    expect(await kit.run(scenario)).toEqual([])
  })
})

/** Scenarios that deliveries do not pass which are received so. */
async function failuresOf(wrap: (receiver: Receiver) => Receiver): Promise<string[]> {
  const bench = new Workbench()
  const kit = new WebhookKit(bench.options, 'hmac', 'content', wrap)
  const failed: string[] = []
  for (const scenario of webhookScenarios.filter((one) => one.scheme !== 'standard')) if ((await kit.run(scenario)).length > 0) failed.push(scenario.name)
  bench.dispose()
  return failed
}

describe('a receiver that', () => {
  it('signs what it gets itself, instead of checking it, is found out', async () => {
    const resigned = (incoming: Incoming): Incoming => {
      const { headers } = send('hmac', { id: incoming.headers['x-github-delivery'] ?? '', body: Buffer.from(incoming.body).toString('utf8'), signedAt: 0 })
      return { headers, body: incoming.body }
    }
    expect(await failuresOf((receiver) => ({ receive: (incoming, now) => receiver.receive(resigned(incoming), now) }))).toEqual([
      'signed with another secret', 'one byte changed on the way', 'cut on the way', 'emptied on the way', 'no signature, hmac', 'a signature of another kind, hmac',
    ])
  })

  it('gives each delivery an id of its own is found out', async () => {
    let count = 0
    const renamed = (received: Received): Received => ('delivery' in received ? { delivery: { ...received.delivery, id: `own-${count++}` } } : received)
    expect(await failuresOf((receiver) => ({ receive: (incoming, now) => renamed(receiver.receive(incoming, now)) }))).toEqual([
      'each is sent twice', 'everything is sent again at the end', 'everything is sent again by another process', 'everything is sent again ten minutes later', 'two deliveries have one id',
    ])
  })

  it('knows no order is found out', async () => {
    const unordered = (received: Received): Received => ('delivery' in received ? { delivery: { ...received.delivery, sequence: null, time: null } } : received)
    expect(await failuresOf((receiver) => ({ receive: (incoming, now) => unordered(receiver.receive(incoming, now)) }))).toEqual([
      'signed with another secret', 'one byte changed on the way', 'cut on the way', 'emptied on the way', 'no signature, hmac', 'a signature of another kind, hmac', 'there is no sequence',
      'never sent', 'everything is sent again under other ids', 'the last one comes first', 'one comes after it was given up', 'two deliveries have one id',
    ])
  })
})
