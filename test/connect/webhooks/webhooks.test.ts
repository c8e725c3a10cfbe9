import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AppSource } from '../../../src/connect/app-reader.ts'
import type { ConnectEvent } from '../../../src/connect/events.ts'
import { type Scheduler, startScheduler } from '../../../src/connect/scheduler.ts'
import { WebhookConfig } from '../../../src/connect/webhooks/config.ts'
import { createReceiver, type Received } from '../../../src/connect/webhooks/receiver.ts'
import { ConnectError, type Mapped } from '../../../src/ports/connector.ts'
import { openPublisher } from '../../../src/runtime/publisher.ts'
import { Lab } from '../lab.ts'

const verify = { kind: 'hmac', secrets: ['env:HOOK'] }
/** An application that can't be read: deliveries are all there is. */
const content = {
  verify,
  map: [
    { piece: 'account', when: 'has(row.user.name)', id: 'row.user.id', display: 'row.user.name', status: 'row.user.active' },
    { piece: 'membership', for: 'row.?added.orValue([])', account: 'row.user.id', id: 'item' },
  ],
  remove: [{ piece: 'membership', for: 'row.?removed.orValue([])', account: 'row.user.id', id: 'item' }],
  gone: 'body.?deleted.orValue(dyn(null))',
  time: 'body.?at',
  sequence: 'body.?seq',
}

let lab: Lab
let events: ConnectEvent[]
let read: string[]
let snapshots: number
const running: Scheduler[] = []
beforeEach(() => {
  lab = new Lab(1)
  events = []
  read = []
  snapshots = 0
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((scheduler) => scheduler.stop()))
  lab.dispose()
})

const account = (id: string): Mapped => ({ piece: 'account', id, valid: null, attributes: { kind: 'human', status: 'active', display: null, created: null, lastUsed: null, owner: null, values: {} } })

function source(webhook: object, patch: Partial<AppSource> = {}): AppSource {
  return {
    name: 'app', ids: 'fold', everySeconds: 3_600, changesEverySeconds: 3_600, changesLagMs: 0, visibilityMs: null, active: true, limits: { maxPerSecond: 100, maxInFlight: 2 }, config: {},
    webhook: WebhookConfig.parse(webhook),
    open: () => {
      snapshots += 1
      const readOne = (id: string): Promise<Mapped[]> => {
        read.push(id)
        return id === 'broken' ? Promise.reject(new ConnectError('permission', 'no', id)) : Promise.resolve([account(id)])
      }
      return Promise.resolve({ streams: [], readOne, close: () => Promise.resolve() })
    },
    ...patch,
  }
}

async function start(app: AppSource): Promise<Scheduler> {
  const scheduler = await startScheduler({
    log: lab.log, codec: lab.codec, clock: lab.clock, apps: [app], feeds: {}, idRules: {}, dataDir: lab.dataDir, baseDir: lab.dataDir, env: {}, onEvent: (event) => events.push(event), random: () => 0,
  })
  running.push(scheduler)
  return scheduler
}

/** As it comes in by HTTP: signed, verified, kept. */
async function deliver(webhook: object, id: string, body: unknown, raw?: string | Buffer): Promise<Received> {
  const receiver = createReceiver('app', WebhookConfig.parse(webhook), ['secret'])
  const bytes = typeof raw === 'object' ? raw : Buffer.from(raw ?? JSON.stringify(body))
  const signature = `sha256=${createHmac('sha256', 'secret').update(bytes).digest('hex')}`
  const received = receiver.receive({ headers: { 'x-github-delivery': id, 'x-hub-signature-256': signature }, body: bytes }, lab.clock.nowMs())
  if ('refused' in received) return received
  const publisher = await openPublisher({ log: lab.log, codec: lab.codec, clock: lab.clock, id: 'http' })
  await publisher.publish([{ topic: 'commands', key: 'app', record: received.delivery }])
  return received
}

const told = () => events.flatMap((event) => (event.event === 'deliveries' ? [{ taken: event.taken, silent: event.silent, missing: event.missing }] : []))
const accounts = () => lab.of('raw', 'Account')
const user = (id: string, more: object = {}) => ({ user: { id, name: `User ${id}`, active: true }, ...more })
const deliversOnly = { deliversOnly: true } as const

describe('deliveries that say what changed, of an application that is not read', () => {
  it('become observations: pieces added, pieces removed, accounts gone', async () => {
    const scheduler = await start(source(content, deliversOnly))
    await deliver(content, 'd1', user('Ann', { added: ['g1', 'g2'] }))
    await deliver(content, 'd2', { user: { id: 'ann' }, removed: ['g1'] })
    await deliver(content, 'd3', { user: { id: 'bob' }, deleted: 'bob' })
    await scheduler.idle()
    const [first, second, third] = await accounts()
    expect(first).toMatchObject({ id: 'ann', native: 'Ann', run: null, gone: false, attributes: { whole: true, display: 'User Ann', status: 'active' }, memberships: { whole: false, added: [{ ref: { id: 'g1' } }, { ref: { id: 'g2' } }], removed: [] } })
    expect(second).toMatchObject({ id: 'ann', gone: false, attributes: null, memberships: { whole: false, added: [], removed: [{ kind: 'group', id: 'g1' }] } })
    expect(third).toMatchObject({ id: 'bob', gone: true })
    expect(snapshots).toBe(0)
  })

  it('are taken once, however often they come, also after a restart', async () => {
    const first = await start(source(content, deliversOnly))
    await deliver(content, 'd1', user('ann'))
    await deliver(content, 'd1', user('ann'))
    await first.idle()
    await first.stop()
    await deliver(content, 'd1', user('ann'))
    await deliver(content, 'd2', user('bob'))
    await (await start(source(content, deliversOnly))).idle()
    expect((await accounts()).map(({ id }) => id)).toEqual(['ann', 'bob'])
  })

  it('that are older than what is known of the account change nothing', async () => {
    const scheduler = await start(source(content, deliversOnly))
    await deliver(content, 'new', user('ann', { at: '2026-01-01T10:00:00Z' }))
    await deliver(content, 'old', { user: { id: 'ann' }, deleted: 'ann', at: '2026-01-01T09:00:00Z' })
    await deliver(content, 'other', user('bob', { at: '2026-01-01T08:00:00Z' }))
    await scheduler.idle()
    expect((await accounts()).map(({ id, gone }) => [id, gone])).toEqual([['ann', false], ['bob', false]])
  })

  it('with the whole account replace what was known of it', async () => {
    const whole = { verify, whole: true, map: content.map }
    await (await start(source(whole, deliversOnly))).idle()
    await deliver(whole, 'd1', user('ann'))
    await running[0]!.idle()
    expect((await accounts())[0]).toMatchObject({ memberships: { whole: true, added: [] }, grants: null })
  })

  it('are masked where they show a secret, before they are kept', async () => {
    const scheduler = await start(source(content, deliversOnly))
    await deliver(content, 'd1', { user: { id: 'ann', name: `see ghp_${'Planted0'.repeat(5)}`, active: true } })
    await scheduler.idle()
    expect(await accounts()).toMatchObject([{ id: 'ann', attributes: { display: '<secret>' } }])
    expect(await lab.of('commands', 'Delivery')).toMatchObject([{ id: 'd1', pieces: expect.not.stringContaining('Planted') as string }])
  })

  it('that can not be mapped are dead letters, without their content', async () => {
    const scheduler = await start(source(content, deliversOnly))
    await deliver(content, 'd1', { user: { name: 'hunter2-in-a-name', active: true } })
    await deliver(content, 'd2', null, '{"user": "hunter2')
    await deliver(content, 'd3', null, Buffer.from('{"user":{"id":"müller","name":"hunter2","active":true}}', 'latin1'))
    await scheduler.idle()
    const letters = await lab.all('dead-letters')
    expect(letters).toMatchObject([
      { stage: 'map', code: 'webhook', place: 'delivery d1', reason: 'account.id (row.user.id): a field is missing' },
      { place: 'delivery d2', reason: 'the body is not JSON' },
      { place: 'delivery d3', reason: 'the body is not UTF-8 at byte 17' },
    ])
    expect(JSON.stringify(letters)).not.toContain('hunter2')
  })
})

describe('what does not come', () => {
  it('is told where the sequence has a gap that stays; one that was only overtaken is not', async () => {
    const scheduler = await start(source(content, deliversOnly))
    for (const seq of [1, 2, 5, 4, 7]) await deliver(content, `d${seq}`, user(`u${seq}`, { seq }))
    await scheduler.idle()
    expect(await lab.all('dead-letters')).toEqual([])
    expect(told().at(-1)).toMatchObject({ missing: 2 })
    lab.clock.advance(59_000)
    await deliver(content, 'd6', user('u6', { seq: 6 }))
    await scheduler.idle()
    lab.clock.advance(2_000)
    await vi.waitFor(async () => expect(await lab.all('dead-letters')).toMatchObject([{ code: 'webhook-gap', reason: '1 deliveries never came', place: 'sequence 3' }]))
    expect(told().reduce((sum, { taken }) => sum + taken, 0)).toBe(6)
  })

  it('is told where nothing comes for longer than expected, once', async () => {
    const expecting = { ...content, expectEverySeconds: 60 }
    const scheduler = await start(source(expecting, deliversOnly))
    await deliver(expecting, 'beat', { user: { id: 'ann' } })
    await scheduler.idle()
    lab.clock.advance(59_000)
    await scheduler.idle()
    expect(await lab.all('dead-letters')).toEqual([])
    lab.clock.advance(2_000)
    await vi.waitFor(async () => expect(await lab.all('dead-letters')).toMatchObject([{ code: 'webhook-silence', reason: 'nothing was delivered for 61 s' }]))
    expect(events.filter(({ event }) => event === 'problem')).toMatchObject([{ doing: 'waiting for webhooks', reason: expect.stringContaining('61 s') as string }])
    lab.clock.advance(120_000)
    await scheduler.idle()
    expect(await lab.all('dead-letters')).toHaveLength(1)
    expect(told().slice(-2)).toEqual([{ taken: 1, silent: false, missing: 0 }, { taken: 0, silent: true, missing: 0 }])
    await scheduler.stop()
    // whoever takes over knows it from the beginning, and tells it once
    events.length = 0
    const next = await start(source(expecting, deliversOnly))
    await next.idle()
    expect(told()).toEqual([{ taken: 0, silent: true, missing: 0 }])
    await deliver(expecting, 'beat 2', { user: { id: 'ann' } })
    await next.idle()
    expect(told().at(-1)).toEqual({ taken: 1, silent: false, missing: 0 })
    expect(await lab.all('dead-letters')).toHaveLength(1)
  })
})

describe('deliveries that are hints, of an application that is read', () => {
  const hints = { verify, when: 'body.?kind.orValue("") != "ping"', accounts: 'body.users' }

  it('have their accounts read again, each once', async () => {
    const scheduler = await start(source(hints))
    await scheduler.idle()
    await deliver(hints, 'd1', { users: ['ann', 'bob'] })
    await deliver(hints, 'd1', { users: ['ann', 'bob'] })
    await deliver(hints, 'd2', { users: 'ann' })
    await deliver(hints, 'd3', { kind: 'ping' })
    await scheduler.idle()
    // Whether d1 and d2 were taken together is a matter of time; d1 counts once.
    expect(read.slice(0, 2)).toEqual(['ann', 'bob'])
    expect(read.filter((id) => id === 'bob')).toEqual(['bob'])
    expect((await accounts()).every(({ run }) => run === null)).toBe(true)
  })

  it('that can not be understood have the whole application read', async () => {
    const scheduler = await start(source(hints))
    await scheduler.idle()
    const before = events.filter(({ event }) => event === 'run').length
    await deliver(hints, 'd1', { nobody: true })
    await scheduler.idle()
    expect(events.filter(({ event }) => event === 'run')).toHaveLength(before + 1)
    expect(await lab.all('dead-letters')).toMatchObject([{ code: 'webhook', reason: 'body.users: a field is missing' }])
  })
})

describe('settings', () => {
  it('say either what to read again or what a delivery means', () => {
    for (const settings of [{ verify }, { ...content, accounts: 'body.users' }, { verify, map: [{ piece: 'definition', id: 'row.id' }] }, { verify, accounts: 'row.users' }]) {
      expect(WebhookConfig.safeParse(settings).success).toBe(false)
    }
  })
})
