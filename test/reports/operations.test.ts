import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { SyncRun } from '../../schemas/wire/results.ts'
import { deadLetters, openLetters } from '../../src/reports/dead-letters.ts'
import { lag as lagReport, type LagFilters, type LagRow } from '../../src/reports/lag.ts'
import { summary } from '../../src/reports/summary.ts'
import { syncRuns, type SyncRunFilters, type SyncRunRow } from '../../src/reports/sync-runs.ts'
import { access, deadLetter, finding, grant, lag, ruling, start, syncRun } from '../sink/records.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => void (tables = await openTables()))
beforeEach(() => tables.clear())
afterAll(() => tables.close())

describe('lag', () => {
  const ask = (filters: Partial<LagFilters> = {}): Promise<LagRow[]> => lagReport.run(tables.store, lagReport.filters.parse(filters))

  it('says per app and direction how long it took and what is outstanding', async () => {
    await tables.add('lag', ...[100, 200, 300, 400, 10_000].map((lagMs, i) => lag({ lagMs, decided: start + i })), lag({ direction: 'revoke', lagMs: 7, decided: start }))
    await tables.add('access', access({ set: [grant({ entitlement: 'p1', verdict: 'pending' }), grant({ entitlement: 'p2', verdict: 'pending' }), grant()] }))
    await tables.add('access', access({ app: 'hr', set: [grant({ verdict: 'pending' })] }), access({ app: 'hr', set: [], removed: ['invoices:write'] }))
    await tables.add(
      'findings',
      finding({ id: '1', kind: 'missing-grant' }), finding({ id: '2', kind: 'missing-grant' }), finding({ id: '2', kind: 'missing-grant', change: 'closed', closedAs: 'resolved' }),
      finding({ id: '3', kind: 'expired-grant', app: 'hr' }), finding({ id: '4', kind: 'unauthorised-grant' }), finding({ id: '5', kind: 'sod-conflict', app: null }),
    )
    expect(await ask()).toEqual([
      { app: 'billing', direction: 'grant', samples: 5, p50Ms: 300, p95Ms: 10_000, maxMs: 10_000, latest: start + 4, pending: null, overdue: 1 },
      { app: 'billing', direction: 'revoke', samples: 1, p50Ms: 7, p95Ms: 7, maxMs: 7, latest: start, pending: 2, overdue: 0 },
      { app: 'hr', direction: 'grant', samples: 0, p50Ms: null, p95Ms: null, maxMs: null, latest: null, pending: null, overdue: 0 },
      { app: 'hr', direction: 'revoke', samples: 0, p50Ms: null, p95Ms: null, maxMs: null, latest: null, pending: 0, overdue: 1 },
    ])
    expect(await ask({ app: 'hr' })).toHaveLength(2)
    expect(await ask({ app: "hr' OR 1=1 --" })).toEqual([])
  })

  it('is empty where nothing is known', async () => {
    expect(await ask()).toEqual([])
  })
})

describe('runs', () => {
  const ask = (filters: Partial<SyncRunFilters> = {}): Promise<SyncRunRow[]> => syncRuns.run(tables.store, syncRuns.filters.parse(filters))
  const counts = (n: number): ClassManifest[] => [
    { class: 'accounts', verdict: 'complete', reason: null, place: null, read: 6, declared: 6, rejected: 0, counts: Array.from({ length: n }, () => 3) },
  ]
  const begin = (change: Partial<SyncRun> = {}) => syncRun({ at: start, ...change })
  const end = (change: Partial<SyncRun> = {}) => syncRun({ phase: 'end', verdict: 'complete', at: start + 9, pages: 2, read: 6, rejected: 1, classes: counts(2), ...change })
  const part = (partition: number, change: Partial<SyncRun> = {}) => syncRun({ phase: 'partition', partition, verdict: 'complete', at: start + 20, changed: 3, absent: 1, ...change })

  it('are complete when the connector’s end and every partition say so', async () => {
    await tables.add('sync-runs', begin(), end(), part(0, { unresolved: { count: 7, some: ['identity/a', 'role/x'] } }), part(1, { held: 4, unresolved: { count: 2, some: ['identity/b', 'role/x'] } }))
    expect(await ask()).toEqual([
      {
        source: 'billing', run: 1, begun: start, ended: start + 9, verdict: 'complete', reasons: [], places: [], partitionsDone: 2, partitionsExpected: 2,
        pages: 2, read: 6, rejected: 1, changed: 6, absent: 2, held: 4, unresolved: 9, unresolvedSome: ['identity/a', 'identity/b', 'role/x'], schemaChanges: [], unknownApps: [],
      },
    ])
  })

  it('have no verdict while anything is outstanding', async () => {
    await tables.add('sync-runs', begin())
    expect(await ask()).toMatchObject([{ verdict: null, ended: null, begun: start }])
    await tables.add('sync-runs', part(0), part(1))
    expect(await ask()).toMatchObject([{ verdict: null, partitionsDone: 2 }])
    await tables.clear()
    await tables.add('sync-runs', begin(), end(), part(0), part(0))
    expect(await ask()).toMatchObject([{ verdict: null, partitionsDone: 1 }])
    await tables.clear()
    await tables.add('sync-runs', begin(), end({ classes: [] }), part(0))
    expect(await ask()).toMatchObject([{ verdict: null, partitionsExpected: 0 }])
  })

  it('are partial as soon as anybody says so, with every reason and place', async () => {
    await tables.add('sync-runs', begin(), part(0, { verdict: 'partial', reason: '2 of 3 arrived', place: 'partition 0' }))
    expect(await ask()).toMatchObject([{ verdict: 'partial', reasons: ['2 of 3 arrived'], places: ['partition 0'] }])
    await tables.add('sync-runs', end({ verdict: 'partial', reason: 'page lost', place: 'users page 3' }), part(1, { verdict: 'unknown' }))
    expect(await ask()).toMatchObject([{ verdict: 'partial', reasons: ['2 of 3 arrived', 'page lost'], places: ['partition 0', 'users page 3'] }])
  })

  it('are unknown where the source has no proof', async () => {
    await tables.add('sync-runs', begin(), end({ verdict: 'unknown', reason: 'no total' }), part(0), part(1))
    expect(await ask()).toMatchObject([{ verdict: 'unknown', reasons: ['no total'] }])
    await tables.add('sync-runs', begin({ run: 2 }), end({ run: 2 }), part(0, { run: 2 }), part(1, { run: 2, verdict: null }))
    expect((await ask()).find(({ run }) => run === 2)?.verdict).toBe('unknown')
  })

  it('say what changed of the rows of their source, in words, and keep it apart in the table', async () => {
    const gone = { stream: 'users', field: 'mail', change: 'vanished', was: 'string', is: 'absent', example: null, place: 'users' }
    const other = { stream: 'users', field: 'age', change: 'type', was: 'string', is: 'number', example: '9', place: 'users page 1, row 2' }
    await tables.add('sync-runs', begin(), end({ schemaChanges: [gone, other] }), part(0), part(1), begin({ run: 2, at: start + 100 }), end({ run: 2 }))
    expect((await ask()).map(({ run, schemaChanges }) => [run, schemaChanges])).toEqual([
      [2, []], [1, ['users: mail vanished (string → absent)', 'users: age type (string → number, such as 9 at users page 1, row 2)']],
    ])
    const fields = await tables.store.query('SELECT tupleElement(arrayJoin(schema_changes), 2) AS field FROM sync_runs ORDER BY field', {}, z.object({ field: z.string() }))
    expect(fields).toEqual([{ field: 'age' }, { field: 'mail' }])
  })

  it('say which applications rows of their feed name in vain, in words, and keep them apart in the table', async () => {
    const unknownApps = [{ app: 'sohp', rows: 2, near: 'shop' }, { app: 'wiki', rows: 1, near: null }, { app: null, rows: 7, near: null }]
    await tables.add('sync-runs', begin(), end({ unknownApps }), part(0), part(1), begin({ run: 2, at: start + 100 }), end({ run: 2 }))
    expect((await ask()).map(({ run, unknownApps: told }) => [run, told])).toEqual([[2, []], [1, [
      '2 rows name "sohp" (did you mean "shop"?)', '1 row names "wiki"',
      '7 rows name others',
    ]]])
    const named = await tables.store.query('SELECT tupleElement(arrayJoin(unknown_apps), 1) AS app FROM sync_runs ORDER BY app', {}, z.object({ app: z.string().nullable() }))
    expect(named).toEqual([{ app: 'sohp' }, { app: 'wiki' }, { app: null }])
  })

  it('come newest first, by source and verdict', async () => {
    await tables.add('sync-runs', begin(), end(), part(0), part(1), begin({ run: 2, at: start + 100 }), begin({ source: 'hr', at: start + 50 }))
    expect((await ask()).map(({ source, run }) => [source, run])).toEqual([['billing', 2], ['hr', 1], ['billing', 1]])
    expect((await ask({ source: 'billing', limit: 1 })).map(({ run }) => run)).toEqual([2])
    expect((await ask({ verdict: 'complete' })).map(({ run }) => run)).toEqual([1])
    expect(await ask({ source: "x' OR 1=1 --" })).toEqual([])
  })
})

it('open dead letters are counted by source, each letter once', async () => {
  await tables.add('dead-letters', deadLetter({ id: 'a' }), deadLetter({ id: 'a' }), deadLetter({ id: 'b' }), deadLetter({ id: 'c', source: 'hr' }), deadLetter({ id: 'd' }), deadLetter({ id: 'd', state: 'discarded', by: 'ann', why: 'a test row' }))
  expect(await openLetters(tables.store, null)).toEqual([{ source: 'billing', letters: 2 }, { source: 'hr', letters: 1 }])
  expect(await openLetters(tables.store, 'hr')).toEqual([{ source: 'hr', letters: 1 }])
  expect(await openLetters(tables.store, 'nobody')).toEqual([])
})

it('a letter of a run is open until a later complete run, which tells anew what it can’t take', async () => {
  const states = async (): Promise<string[]> => (await deadLetters.run(tables.store, deadLetters.filters.parse({ state: 'all' }))).map(({ id, state }) => `${id} ${state}`).sort()
  const manifest: ClassManifest = { class: 'accounts', verdict: 'complete', reason: null, place: null, read: 1, declared: 1, rejected: 1, counts: [1] }
  const run = (number: number, verdict: 'complete' | 'partial' | 'unknown', source = 'billing') => [
    syncRun({ source, run: number }), syncRun({ source, run: number, phase: 'end', verdict, classes: [manifest] }), syncRun({ source, run: number, phase: 'partition', partition: 0, verdict: 'complete' }),
  ]
  await tables.add(
    'dead-letters', deadLetter({ id: 'of 4' }), deadLetter({ id: 'of 5', run: 5 }), deadLetter({ id: 'of none', run: null }), deadLetter({ id: 'of hr', source: 'hr' }),
    deadLetter({ id: 'put aside' }), deadLetter({ id: 'put aside', state: 'discarded', by: 'ann', why: 'a test row' }),
  )
  const others = ['of hr open', 'of none open', 'put aside discarded']
  await tables.add('sync-runs', ...run(3, 'complete'), ...run(4, 'complete'), syncRun({ run: 5 }), ...run(1, 'complete', 'hr'))
  expect(await states()).toEqual(['of 4 open', 'of 5 open', ...others].sort())
  await tables.add('sync-runs', ...run(6, 'partial'), ...run(7, 'unknown'))
  expect(await states()).toEqual(['of 4 open', 'of 5 open', ...others].sort())
  await tables.add('sync-runs', ...run(5, 'complete').slice(1))
  expect(await states()).toEqual(['of 4 superseded', 'of 5 open', ...others].sort())
  await tables.add('sync-runs', ...run(8, 'complete'))
  expect(await states()).toEqual(['of 4 superseded', 'of 5 superseded', ...others].sort())
  expect(await openLetters(tables.store, 'billing')).toEqual([{ source: 'billing', letters: 1 }])
})

describe('a letter that is told again', () => {
  const state = async (): Promise<string[]> => (await deadLetters.run(tables.store, deadLetters.filters.parse({ state: 'all' }))).map(({ run, place, state: of, by }) => `${run} ${place} ${of} ${by ?? ''}`.trim())
  const manifest: ClassManifest = { class: 'accounts', verdict: 'complete', reason: null, place: null, read: 1, declared: 1, rejected: 0, counts: [1] }
  const complete = (run: number) => [
    syncRun({ run, phase: 'end', verdict: 'complete', classes: [manifest] }), syncRun({ run, phase: 'partition', partition: 0, verdict: 'complete' }),
  ]

  it('is one, as it was told last, until a later complete run does not tell it; then open again', async () => {
    await tables.add('dead-letters', deadLetter({ run: 1, place: 'line 7' }), deadLetter({ run: 2, place: 'line 8', at: start - 9 }))
    expect(await state()).toEqual(['2 line 8 open'])
    await tables.add('sync-runs', ...complete(2))
    expect(await state()).toEqual(['2 line 8 open'])
    await tables.add('sync-runs', ...complete(3))
    expect(await state()).toEqual(['2 line 8 superseded'])
    expect(await openLetters(tables.store, null)).toEqual([])
    await tables.add('dead-letters', deadLetter({ run: 4, place: 'line 9' }))
    expect(await state()).toEqual(['4 line 9 open'])
  })

  it('stays put aside where a person put it aside, until a complete run is without it', async () => {
    const aside = { run: 2, state: 'discarded', by: 'ann', why: 'a test row' } as const
    await tables.add('dead-letters', deadLetter({ run: 1 }), deadLetter({ run: 2 }), deadLetter(aside), deadLetter({ id: 'other', run: 2 }))
    for (const run of [3, 4, 5]) {
      await tables.add('dead-letters', deadLetter({ run, at: start + 99 }), deadLetter({ id: 'other', run }))
      if (run > 3) await tables.add('sync-runs', ...complete(run))
      expect(await state()).toEqual([`${run} accounts.csv line 7 open`, '2 accounts.csv line 7 discarded ann'])
    }
    await tables.add('sync-runs', ...complete(7))
    expect(await state()).toEqual(['5 accounts.csv line 7 superseded', '2 accounts.csv line 7 discarded ann'])
    await tables.add('dead-letters', deadLetter({ run: 8, at: start + 999 }))
    expect(await state()).toEqual(['8 accounts.csv line 7 open', '5 accounts.csv line 7 superseded'])
    await tables.add('dead-letters', deadLetter({ ...aside, run: 8, by: 'bob' }), deadLetter({ run: 9 }))
    expect((await state()).sort()).toEqual(['5 accounts.csv line 7 superseded', '8 accounts.csv line 7 discarded bob'])
  })

  it('is open again after a retry, also one that no run told', async () => {
    for (const run of [1, null]) {
      const id = `of ${run}`
      await tables.add('dead-letters', deadLetter({ id, run }), deadLetter({ id, run, state: 'retried', by: 'ann', at: start + 9 }))
      expect(await openLetters(tables.store, null)).toEqual([])
      // another process tells it, whose clock is behind
      await tables.add('dead-letters', deadLetter({ id, run, at: start + 8 }))
      expect(await openLetters(tables.store, null)).toEqual([{ source: 'billing', letters: 1 }])
      await tables.add('dead-letters', deadLetter({ id, run, state: 'discarded', by: 'ann', why: 'a test row' }))
    }
  })
})

it('dead letters come newest first, by source, code and stage', async () => {
  const ask = async (filters: object = {}) => (await deadLetters.run(tables.store, deadLetters.filters.parse(filters))).map(({ id }) => id)
  await tables.add('dead-letters', deadLetter({ id: '1' }), deadLetter({ id: '2', at: start + 5, code: 'decode', stage: 'sink' }), deadLetter({ id: '3', source: 'hr', at: start + 3 }))
  expect(await ask()).toEqual(['2', '3', '1'])
  expect(await ask({ source: 'billing' })).toEqual(['2', '1'])
  expect(await ask({ code: 'decode', stage: 'sink' })).toEqual(['2'])
  await expect(ask({ stage: 'snik' })).rejects.toThrow(/stage/)
  expect(await ask({ limit: 1 })).toEqual(['2'])
  await tables.add('dead-letters', deadLetter({ id: '1', at: start + 9, state: 'discarded', by: 'ann', why: 'a test row' }))
  expect(await ask()).toEqual(['2', '3'])
  expect(await ask({ state: 'discarded' })).toEqual(['1'])
  expect(await ask({ state: 'all' })).toEqual(['1', '2', '3'])
  expect(await ask({ id: '1', state: 'all' })).toEqual(['1'])
  const [row] = await deadLetters.run(tables.store, deadLetters.filters.parse({ source: 'hr' }))
  expect(row).toMatchObject({ place: 'accounts.csv line 7', reason: 'no id', run: 4, record: null, payload: '{}', at: start + 3, position: { topic: 'dead-letters' } })
})

it('the summary counts open findings, grants by verdict, and tells how fresh each source is, and whether anybody reads it', async () => {
  await tables.add('findings', finding({ id: '1' }), finding({ id: '2' }), finding({ id: '3', kind: 'dormant-account', severity: 'low' }), finding({ id: '3', kind: 'dormant-account', severity: 'low', change: 'closed' }))
  await tables.add('access', access({ set: [grant({ verdict: 'undecided' }), grant({ entitlement: 'b', verdict: 'undecided' })] }), access({ account: 'b', set: [grant({ verdict: 'undecided' })] }))
  await tables.add('lag', lag({ direction: 'revoke', lagMs: 7 }))
  const manifest: ClassManifest = { class: 'accounts', verdict: 'complete', reason: null, place: null, read: 1, declared: 1, rejected: 0, counts: [1] }
  const run = (number: number, verdict: 'complete' | 'partial') => [
    syncRun({ run: number, at: start + number }), syncRun({ run: number, phase: 'end', verdict, at: start + number + 1, classes: [manifest] }),
    syncRun({ run: number, phase: 'partition', partition: 0, verdict: 'complete', at: start + number + 2 }),
  ]
  const names = { unresolved: { count: 2, some: ['account/billing/x'] } }
  // of a run that is not through in every partition nothing is known of what it names
  await tables.add('sync-runs', ...run(10, 'complete'), ...run(20, 'partial').map((record) => (record.phase === 'partition' ? { ...record, ...names } : record)), syncRun({ source: 'hr', run: 1 }))
  await tables.add('sync-runs', ...run(21, 'partial').slice(0, 2))
  await tables.add('dead-letters', deadLetter({ run: 20 }), deadLetter({ run: 20 }), deadLetter({ id: 'd-2', run: 10 }), deadLetter({ id: 'd-3', source: 'topic/lag', stage: 'sink' }), deadLetter({ id: 'd-4' }), deadLetter({ id: 'd-4', state: 'retried', by: 'ann' }))
  expect(await summary(tables.store, ['billing', 'desk'])).toEqual({
    findings: [{ kind: 'unauthorised-grant', severity: 'high', open: 2 }],
    grants: [{ app: 'billing', verdict: 'undecided', grants: 3, accounts: 2 }],
    sources: [{ source: 'billing', state: 'active', lastRun: 21, lastVerdict: 'partial', lastComplete: start + 11, unknownApps: [], unresolved: 2, unresolvedSome: ['account/billing/x'] }, { source: 'hr', state: 'paused', lastRun: 1, lastVerdict: null, lastComplete: null, unknownApps: [], unresolved: 0, unresolvedSome: [] }],
    lags: [{ app: 'billing', direction: 'revoke', p95Ms: 7 }],
    deadLetters: [{ source: 'billing', stage: 'connect', letters: 2 }, { source: 'topic/lag', stage: 'sink', letters: 1 }],
  })
})

it('the summary tells what rows of a feed name in vain in the newest run that ended', async () => {
  const told = async () => (await summary(tables.store, ['billing', 'desk'])).sources.map(({ source, unknownApps }) => [source, unknownApps])
  const ended = (run: number, app: string | null) => [
    syncRun({ source: 'desk', run }), syncRun({ source: 'desk', run, phase: 'end', verdict: 'complete', classes: [manifest], unknownApps: app === null ? null : [{ app, rows: run, near: null }] }),
  ]
  const manifest: ClassManifest = { class: 'requests', verdict: 'complete', reason: null, place: null, read: 1, declared: null, rejected: 0, counts: [1] }
  await tables.add('sync-runs', ...ended(1, 'wiki'), ...ended(2, 'sohp'), syncRun({ source: 'desk', run: 3 }))
  expect(await told()).toEqual([['desk', [{ app: 'sohp', rows: 2, near: null }]]])
  await tables.add('sync-runs', ...ended(3, null).slice(1))
  expect(await told()).toEqual([['desk', []]])
})

it('a run that a process left behind says nothing of what is named in vain', async () => {
  const manifest: ClassManifest = { class: 'requests', verdict: 'complete', reason: null, place: null, read: 1, declared: null, rejected: 0, counts: [1] }
  const of = { source: 'desk', run: 1 }
  const named = { unresolved: { count: 1, some: ['identity/x'] } }
  await tables.add(
    'sync-runs', syncRun(of), syncRun({ ...of, phase: 'end', verdict: 'complete', classes: [manifest], unknownApps: [{ app: 'sohp', rows: 2, near: null }] }),
    syncRun({ ...of, phase: 'partition', partition: 0, verdict: 'complete', ...named }),
    syncRun({ ...of, run: 2 }), syncRun({ ...of, run: 2, phase: 'end', verdict: 'partial', reason: 'abandoned: the process ended before the run did' }),
  )
  expect((await summary(tables.store, ['billing', 'desk'])).sources).toMatchObject([{ lastRun: 2, lastVerdict: 'partial', unknownApps: [{ app: 'sohp' }], unresolved: 1, unresolvedSome: ['identity/x'] }])
})

it('the summary tells of a retired source nothing that it named in vain, until it is read again', async () => {
  const manifest: ClassManifest = { class: 'requests', verdict: 'complete', reason: null, place: null, read: 1, declared: null, rejected: 0, counts: [1] }
  const run = (number: number, at: number) => [
    syncRun({ source: 'desk', run: number, at }), syncRun({ source: 'desk', run: number, at, phase: 'end', verdict: 'complete', classes: [manifest], unknownApps: [{ app: 'sohp', rows: 2, near: 'shop' }] }),
    syncRun({ source: 'desk', run: number, at, phase: 'partition', partition: 0, verdict: 'complete', unresolved: { count: 1, some: ['identity/x'] } }),
  ]
  const told = async () => (await summary(tables.store, ['desk'])).sources.map(({ state, unknownApps, unresolved, unresolvedSome }) => [state, unknownApps.length, unresolved, unresolvedSome.length])
  await tables.add('sync-runs', ...run(1, start))
  expect(await told()).toEqual([['active', 1, 1, 1]])
  await tables.add('rulings', ruling({ source: 'desk', at: start + 1 }))
  expect(await told()).toEqual([['retired', 0, 0, 0]])
  await tables.add('sync-runs', ...run(2, start + 2))
  expect(await told()).toEqual([['active', 1, 1, 1]])
})
