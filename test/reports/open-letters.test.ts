import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { DeadLetter, SyncRun } from '../../schemas/wire/results.ts'
import { deadLetters, openLetters, openLettersByStage, type DeadLetterRow } from '../../src/reports/dead-letters.ts'
import { letterSet, toldLately } from '../../src/reports/letter-set.ts'
import { openLetterSet } from '../../src/reports/open-letters.ts'
import { deadLetter, start, syncRun } from '../sink/records.ts'
import { manifest, play, step } from './letter-stories.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => void (tables = await openTables()))
beforeEach(() => tables.clear())
afterAll(() => tables.close())

const Place = z.object({ id: z.string(), source: z.string(), stage: z.string(), offset: z.int() })
type Place = z.infer<typeof Place>

/** What the view over all that was ever told has as open, last told first. */
const byView = (): Promise<Place[]> =>
  tables.store.query("SELECT id, source, stage, offset FROM dead_letters_now AS d WHERE state = 'open' ORDER BY d.at DESC, topic, partition, offset DESC, `index` DESC", {}, Place)

const counts = (letters: readonly Place[], of: (letter: Place) => string): Record<string, number> => {
  const count: Record<string, number> = {}
  for (const letter of letters) count[of(letter)] = (count[of(letter)] ?? 0) + 1
  return count
}

async function expectAsByView(): Promise<Place[]> {
  const open = await byView()
  const place = ({ id, source, stage, position }: DeadLetterRow): Place => ({ id, source, stage, offset: position.offset })
  const listed = (filters: object) => deadLetters.run(tables.store, deadLetters.filters.parse(filters))
  expect((await listed({})).map(place)).toEqual(open)
  expect((await listed({ stage: 'entitle', limit: 3 })).map(place)).toEqual(open.filter(({ stage }) => stage === 'entitle').slice(0, 3))
  const stages = await openLettersByStage(tables.store)
  expect(Object.fromEntries(stages.map(({ source, stage, letters }) => [`${source} ${stage}`, letters]))).toEqual(counts(open, ({ source, stage }) => `${source} ${stage}`))
  const all = await openLetters(tables.store, null)
  expect(Object.fromEntries(all.map(({ source, letters }) => [source, letters]))).toEqual(counts(open, ({ source }) => source))
  expect(all.map(({ letters }) => letters)).toEqual(all.map(({ letters }) => letters).sort((a, b) => b - a))
  const [first] = all
  if (first !== undefined) {
    expect(await openLetters(tables.store, first.source)).toEqual([first])
    expect((await listed({ source: first.source })).map(place)).toEqual(open.filter(({ source }) => source === first.source))
  }
  await expectAllAsByView()
  return open
}

const Told = Place.extend({ state: z.string(), at: z.int() })
type Told = z.infer<typeof Told>

/** Which questions come next: each costs several queries, and a story is asked some of them. */
let asked = 0

/** In whichever state, by id and the newest of all: what the view has, however few rows are looked through for it. */
async function expectAllAsByView(): Promise<void> {
  const all = await tables.store.query("SELECT id, source, stage, offset, state, toUnixTimestamp64Milli(d.at) AS at FROM dead_letters_now AS d ORDER BY d.at DESC, topic, partition, offset DESC, `index` DESC", {}, Told)
  const [first, last] = [all[0], all.at(-1)]
  if (first === undefined || last === undefined) return
  const questions: [filters: object, answer: Told[]][] = [
    [{}, all], [{ limit: 1 }, all], [{ limit: 3 }, all], [{ limit: 10 }, all],
    ...['superseded', 'retried', 'discarded'].flatMap((state): [object, Told[]][] => [2, 1_000].map((limit) => [{ state, limit }, all.filter((letter) => letter.state === state)])),
    [{ stage: 'entitle', limit: 2 }, all.filter(({ stage }) => stage === 'entitle')],
    ...[first, last].flatMap(({ id, source }): [object, Told[]][] => [
      [{ id }, all.filter((letter) => letter.id.startsWith(id))], [{ source }, all.filter((letter) => letter.source === source)], [{ source, limit: 2 }, all.filter((letter) => letter.source === source)],
    ]),
  ]
  for (let i = 0; i < 3; i++) {
    const [filters, answer] = questions[asked++ % questions.length]!
    const parsed = deadLetters.filters.parse({ state: 'all', ...filters })
    const rows = (await deadLetters.run(tables.store, parsed)).map(({ id, source, stage, position: { offset }, state, at }) => ({ id, source, stage, offset, state, at }))
    expect([filters, rows]).toEqual([filters, answer.slice(0, parsed.limit)])
  }
}

const complete = (source: string, run: number, verdict: 'complete' | 'partial' = 'complete'): SyncRun[] => [
  syncRun({ source, run, phase: 'end', verdict, classes: [manifest] }), syncRun({ source, run, phase: 'partition', partition: 0, verdict: 'complete' }),
]

interface Lagging {
  /** which of two tasks tells next, or a person decides */
  turns: ('ahead' | 'behind' | 'discarded' | 'retried')[]
  verdicts: ('complete' | 'partial' | null)[]
}
const lagging: fc.Arbitrary<Lagging> = fc.record({
  turns: fc.array(fc.constantFrom('ahead', 'behind', 'ahead', 'behind', 'ahead', 'behind', 'discarded', 'retried'), { maxLength: 24 }),
  verdicts: fc.array(fc.constantFrom('complete', 'complete', 'partial', null), { minLength: 12, maxLength: 12 }),
})

/** An intent record that two tasks refuse, each for itself, in every run: they come to it at different times. */
function lag(source: string, { turns, verdicts }: Lagging): { rows: DeadLetter[]; runs: SyncRun[] } {
  const at = { ahead: 0, behind: 0 }
  let last: number | null = null
  const rows = turns.flatMap((turn): DeadLetter[] => {
    const letter = { id: source, source, stage: 'entitle' }
    if (turn === 'ahead' || turn === 'behind') {
      if (turn === 'behind' && at.behind === at.ahead) return []
      last = ++at[turn]
      return [deadLetter({ ...letter, run: last })]
    }
    return last === null ? [] : [deadLetter({ ...letter, run: last, state: turn, by: 'ann', why: turn === 'discarded' ? 'a test row' : null })]
  })
  return { rows, runs: verdicts.flatMap((verdict, i) => (verdict === null ? [] : complete(source, i + 1, verdict))) }
}

/** Letters of processors and of what was posted: no run told them, and each is told once. */
const single = fc.record({ stage: fc.constantFrom('normalise', 'runtime', 'post', 'sink'), then: fc.constantFrom('nothing', 'retried', 'discarded'), of: fc.nat(3), at: fc.nat(50) })

describe('what is open', () => {
  it('is what the view over all letters has as open, in any story', { timeout: 240_000 }, async () => {
    const stories = fc.record({
      told: fc.array(fc.array(step, { maxLength: 30 }), { minLength: 10, maxLength: 30 }), lags: fc.array(lagging, { minLength: 5, maxLength: 15 }), singles: fc.array(single, { maxLength: 20 }),
    })
    let seen = 0
    await fc.assert(fc.asyncProperty(stories, async ({ told, lags, singles }) => {
      await tables.clear()
      const played = [...told.map((story, i) => play(`s${i}`, story)), ...lags.map((one, i) => lag(`lag${i}`, one))]
      const others = singles.flatMap(({ stage, then, of, at }, i): DeadLetter[] => {
        const letter = { id: `single ${i}`, source: `s${of}`, run: null, stage, at: start + at }
        return [deadLetter(letter), ...(then === 'nothing' ? [] : [deadLetter({ ...letter, state: then, by: 'ann', why: then === 'discarded' ? 'a test row' : null })])]
      })
      const rows = [...played.flatMap((one) => one.rows), ...others]
      const runs = played.flatMap((one) => one.runs)
      if (rows.length > 0) await tables.add('dead-letters', ...rows)
      if (runs.length > 0) await tables.add('sync-runs', ...runs)
      seen += (await expectAsByView()).length
    }), { numRuns: 15 })
    expect(seen).toBeGreaterThan(100)
  })

  it('is what was put aside and came back behind a complete run, however many runs lie between', async () => {
    const aside = { state: 'discarded', by: 'ann', why: 'a test row' } as const
    const told = (id: string, ...runs: number[]): DeadLetter[] => [deadLetter({ id, run: 1 }), deadLetter({ id, run: 1, ...aside }), ...runs.map((run) => deadLetter({ id, run }))]
    await tables.add('dead-letters', ...told('near', 9), ...told('far', 5_000), ...told('told by each', 2, 3, 4, 9), ...told('far and aside', 6_000, 9_000))
    await tables.add('sync-runs', ...complete('billing', 5, 'partial'))
    expect(await expectAsByView()).toEqual([])
    await tables.add('sync-runs', ...complete('billing', 4))
    expect((await expectAsByView()).map(({ id }) => id).sort()).toEqual(['far', 'far and aside', 'near'])
    await tables.add('sync-runs', ...complete('billing', 9), ...complete('billing', 3_000))
    expect((await expectAsByView()).map(({ id }) => id).sort()).toEqual(['far', 'far and aside'])
    await tables.add('dead-letters', deadLetter({ id: 'far and aside', run: 9_000, ...aside }), deadLetter({ id: 'far and aside', run: 9_001 }))
    expect((await expectAsByView()).map(({ id }) => id)).toEqual(['far'])
  })

  it('is not what a stranger gave a number that no run of ours has', async () => {
    await tables.add('dead-letters', deadLetter({ id: 'below', run: -3 }), deadLetter({ id: 'below too', source: 'hr', run: -3 }), deadLetter({ id: 'ours' }))
    await tables.add('sync-runs', ...complete('billing', 4), ...complete('billing', -7))
    expect((await expectAsByView()).map(({ id }) => id)).toEqual(['ours'])
  })

  it('is found without a look at what is not: every row that is read is one of a projection', async () => {
    await tables.add('dead-letters', ...Array.from({ length: 3_000 }, (_, i) => deadLetter({ id: `l${i % 7}`, run: 1 + Math.floor(i / 7) })), deadLetter({ id: 'by tasks', stage: 'entitle', run: 428 }), deadLetter({ state: 'discarded', by: 'ann', why: 'a test row' }))
    await tables.add('sync-runs', ...complete('billing', 428))
    for (const source of [null, 'billing']) {
      const { sql, params } = await openLetterSet(tables.store, source)
      const plan = await tables.store.query(`EXPLAIN ${sql}`, params, z.object({ explain: z.string() }))
      const readFrom = plan.flatMap(({ explain }) => /ReadFromMergeTree \((\S+)\)/.exec(explain)?.[1] ?? [])
      expect(readFrom).toContain('tellings')
      expect(readFrom.filter((name) => name.includes('dead_letters'))).toEqual([])
    }
  })

  it('is found by its id, and what was told last, without a look at every letter', async () => {
    await tables.add('dead-letters', ...Array.from({ length: 60_000 }, (_, i) => deadLetter({ id: `l${String(i).padStart(5, '0')}`, at: start + i, source: `s${i % 3}`, run: 1 + Math.floor(i / 100) })))
    await tables.store.command('OPTIMIZE TABLE dead_letters FINAL', {})
    const granules = async (sql: string, params: object) => {
      const plan = await tables.store.query(`EXPLAIN indexes = 1 ${sql}`, { ...params }, z.object({ explain: z.string() }))
      return plan.flatMap(({ explain }) => { const [, read, all] = /Granules: (\d+)\/(\d+)/.exec(explain) ?? []; return all === undefined ? [] : [{ read: Number(read), all: Number(all) }] })
    }
    const byId = await letterSet(tables.store, { sql: 'startsWith(id, {id:String})', params: { id: 'l31' } }, [])
    const looked = await granules(byId.sql, byId.params)
    expect(Math.max(...looked.map(({ all }) => all))).toBeGreaterThan(5)
    expect(Math.max(...looked.map(({ read }) => read))).toBeLessThanOrEqual(1)
    const lately = (await toldLately(tables.store, null, 20))!
    expect((await granules(`SELECT id FROM dead_letters WHERE ${lately.sql}`, lately.params)).at(-1)?.read).toBeLessThanOrEqual(3)
    expect((await deadLetters.run(tables.store, deadLetters.filters.parse({ state: 'all', limit: 10 }))).map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, i) => `l${59_999 - i}`))
  })

  it('is listed page by page where it is much', async () => {
    await tables.add('dead-letters', ...Array.from({ length: 12_000 }, (_, i) => deadLetter({ id: `l${i}`, at: start + (i % 7) })))
    const pages: DeadLetterRow[][] = []
    for await (const page of deadLetters.pages!(tables.store, deadLetters.filters.parse({ limit: 11_000 }))) pages.push([...page])
    expect(pages.map(({ length }) => length)).toEqual([5_000, 5_000, 1_000])
    expect(pages.flat().map(({ position }) => position.offset)).toEqual((await byView()).slice(0, 11_000).map(({ offset }) => offset))
  })
})
