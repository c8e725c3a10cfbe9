import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api } from '../../src/http/api.ts'
import { localApi, type WriteSources } from '../../src/http/local-api.ts'
import { wholeText } from '../../src/reports/held-text.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { openPublisher } from '../../src/runtime/publisher.ts'
import { openTables, type Tables } from '../reports/tables.ts'
import { access, finding, grant, syncRun } from '../sink/records.ts'
import { codec, partitions } from '../sink/world.ts'
import { MemoryLog } from '../support/memory-log.ts'

const log = new MemoryLog(partitions)
let tables: Tables
let running: WriteSources
beforeAll(async () => {
  tables = await openTables()
  await tables.add('sync-runs', syncRun({ source: 'billing' }), syncRun({ source: 'people' }))
  running = {
    clock: systemClock, publisher: await openPublisher({ log, codec, clock: systemClock, id: 'api' }), apps: ['billing', 'portal'], feeds: ['people', 'roles'],
    health: () => [], receivers: new Map(), postIntent: () => Promise.reject(new Error('nobody posts')),
  }
})
afterAll(() => tables.close())

const ask = async (filters: Record<string, string>, write: WriteSources | null, name = 'findings'): Promise<unknown> => {
  const answer = await localApi({ log, codec, store: tables.store }, write).report(name, filters, 'json', 0)
  return { ...answer, text: await wholeText(answer.text) }
}

describe('a report that finds nothing', () => {
  it('answers so where its source was read', async () => {
    for (const write of [null, running]) {
      expect(await ask({ app: 'billing' }, write)).toEqual({ text: '[]\n', cutAt: null, unknown: [], unproven: expect.any(Array) as unknown, paused: expect.any(Array) as unknown, behind: [], deadLetters: [] })
      expect(await ask({}, write)).toMatchObject({ text: '[]\n' })
    }
  })

  it('is no answer about what was never read, or not yet', async () => {
    await expect(ask({ app: 'biling' }, null)).rejects.toThrow(expect.objectContaining({ status: 404, message: 'nothing was ever read of biling; there are billing, people' }))
    await expect(ask({ source: 'pepole' }, running, 'sync-runs')).rejects.toThrow(expect.objectContaining({ status: 404 }))
    await expect(ask({ app: 'portal' }, running)).rejects.toThrow(expect.objectContaining({ status: 503, message: 'nothing was read of portal yet' }))
    await expect(ask({ source: 'roles' }, running, 'sync-runs')).rejects.toThrow(expect.objectContaining({ status: 503 }))
  })

  it('says so too of names that the tables never held', async () => {
    const write = running
    expect(await ask({ app: 'billing', account: 'u1O49' }, write)).toMatchObject({ text: '[]\n', unknown: ['account'] })
    expect(await ask({ identity: 'P1O49' }, null, 'access')).toMatchObject({ text: '[]\n', unknown: ['identity'] })
  })

  it('says what the tables lack, where nothing runs, and refuses nothing then', async () => {
    const task = await log.openTask('somebody')
    await task.commit({ appends: [{ topic: 'findings', partition: 1, key: null, timestamp: 0, value: codec.encode('findings', [finding()]) }], state: new Map() })
    expect(await ask({ app: 'biling', account: 'u1O49' }, null)).toMatchObject({ text: '[]\n', unknown: [], behind: ['findings'] })
    expect(await ask({ app: 'billing' }, running)).toMatchObject({ text: '[]\n', behind: [] })
  })
})

describe('a report that rests on what was read', () => {
  it('names the sources that were not read completely by the time that it is asked about, those of other applications left out', async () => {
    const end = syncRun({ source: 'billing', phase: 'end', verdict: 'complete', at: syncRun().at + 5_000, classes: [{ class: 'accounts', verdict: 'complete', reason: null, place: null, read: 1, declared: 1, rejected: 0, counts: [1] }] })
    await tables.add('sync-runs', end, syncRun({ source: 'billing', phase: 'partition', partition: 0, verdict: 'complete', at: end.at }))
    const never = ['portal', 'people', 'roles'].map((source) => ({ source, since: null }))
    expect(await ask({}, running, 'access')).toMatchObject({ unproven: never })
    expect(await ask({ app: 'billing' }, running)).toMatchObject({ unproven: never.slice(1) })
    expect(await ask({ app: 'billing', at: String(end.at - 1) }, running, 'access')).toMatchObject({ unproven: [{ source: 'billing', since: end.at }, ...never.slice(1)] })
    expect(await ask({ app: 'billing', at: String(end.at) }, running, 'access')).toMatchObject({ unproven: never.slice(1) })
    expect(await ask({ app: 'billing' }, running, 'lag')).toMatchObject({ unproven: [] })
  })

  it('takes an account as its application keeps it, however it is spelt', async () => {
    await tables.add('access', access({ app: 'hr', account: 'u1049', set: [grant()] }))
    const configured = { apps: ['hr'], feeds: [], ids: new Map([['hr', 'fold' as const]]) }
    const { text, unknown } = await localApi({ log, codec, store: tables.store }, running, configured).report('access', { app: 'hr', account: 'U1049' }, 'csv', 0)
    expect([(await wholeText(text)).split('\r\n').length, unknown]).toEqual([3, []])
  })

  it('names the sources that nobody reads any more, as of the earliest time that it is asked about', async () => {
    const last = syncRun().at + 5_000
    const paused = async (filters: Record<string, string>, name = 'access') => (await localApi({ log, codec, store: tables.store }, running, { apps: ['portal', 'hr'], feeds: ['people'], ids: new Map() }).report(name, filters, 'json', 0)).paused
    const billing = [{ source: 'billing', since: last }]
    expect(await paused({})).toEqual(billing)
    expect(await paused({ app: 'billing' })).toEqual(billing)
    expect(await paused({ app: 'people' })).toEqual([])
    const [then, later] = [String(last), String(last + 1)]
    for (const filters of [{ at: then }, { knownAt: then }, { at: later, knownAt: then }, { at: then, knownAt: later }]) expect(await paused(filters)).toEqual([])
    for (const filters of [{ at: later }, { knownAt: later }, { at: later, knownAt: later }]) expect(await paused(filters)).toEqual(billing)
    expect(await paused({ from: '1970-01-01', to: then }, 'access-changes')).toEqual([])
    expect(await paused({ from: '1970-01-01', to: later }, 'access-changes')).toEqual(billing)
    expect(await paused({}, 'lag')).toEqual([])
  })

  it('leaves that to the runs that there are, where the tables lack something', async () => {
    const configured = { apps: ['billing', 'portal'], feeds: ['people'], ids: new Map() }
    expect(await localApi({ log, codec, store: tables.store }, null, configured).report('findings', {}, 'json', 0)).toMatchObject({ behind: ['findings'], unproven: [{ source: 'people', since: null }] })
  })
})

describe('a ruling', () => {
  const api = (): Api => localApi({ log, codec, store: tables.store }, running)
  const ruling = { source: 'billing', kind: 'release', run: null, by: 'A. Kaya', reason: 'the site was sold' } as const

  it('on a run that never was, or a source that is none, is refused: it would have no effect, and nobody would see that', async () => {
    const { run } = syncRun()
    await expect(api().rule({ ...ruling, run: run + 1 })).rejects.toThrow(expect.objectContaining({ status: 404, message: `billing had no run ${run + 1}; its last one is ${run}` }))
    await expect(api().rule({ ...ruling, source: 'portal', run })).rejects.toThrow(expect.objectContaining({ status: 404, message: `portal had no run ${run}; it had none yet` }))
    await expect(api().rule({ ...ruling, source: 'biling' })).rejects.toThrow(expect.objectContaining({ status: 404, message: 'there is no application or feed biling; there are billing, portal, people, roles' }))
    expect(await log.end('raw', 0)).toBe(0)
  })

  it('that releases what is not held, or names no run, is refused likewise', async () => {
    await expect(api().rule(ruling)).rejects.toThrow(expect.objectContaining({ status: 400, message: expect.stringContaining('names the run') as string }))
    await expect(api().rule({ ...ruling, run: syncRun().run })).rejects.toThrow(expect.objectContaining({ status: 409, message: 'nothing that billing no longer shows is held: there is nothing to release' }))
    expect(await log.end('raw', 0)).toBe(0)
  })

  it('on one that was is recorded for all who need it', async () => {
    await tables.add('findings', finding({ id: 'held', kind: 'held-absences', app: 'billing', account: null, entitlement: null, object: 'accounts/0' }))
    await api().rule({ ...ruling, run: syncRun().run })
    for (const topic of ['raw', 'intent', 'facts'] as const) expect(await log.end(topic, 0)).toBe(1)
  })

  it('retires an application that only delivered, which has no runs, when it left the config file', async () => {
    await tables.add('access', access({ app: 'hooks', observed: 50 }))
    const paused = async (): Promise<unknown> => (await api().report('access', { app: 'hooks' }, 'json', 0)).paused
    expect(await paused()).toContainEqual({ source: 'hooks', since: null })
    const before = await log.end('rulings', 0)
    await api().rule({ ...ruling, source: 'hooks', kind: 'retire' })
    expect(await log.end('rulings', 0)).toBe(before + 1)
  })

  it('retires what left the config file, and nothing that was never read', async () => {
    await tables.add('sync-runs', syncRun({ source: 'sold' }))
    const [before, rulings] = [await log.end('raw', 0), await log.end('rulings', 0)]
    await api().rule({ ...ruling, source: 'sold', kind: 'retire' })
    expect(await log.end('raw', 0)).toBe(before + 1)
    expect(await log.end('rulings', 0)).toBe(rulings + 1)
    await expect(api().rule({ ...ruling, source: 'sold', kind: 'baseline' })).rejects.toThrow(expect.objectContaining({ status: 404 }))
    await expect(api().rule({ ...ruling, source: 'solld', kind: 'retire' })).rejects.toThrow(expect.objectContaining({ status: 404, message: expect.stringContaining('sold') as string }))
  })
})
