import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClassManifest, Verdict } from '../../schemas/wire/common.ts'
import type { SyncRun } from '../../schemas/wire/results.ts'
import { deadLetters } from '../../src/reports/dead-letters.ts'
import { sourceSummary } from '../../src/reports/summary.ts'
import { SyncRunFilters, syncRuns } from '../../src/reports/sync-runs.ts'
import { unprovenSources } from '../../src/reports/unproven.ts'
import { deadLetter, start, syncRun } from '../sink/records.ts'
import { openTables, type Tables } from './tables.ts'

/** Of a source with more runs than are looked at first, the answers have to be those of all its runs. */
const count = 450
const manifest: ClassManifest = { class: 'accounts', verdict: 'complete', reason: null, place: null, read: 1, declared: 1, rejected: 0, counts: [1] }
const minute = 60_000

/** `dies`: the process did, so that another wrote an end that knows of nothing. */
type End = Verdict | 'running' | 'dies'
const endOf: Record<string, (run: number) => End> = {
  steady: () => 'complete',
  broken: (run) => (run === 200 ? 'complete' : 'partial'),
  blind: () => 'unknown',
  dying: (run) => (run === 30 ? 'complete' : 'dies'),
  slow: (run) => (run % 100 === 7 ? 'running' : 'complete'),
}

function rowsOf(source: string, run: number): SyncRun[] {
  const end = endOf[source]!(run)
  const at = start + run * minute
  const begin = syncRun({ source, run, at })
  if (end === 'running') return [begin]
  if (end === 'dies') return [begin, syncRun({ source, run, phase: 'end', verdict: 'partial', at: at + 10 })]
  const [verdict, told] = [end, end === 'partial' ? 'complete' : end] as const
  return [
    begin, syncRun({ source, run, phase: 'end', verdict, at: at + 10, classes: [manifest] }),
    syncRun({ source, run, phase: 'partition', partition: 0, verdict: told, at: at + 20, unresolved: { count: run, some: [`n${run}`] } }),
  ]
}

const sources = Object.keys(endOf)
let tables: Tables
beforeAll(async () => {
  tables = await openTables()
  for (const source of sources) await tables.add('sync-runs', ...Array.from({ length: count }, (_, i) => rowsOf(source, i + 1)).flat())
})
afterAll(() => tables.close())

const runs = async (filters: object): Promise<string[]> => (await syncRuns.run(tables.store, SyncRunFilters.parse(filters))).map(({ source, run }) => `${source} ${run}`)
const verdictOf = (end: End): Verdict | null => (end === 'running' ? null : end === 'dies' ? 'partial' : end)
/** Newest first; of the same time by the source's name. */
function expected(of: readonly string[], verdict: Verdict | null, limit: number): string[] {
  const all = of.flatMap((source) => Array.from({ length: count }, (_, i) => ({ source, run: i + 1, end: endOf[source]!(i + 1) })))
  const at = ({ run, end }: { run: number; end: End }): number => run * minute + (end === 'running' ? 0 : 10)
  return all.filter(({ end }) => verdict === null || verdictOf(end) === verdict).sort((a, b) => at(b) - at(a) || (a.source < b.source ? -1 : 1)).slice(0, limit).map(({ source, run }) => `${source} ${run}`)
}

describe('runs of a source that has had hundreds', () => {
  it('are listed newest first, by source and verdict, to any limit', async () => {
    for (const limit of [1, 7, 600, 10_000]) {
      for (const verdict of ['complete', 'partial', 'unknown', null] as const) {
        expect(await runs({ verdict, limit }), `${verdict} to ${limit}`).toEqual(expected(sources, verdict, limit))
        expect(await runs({ verdict, limit, source: 'slow' }), `slow, ${verdict} to ${limit}`).toEqual(expected(['slow'], verdict, limit))
      }
    }
  })

  it('tell when the last complete one was and what the newest that came through names in vain, however long ago', async () => {
    const told = (await sourceSummary(tables.store, sources)).sources.map(({ source, lastRun, lastVerdict, lastComplete, unresolved }) => [source, lastRun, lastVerdict, lastComplete, unresolved])
    const ended = (run: number): number => start + run * minute + 10
    expect(told).toEqual([
      ['blind', 450, 'unknown', null, 450], ['broken', 450, 'partial', ended(200), 450], ['dying', 450, 'partial', ended(30), 30],
      ['slow', 450, 'complete', ended(450), 450], ['steady', 450, 'complete', ended(450), 450],
    ])
  })

  it('tell since when a source is proven', async () => {
    const at = (run: number): number => start + run * minute + 10
    expect(await unprovenSources(tables.store, sources, at(199))).toEqual([{ source: 'broken', since: at(200) }, { source: 'blind', since: null }])
    expect(await unprovenSources(tables.store, sources, at(20))).toEqual([{ source: 'broken', since: at(200) }, { source: 'blind', since: null }, { source: 'dying', since: at(30) }])
    expect(await unprovenSources(tables.store, sources, null)).toEqual([{ source: 'blind', since: null }])
  })

  it('supersede a letter by a complete run of long ago', async () => {
    await tables.add('dead-letters', deadLetter({ id: 'before', source: 'broken', run: 199 }), deadLetter({ id: 'after', source: 'broken', run: 201 }), deadLetter({ id: 'blind', source: 'blind', run: 3 }))
    const open = await deadLetters.run(tables.store, deadLetters.filters.parse({}))
    expect(open.map(({ id }) => id).sort()).toEqual(['after', 'blind'])
  })
})

describe('a row whose run has a number that no run of ours has', () => {
  it.each([-2, -150, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER])('keeps no question about any source from being answered: %i', async (run) => {
    await tables.add('sync-runs', syncRun({ source: `strange ${run}`, run, at: start }))
    const told = (await sourceSummary(tables.store, sources)).sources
    expect(told.find(({ source }) => source === `strange ${run}`)).toMatchObject({ lastRun: run, lastVerdict: null, lastComplete: null })
    expect(told.find(({ source }) => source === 'steady')).toMatchObject({ lastRun: count, lastComplete: start + count * minute + 10 })
    expect(await unprovenSources(tables.store, ['steady', `strange ${run}`], null)).toEqual([{ source: `strange ${run}`, since: null }])
  })
})
