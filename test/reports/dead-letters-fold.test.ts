import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { play, step } from './letter-stories.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => void (tables = await openTables()))
afterAll(() => tables.close())

const Row = z.object({ id: z.string(), state: z.string(), run: z.int().nullable() }).transform(({ id, state, run }) => [id, state, run] as const)

it('each letter is what it is by one who reads along, in any story', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.array(step, { maxLength: 40 }), { minLength: 20, maxLength: 60 }), async (stories) => {
    await tables.clear()
    const played = stories.map((story, i) => play(`s${i}`, story))
    await tables.add('dead-letters', ...played.flatMap(({ rows }) => rows))
    await tables.add('sync-runs', ...played.flatMap(({ runs }) => runs))
    const letters = await tables.store.query('SELECT id, state, run FROM dead_letters_now', {}, Row)
    expect(letters.map(String).sort()).toEqual(played.flatMap((one) => one.letters).map(String).sort())
  }), { numRuns: 12 })
})
