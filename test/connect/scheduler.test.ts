import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FeedConfig } from '../../schemas/config.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import type { AppSource } from '../../src/connect/app-reader.ts'
import type { ConnectEvent } from '../../src/connect/events.ts'
import { ExpiredCursor } from '../../src/connect/paging/endpoint.ts'
import { type Scheduler, startScheduler } from '../../src/connect/scheduler.ts'
import { partitionOf } from '../../src/core/partition.ts'
import type { Share } from '../../src/ports/assignment.ts'
import { ConnectError, type ConnectorSession, type Mapped, type Page } from '../../src/ports/connector.ts'
import { forwardedLog } from '../../src/ports/forwarded-log.ts'
import type { Log } from '../../src/ports/log.ts'
import { openPublisher } from '../../src/runtime/publisher.ts'
import { HandShare } from '../runtime/hand-share.ts'
import { Lab, startOfTime } from './lab.ts'

/** An application whose accounts a test changes while it runs. */
class LiveApp {
  readonly accounts = new Map<string, string>()
  readonly log: string[] = []
  changed: string[] = []
  broken: ConnectError | null = null
  /** this cursor is no longer known */
  forgotten: string | null = null
  /** this account can't be read just now */
  unreadable: string | null = null
  active = 0
  most = 0
  #cursor = 0

  constructor(...ids: string[]) {
    for (const id of ids) this.accounts.set(id, `User ${id}`)
  }

  source(settings: Partial<AppSource> = {}): AppSource {
    return { name: 'app', ids: 'exact', everySeconds: 60, changesEverySeconds: 10, changesLagMs: 0, visibilityMs: null, active: true, limits: { maxPerSecond: 1_000, maxInFlight: 8 }, config: {}, open: () => this.#open(), ...settings }
  }

  #pieces(id: string): Mapped[] {
    const display = this.accounts.get(id) ?? null
    return [{ piece: 'account', id, valid: null, attributes: { kind: 'human', status: 'active', display, created: null, lastUsed: null, owner: null, values: {} } }]
  }

  async *#pages(): AsyncGenerator<Page> {
    this.log.push('snapshot')
    await Promise.resolve()
    yield { rows: [...this.accounts.keys()], place: 'users', total: null, start: null }
  }

  #open(): Promise<ConnectorSession> {
    if (this.broken !== null) return Promise.reject(this.broken)
    this.active += 1
    this.most = Math.max(this.most, this.active)
    return Promise.resolve({
      streams: [{ name: 'users', classes: ['accounts'], proof: 'cursor', map: (row) => this.#pieces(row as string), pages: () => this.#pages() }],
      readOne: (id) => {
        this.log.push(`read ${id}`)
        if (id === this.unreadable) return Promise.reject(new ConnectError('throttled', 'not now', id))
        return Promise.resolve(this.accounts.has(id) ? this.#pieces(id) : null)
      },
      changes: (cursor) => {
        this.log.push(`changes ${cursor ?? 'from now'}`)
        if (cursor !== null && cursor === this.forgotten) return Promise.reject(new ExpiredCursor('changes'))
        const accounts = cursor === null ? [] : this.changed.splice(0)
        return Promise.resolve({ accounts, cursor: `c${this.#cursor++}` })
      },
      close: () => {
        this.active -= 1
        return Promise.resolve()
      },
    })
  }
}

let lab: Lab
let schedulers: Scheduler[]
let events: ConnectEvent[]
beforeEach(() => {
  lab = new Lab(2)
  schedulers = []
  events = []
})
afterEach(async () => {
  await Promise.all(schedulers.map((scheduler) => scheduler.stop()))
  expect(lab.leftovers()).toEqual([])
  lab.dispose()
})

async function start(apps: AppSource[], feeds: Record<string, FeedConfig> = {}, share?: Share, log: Log = lab.log): Promise<Scheduler> {
  const scheduler = await startScheduler({
    ...(share === undefined ? {} : { share }),
    log, codec: lab.codec, clock: lab.clock, apps, feeds, idRules: Object.fromEntries(apps.map(({ name, ids }) => [name, ids])), dataDir: lab.dataDir, baseDir: lab.dataDir, env: {},
    onEvent: (event) => events.push(event), random: () => 0,
  })
  schedulers.push(scheduler)
  return scheduler
}

let commands = 0
async function command(kind: 'sync' | 'reread', account: string | null = null, app = 'app'): Promise<void> {
  const publisher = await openPublisher({ log: lab.log, codec: lab.codec, clock: lab.clock, id: 'commander' })
  const record: RecordOf<'commands'> = { type: 'Command', id: `c${commands++}`, app, kind, account, run: null, reason: 'test', write: null, at: startOfTime, cause: null }
  await publisher.publish([{ topic: 'commands', key: app, record }])
}

const runs = () => events.filter((event) => event.event === 'run')

describe('snapshots', () => {
  it('begin by removing what a killed process left behind', async () => {
    mkdirSync(join(lab.dataDir, 'spool'))
    writeFileSync(join(lab.dataDir, 'spool', '1.old.spool'), 'rows')
    await (await start([new LiveApp('ann').source()])).idle()
    expect(lab.leftovers()).toEqual([])
  })

  it('are waited for by name', async () => {
    const source = (name: string): AppSource => ({ ...new LiveApp('ann').source(), name })
    const answered = Promise.withResolvers<undefined>()
    const slow = source('slow')
    const scheduler = await start([source('app'), source('other'), { ...slow, open: (platform) => answered.promise.then(() => slow.open(platform)) }])
    const busy: string[][] = []
    const idle = scheduler.idle((sources) => busy.push([...sources].sort()))
    await vi.waitFor(() => expect(busy.at(-1)).toEqual(['slow']))
    expect(busy[0]).toEqual(['app', 'other', 'slow'])
    answered.resolve(undefined)
    await idle
    expect(busy.at(-1)).toEqual([])
  })

  it('one at once, then one a period, never two at a time', async () => {
    const app = new LiveApp('ann')
    const scheduler = await start([app.source()])
    await scheduler.idle()
    expect(runs()).toMatchObject([{ source: 'app', result: { run: 1, verdict: 'complete' }, nextInMs: 60_000 }])
    lab.clock.advance(59_000)
    await scheduler.idle()
    expect(runs()).toHaveLength(1)
    lab.clock.advance(1_000)
    await vi.waitFor(() => expect(runs()).toHaveLength(2))
    expect(app.most).toBe(1)
  })

  it('that fail are tried again soon, and less and less often', async () => {
    const app = new LiveApp('ann')
    app.broken = new ConnectError('transient', 'down', 'somewhere')
    const scheduler = await start([app.source({ everySeconds: 3_600 })])
    await scheduler.idle()
    expect(runs()).toMatchObject([{ result: { verdict: 'partial' }, nextInMs: 2_500 }])
    lab.clock.advance(10_000)
    await vi.waitFor(() => expect(runs()).toHaveLength(2))
    expect(runs()[1]).toMatchObject({ nextInMs: 5_000 })
    app.broken = null
    lab.clock.advance(10_000)
    await vi.waitFor(() => expect(runs()).toHaveLength(3))
    expect(runs()[2]).toMatchObject({ result: { verdict: 'complete', run: 3 }, nextInMs: 3_600_000 })
  })

  it('are not taken of a paused application, which is idle', async () => {
    const app = new LiveApp('ann')
    const scheduler = await start([app.source({ active: false })])
    await command('sync')
    await scheduler.idle()
    expect(app.log).toEqual([])
    expect(events).toMatchObject([{ event: 'problem', reason: 'the application is paused' }])
  })
})

describe('commands', () => {
  it('reread reads that account and publishes what it is, outside of any run', async () => {
    const app = new LiveApp('ann')
    const scheduler = await start([app.source()])
    await scheduler.idle()
    app.accounts.set('ann', 'Ann B.')
    await command('reread', 'ann')
    await command('reread', 'ghost')
    await command('reread', 'other', 'another-app')
    await scheduler.idle()
    const single = (await lab.of('raw', 'Account')).filter(({ run }) => run === null)
    expect(single).toHaveLength(2)
    expect(single.find(({ id }) => id === 'ann')).toMatchObject({ gone: false, attributes: { whole: true, display: 'Ann B.' }, memberships: null })
    expect(single.find(({ id }) => id === 'ghost')).toMatchObject({ gone: true, attributes: null })
    const end = (await lab.of('raw', 'RunEnd'))[0]!
    for (const { observed } of single) expect(observed).toBeGreaterThan(end.observed)
    expect(app.log.filter((entry) => entry.startsWith('read'))).toEqual(['read ann', 'read ghost'])
  })

  it('what a reread shows of a secret is masked, and no dead letter: nothing is lost', async () => {
    const app = new LiveApp('ann')
    const scheduler = await start([app.source()])
    await scheduler.idle()
    app.accounts.set('ann', `see ghp_${'Planted0'.repeat(5)}`)
    await command('reread', 'ann')
    await scheduler.idle()
    expect((await lab.of('raw', 'Account')).filter(({ run }) => run === null)).toMatchObject([{ id: 'ann', attributes: { display: '<secret>' } }])
    expect(await lab.all('dead-letters')).toEqual([])
  })

  it('sync takes a snapshot now', async () => {
    const app = new LiveApp('ann')
    const scheduler = await start([app.source()])
    await scheduler.idle()
    await command('sync')
    await scheduler.idle()
    expect(runs()).toHaveLength(2)
  })

  it('are done once, also over a restart', async () => {
    const app = new LiveApp('ann')
    const first = await start([app.source()])
    await command('reread', 'ann')
    await first.idle()
    await first.stop()
    await command('reread', 'bob')
    const second = await start([app.source()])
    await second.idle()
    expect(app.log.filter((entry) => entry.startsWith('read'))).toEqual(['read ann', 'read bob'])
    expect(runs().map(({ result }) => result.run)).toEqual([1, 2])
  })

  it('that the application refuses are told, and do not stop the others', async () => {
    const app = new LiveApp('ann')
    const source = app.source()
    const failing: AppSource = {
      ...source,
      open: async (platform) => ({
        ...(await source.open(platform)),
        readOne: (id) => Promise.reject(new ConnectError('permission', 'not allowed', `user ${id}`)),
      }),
    }
    const scheduler = await start([failing])
    await command('reread', 'ann')
    await scheduler.idle()
    expect(events.find(({ event }) => event === 'problem')).toMatchObject({ doing: 'reading account ann', reason: 'permission: not allowed (user ann)' })
    expect((await lab.of('raw', 'Account')).every(({ run }) => run !== null)).toBe(true)
  })
})

describe('changes', () => {
  it('are asked for from before the first snapshot on, and read singly', async () => {
    const app = new LiveApp('ann', 'bob')
    const scheduler = await start([app.source()])
    await scheduler.idle()
    expect(app.log.slice(0, 2)).toEqual(['changes from now', 'snapshot'])
    app.changed = ['bob', 'bob', 'ghost']
    app.accounts.set('bob', 'Bob C.')
    lab.clock.advance(10_000)
    await vi.waitFor(() => expect(events.find(({ event }) => event === 'reread')).toMatchObject({ accounts: 2 }))
    const single = (await lab.of('raw', 'Account')).filter(({ run }) => run === null)
    expect(single.map(({ id, gone }) => [id, gone]).sort()).toEqual([['bob', false], ['ghost', true]])
    expect(app.log).toContain('changes c0')
  })

  it('go on after a restart from where they were', async () => {
    const app = new LiveApp('ann')
    const first = await start([app.source()])
    await first.idle()
    await first.stop()
    app.log.length = 0
    await (await start([app.source()])).idle()
    expect(app.log[0]).toBe('changes c0')
  })

  it('that can not be read just now are asked for again, for a while; then the snapshot has to show them', async () => {
    const app = new LiveApp('ann', 'bob')
    await (await start([app.source({ everySeconds: 100_000 })])).idle()
    app.unreadable = 'ann'
    app.log.length = 0
    const asked = (): string[] => app.log.filter((line) => line.startsWith('changes'))
    for (let poll = 0; poll < 4; poll++) {
      app.changed = ['ann', 'bob']
      lab.clock.advance(poll < 3 ? 10_000 : 900_000)
      await vi.waitFor(() => expect(asked()).toHaveLength(poll + 1))
      await vi.waitFor(() => expect(app.active).toBe(0))
    }
    expect(asked()).toEqual(['changes c0', 'changes c0', 'changes c0', 'changes c0'])
    app.unreadable = null
    app.changed = ['ann']
    lab.clock.advance(10_000)
    await vi.waitFor(() => expect(asked()).toHaveLength(5))
    expect(asked().at(-1)).not.toBe('changes c0')
  })

  it('whose cursor is no longer known begin anew, before a snapshot that shows what was missed', async () => {
    const app = new LiveApp('a')
    const scheduler = await start([app.source()])
    await scheduler.idle()
    app.forgotten = 'c0'
    app.log.length = 0
    lab.clock.advance(10_000)
    await vi.waitFor(() => expect(app.log).toContain('snapshot'))
    expect(app.log.slice(0, 3)).toEqual(['changes c0', 'changes from now', 'snapshot'])
    expect(events.filter(({ event }) => event === 'problem')).toMatchObject([{ doing: 'asking for changes', reason: expect.stringContaining('no longer knows the cursor') as string }])
  })
})

describe('feeds', () => {
  const feed = (config: object): FeedConfig => FeedConfig.parse({ class: 'identities', format: 'csv', ...config })

  it('tell which applications they name that nobody configured, in their runs and in the answer to a post', async () => {
    const header = 'id,identity,app,entitlement,from,approvedBy'
    writeFileSync(join(lab.dataDir, 'desk.csv'), `${header}\n1,7,shop,e,2026-01-01,8\n2,7,sohp,e,2026-01-01,8\n`)
    const scheduler = await start([{ ...new LiveApp('ann').source(), name: 'shop' }], { desk: feed({ class: 'requests', path: 'desk.csv' }), api: feed({ class: 'requests' }) })
    await scheduler.idle()
    const unknownApps = [{ app: 'sohp', rows: 1, near: 'shop' }]
    expect(runs().map(({ source, result }) => [source, result.unknownApps]).sort()).toEqual([['desk', unknownApps], ['shop', null]])
    const posted = ['shop', 'sohp'].map((app, id) => ({ id, identity: '7', app, entitlement: 'e', from: '2026-01-01', approvedBy: '8' }))
    expect(await scheduler.postIntent('api', posted)).toEqual({ accepted: 2, rejected: [], unknownApps })
  })

  it('leave the account of an application that nobody configured as it is, whatever its name', async () => {
    const scheduler = await start([], { api: feed({ class: 'links' }) })
    await scheduler.postIntent('api', ['constructor', 'toString', 'wiki'].map((app) => ({ app, account: 'Ann', identity: '7' })))
    expect((await lab.of('intent', 'AccountLink')).map(({ id, account }) => [id, account]).sort()).toEqual([['constructor/Ann/holder', 'Ann'], ['toString/Ann/holder', 'Ann'], ['wiki/Ann/holder', 'Ann']])
  })

  it('files are read like applications; rows can be posted beside them', async () => {
    writeFileSync(join(lab.dataDir, 'hr.csv'), 'id\n1\n')
    const scheduler = await start([], { hr: feed({ path: 'hr.csv', everySeconds: 30 }), api: feed({}) })
    await scheduler.idle()
    expect(runs()).toMatchObject([{ source: 'hr', result: { verdict: 'complete' } }])
    expect(await scheduler.postIntent('api', [{ id: '2' }])).toMatchObject({ accepted: 1 })
    await expect(scheduler.postIntent('nope', [])).rejects.toMatchObject({ class: 'not-found' })
    expect((await lab.of('intent', 'Identity')).map(({ feed: name, id, run }) => [name, id, run]).sort()).toEqual([['api', '2', null], ['hr', '1', 1]])
    lab.clock.advance(30_000)
    await vi.waitFor(() => expect(runs()).toHaveLength(2))
  })
})

describe('processes that share', () => {
  const feed = FeedConfig.parse({ class: 'identities', format: 'csv' })
  const nameIn = (partition: number, prefix: string): string => Array.from({ length: 20 }, (_, i) => `${prefix}${i}`).find((name) => partitionOf(name, 2) === partition)!

  it('run each what hashes to their partitions of commands; whose owner is gone goes on elsewhere from its checkpoint', async () => {
    const [mine, yours] = [new LiveApp('ann'), new LiveApp('bob')]
    const apps = [mine.source({ name: nameIn(0, 'app') }), yours.source({ name: nameIn(1, 'app') })]
    const feeds = { [nameIn(0, 'feed')]: feed, [nameIn(1, 'feed')]: feed }
    const share = new HandShare([0], 0, ['commands'])
    const first = await start(apps, feeds, share)
    await first.idle()
    expect([mine.log, yours.log]).toEqual([['changes from now', 'snapshot'], []])
    await expect(first.postIntent(nameIn(1, 'feed'), [{ id: '1' }])).rejects.toThrow(/is written by another process now/)
    const second = await start(apps, feeds, new HandShare([1], 0, ['commands']))
    await second.idle()
    expect([mine.log.length, yours.log]).toEqual([2, ['changes from now', 'snapshot']])
    expect(await second.postIntent(nameIn(1, 'feed'), [{ id: '1' }])).toMatchObject({ accepted: 1 })

    await share.give(0, 1)
    await first.idle()
    expect(await first.postIntent(nameIn(1, 'feed'), [{ id: '2' }])).toMatchObject({ accepted: 1 })
    expect(yours.log.slice(2, 4)).toEqual(['changes c0', 'snapshot'])
    expect(runs().filter(({ source }) => source === apps[1]!.name).map(({ result }) => result.run)).toEqual([1, 2])
    await expect(second.postIntent(nameIn(1, 'feed'), [{ id: '3' }])).rejects.toThrow(/took this publisher over/)
    expect((await lab.of('intent', 'Identity')).map(({ id }) => id).sort()).toEqual(['1', '2'])
  })
})

describe('an outage of the log', () => {
  /** `answers`: commits land, but their answers are lost; nor can a state be opened. */
  function failing(): { log: Log; begin: (answers: 'lost' | 'none') => void; end: () => void } {
    let out: 'lost' | 'none' | null = null
    const { log } = lab
    const down = (): Promise<never> => Promise.reject(new Error('no broker answers'))
    const openTask: Log['openTask'] = async (id) => {
      if (out !== null) return await down()
      const store = await log.openTask(id)
      return {
        id,
        state: store.state,
        isTakenOver: () => (out === null ? store.isTakenOver() : down()),
        close: () => store.close(),
        async commit(change) {
          if (out === 'none') return await down()
          const result = await store.commit(change)
          return out === null ? result : await down()
        },
      }
    }
    return { log: { ...forwardedLog(log), openTask }, begin: (answers) => (out = answers), end: () => (out = null) }
  }
  const problems = () => events.flatMap((event) => (event.event === 'problem' ? [event] : []))
  const reads = (app: LiveApp): string[] => app.log.filter((entry) => entry.startsWith('read'))

  it.each([
    ['landed', 1, 'lost'],
    ['did not land', 2, 'none'],
  ] as const)('is told, and the work begins anew from the checkpoint when it is over: a command whose result %s is carried out %i times', async (_, times, answers) => {
    const app = new LiveApp('ann')
    const { log, begin, end } = failing()
    const scheduler = await start([app.source({ everySeconds: 100_000, changesEverySeconds: 100_000 })], {}, undefined, log)
    await scheduler.idle()
    begin(answers)
    await command('reread', 'ann')
    await vi.waitFor(() => expect(problems()).toHaveLength(1))
    expect(problems()[0]).toMatchObject({ source: 'app', doing: 'working', nextInMs: 500, reason: expect.stringMatching(/whether it was written can't be read yet/) as string })
    const idle = scheduler.idle()
    lab.clock.advance(500)
    await vi.waitFor(() => expect(problems()).toHaveLength(2))
    expect(problems()[1]).toMatchObject({ source: 'app', doing: 'taking over', nextInMs: 1_000, reason: expect.stringMatching(/an earlier commit can't be read yet/) as string })
    end()
    lab.clock.advance(1_000)
    await idle
    expect(reads(app)).toEqual(Array<string>(times).fill('read ann'))
    expect((await lab.of('raw', 'Account')).filter(({ run }) => run === null)).toHaveLength(1)
    expect(runs().map(({ result }) => result.run)).toEqual([1, 2])
    expect(problems()).toHaveLength(2)
  })

  it('passes for rows that are posted: who posted during it is told, others go on after it', async () => {
    const feed = FeedConfig.parse({ class: 'identities', format: 'csv' })
    const { log, begin, end } = failing()
    const scheduler = await start([], { hr: feed }, undefined, log)
    await scheduler.idle()
    begin('lost')
    await expect(scheduler.postIntent('hr', [{ id: '1' }])).rejects.toThrow(/look whether it is there/)
    await expect(scheduler.postIntent('hr', [{ id: '2' }])).rejects.toThrow(/nothing was written/)
    end()
    expect(await scheduler.postIntent('hr', [{ id: '3' }])).toMatchObject({ accepted: 1 })
    expect((await lab.of('intent', 'Identity')).map(({ id }) => id).sort()).toEqual(['1', '3'])
  })

  it('gives no process back what another took over meanwhile', async () => {
    const app = new LiveApp('ann')
    const { log, begin, end } = failing()
    const first = await start([app.source()], {}, undefined, log)
    await first.idle()
    begin('lost')
    await command('reread', 'ann')
    await vi.waitFor(() => expect(problems()).toHaveLength(1))
    const second = await start([app.source()])
    await second.idle()
    end()
    lab.clock.advance(1_000)
    await expect(first.idle()).rejects.toMatchObject({ name: 'FencedError' })
    await command('reread', 'ann')
    await second.idle()
    expect(reads(app)).toEqual(['read ann', 'read ann'])
  })
})

describe('one owner', () => {
  it('a second scheduler takes the sources over; the first ends, says so, and publishes nothing more', async () => {
    const app = new LiveApp('ann')
    const first = await start([app.source()])
    await first.idle()
    await (await start([app.source()])).idle()
    lab.clock.advance(60_000)
    await vi.waitFor(() => expect(events.some(({ event }) => event === 'problem')).toBe(true))
    await expect(first.idle()).rejects.toMatchObject({ name: 'FencedError' })
    expect(events.filter(({ event }) => event === 'problem')).toMatchObject([{ doing: 'publishing: another process has taken over', nextInMs: null }])
    const numbers = (await lab.partition('raw', 0)).flatMap((record) => (record.type === 'RunBegin' ? [record.run] : []))
    expect(new Set(numbers).size).toBe(numbers.length)
  })
})
