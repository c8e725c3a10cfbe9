import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postedRows } from '../../src/connect/sync-run.ts'
import { sourceFreshness } from '../../src/reports/freshness.ts'
import { runsOf } from '../../src/reports/known-sources.ts'
import { pausedSources } from '../../src/reports/paused.ts'
import { inactiveSources } from '../../src/reports/source-states.ts'
import { syncRuns } from '../../src/reports/sync-runs.ts'
import { access, ruling, syncRun } from '../sink/records.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
  const run = (source: string, number: number, verdict: 'complete' | 'partial', at: number, of = 'accounts') => [
    syncRun({ source, run: number, at: at - 10 }),
    syncRun({ source, run: number, phase: 'end', verdict, at, classes: [{ class: of, verdict, reason: null, place: null, read: 1, declared: 1, rejected: 0, counts: [1] }] }),
    syncRun({ source, run: number, phase: 'partition', partition: 0, verdict, at: at + 1 }),
  ]
  await tables.add(
    'sync-runs', ...run('billing', 1, 'complete', 100), ...run('portal', 1, 'complete', 200), ...run('portal', 2, 'partial', 300), ...run('desk', 1, 'partial', 100, 'requests'),
    ...run('sold', 1, 'complete', 400), ...run('back', 1, 'complete', 100), ...run('back', 2, 'complete', 600), ...run('kept', 1, 'complete', 100),
  )
  await tables.add('access', access({ app: 'hooks', observed: 50 }), access({ app: 'billing', observed: 50 }), access({ app: 'sold', observed: 390 }))
  await tables.add('rulings', ...['sold', 'back', 'kept'].map((source) => ruling({ source, at: 500 })), ruling({ source: 'portal', kind: 'baseline', at: 500 }))
})
afterAll(() => tables.close())

const configured = ['billing', 'kept']
const paused = async (app: string | null, at: number | null) => pausedSources(await inactiveSources(tables.store, configured), app, at)
const [back, desk, hooks, portal, sold] = [{ source: 'back', since: 600 }, { source: 'desk', since: null }, { source: 'hooks', since: null }, { source: 'portal', since: 200 }, { source: 'sold', since: 400 }]

describe('sources that are not active', () => {
  it('are paused where the config file lacks them, retired where a person said so and they were not read since', async () => {
    const states = (await inactiveSources(tables.store, configured)).map(({ source, state, isFeed, lastComplete }) => [source, state, isFeed, lastComplete])
    expect(states).toEqual([['back', 'paused', false, 600], ['desk', 'paused', true, null], ['hooks', 'paused', false, null], ['kept', 'retired', false, 100], ['portal', 'paused', false, 200], ['sold', 'retired', false, 400]])
    expect((await inactiveSources(tables.store, [])).map(({ source }) => source)).toContain('billing')
  })
})

describe('paused sources', () => {
  it('are those that nobody retired, with their last complete run, if they are read at all', async () => {
    expect(await paused(null, null)).toEqual([back, desk, hooks, portal])
  })

  it('concern questions about them; a feed concerns every question', async () => {
    expect(await paused('billing', null)).toEqual([desk])
    expect(await paused('portal', null)).toEqual([desk, portal])
  })

  it('were not paused at a time from which on they still had runs, but were before they were retired', async () => {
    expect(await paused(null, 300)).toEqual([desk, hooks])
    expect(await paused(null, 301)).toEqual([desk, hooks, portal])
    expect(await paused(null, 450)).toEqual([desk, hooks, portal, sold])
    expect(await paused(null, 500)).toEqual([desk, hooks, portal])
  })
})

describe('a feed that was only ever posted', () => {
  const posted = (at: number) => tables.add('sync-runs', postedRows('letters', at, 'requests', { read: 3, rejected: 1 }).record as ReturnType<typeof syncRun>)
  const state = async (): Promise<unknown> => (await inactiveSources(tables.store, configured)).find(({ source }) => source === 'letters')

  it('is known by its posts: paused when it left the file, retired until it is posted again, and never read', async () => {
    await posted(700)
    await posted(800)
    const letters = { source: 'letters', isFeed: true, lastComplete: null, lastSign: 800 }
    expect(await state()).toMatchObject({ ...letters, state: 'paused', retiredAt: null })
    expect(await paused('billing', null)).toContainEqual({ source: 'letters', since: null })
    await tables.add('rulings', ruling({ source: 'letters', at: 900 }))
    expect(await state()).toMatchObject({ ...letters, state: 'retired', retiredAt: 900 })
    await posted(1_000)
    expect(await state()).toMatchObject({ state: 'paused', lastSign: 1_000 })
    expect(await syncRuns.run(tables.store, syncRuns.filters.parse({ source: 'letters' }))).toEqual([])
    expect(await runsOf(tables.store, 'letters', 0)).toEqual({ last: 0, had: false })
    const fresh = await sourceFreshness(tables.store, configured)
    expect(fresh.find(({ source }) => source === 'letters')).toMatchObject({ lastRun: 0, lastVerdict: null, lastComplete: null, state: 'paused' })
    expect((await sourceFreshness(tables.store, [...configured, 'letters'])).find(({ source }) => source === 'letters')).toBe(undefined)
  })
})
