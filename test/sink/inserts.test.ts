import { afterEach, beforeEach, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { GuardError, StoreError, type Guard, type Row, type Store } from '../../src/ports/store.ts'
import { claim, type Claimed } from '../../src/sink/claim.ts'
import { Inserts, type Insertion } from '../../src/sink/inserts.ts'
import { rowOf } from '../../src/sink/rows/tables.ts'
import { finding } from './records.ts'
import { BetweenStore } from './unreliable-store.ts'
import { tempDir, type TempDir } from './world.ts'

/** Notes what is inserted at once. */
class WatchedStore extends BetweenStore {
  readonly groups: number[][] = []
  readonly beganMs: number[] = []
  delayMs = 0
  refused: (ids: readonly number[]) => boolean = () => false

  override async insertRows(table: string, rows: readonly Row[], guard: Guard): Promise<void> {
    const ids = rows.map(({ partition }) => Number(partition))
    this.beganMs.push(performance.now())
    this.groups.push(ids)
    if (this.delayMs > 0) await sleep(this.delayMs)
    if (this.refused(ids)) throw new StoreError('the engine refuses a row of it')
    await super.insertRows(table, rows, guard)
  }
}

const places = 6
let dir: TempDir
let inner: Store
let store: WatchedStore
let inserts: Inserts
let claims: Claimed[]
beforeEach(async () => {
  dir = tempDir()
  inner = await openStore({ path: dir.path })
  store = new WatchedStore(inner)
  inserts = new Inserts(store)
  claims = await Promise.all(Array.from({ length: places }, async (_, partition) => {
    const place = { topic: 'findings', partition } as const
    return { ...place, epoch: (await claim(inner, place, 'a', null, new AbortController().signal)).epoch }
  }))
})
afterEach(async () => {
  await inner.close()
  dir.remove()
})

let offset = 0
const insert = (partition: number, more: Partial<Insertion> = {}): Promise<void> => {
  const by = claims[partition]!
  return inserts.insert('findings_log', { by, rows: [rowOf(finding(), { ...by, offset: offset++, index: 0 })], bytes: 100, isSuspect: false, ...more })
}
const all = (more: Partial<Insertion> = {}): Promise<PromiseSettledResult<void>[]> => Promise.allSettled(claims.map(({ partition }) => insert(partition, more)))
const statuses = (results: PromiseSettledResult<void>[]): boolean[] => results.map(({ status }) => status === 'fulfilled')
const held = async (): Promise<number[]> =>
  (await inner.query('SELECT toInt64(partition) AS p FROM findings_log ORDER BY p', {}, z.object({ p: z.int() }))).map(({ p }) => p)

it('what comes while one is under way goes together, and each hears when its rows are there', async () => {
  store.delayMs = 50
  const first = insert(0)
  await expect.poll(() => store.groups.length, { interval: 1 }).toBe(1)
  expect(statuses(await all())).toEqual(Array(places).fill(true))
  await first
  expect(store.groups).toEqual([[0], [0, 1, 2, 3, 4, 5]])
  expect(await held()).toEqual([0, 0, 1, 2, 3, 4, 5])
})

it('one that is still reading is waited for, though not for long', async () => {
  const reading = inserts.whileReading('findings_log', () => sleep(60)).then(() => insert(1))
  await Promise.all([insert(0), inserts.whileReading('access_log', () => sleep(60)), reading])
  expect(store.groups).toEqual([[0, 1]])
  const late = inserts.whileReading('findings_log', () => sleep(2_000)).then(() => insert(3))
  await insert(2)
  expect(store.groups).toEqual([[0, 1], [2]])
  await late
})

it('one whose claim has ended is refused, and no other with it', async () => {
  await claim(inner, { topic: 'findings', partition: 3 }, 'b', null, new AbortController().signal)
  const results = await all()
  expect(statuses(results)).toEqual([true, true, true, false, true, true])
  expect(results[3]).toMatchObject({ reason: expect.any(GuardError) as GuardError })
  expect(store.groups).toEqual([[0, 1, 2, 3, 4, 5], [0], [1], [2], [3], [4], [5]])
  expect(await held()).toEqual([0, 1, 2, 4, 5])
})

it('what failed together goes alone the next time: rows that the engine refuses fail no others for good', async () => {
  store.refused = (ids) => ids.includes(4)
  expect(statuses(await all())).toEqual(Array(places).fill(false))
  const again = await all({ isSuspect: true })
  expect(statuses(again)).toEqual([true, true, true, true, false, true])
  expect(again[4]).toMatchObject({ reason: expect.any(StoreError) as StoreError })
  expect(store.groups.slice(1)).toEqual([[0], [1], [2], [3], [4], [5]])
})

it('no more goes together than a batch may hold', async () => {
  expect(statuses(await all({ bytes: 900_000 }))).toEqual(Array(places).fill(true))
  expect(store.groups).toEqual([[0, 1], [2, 3], [4, 5]])
  store.groups.splice(0)
  await all({ bytes: 9_000_000 })
  expect(store.groups).toEqual([[0], [1], [2], [3], [4], [5]])
})

it('says when the next one is due: apart from the one before, further where that took long', async () => {
  expect(inserts.dueInMs('findings_log')).toBeLessThanOrEqual(0)
  await insert(0)
  expect(inserts.dueInMs('findings_log')).toBeGreaterThan(0)
  expect(inserts.dueInMs('access_log')).toBeLessThanOrEqual(0)
  store.delayMs = 150
  const began = performance.now()
  await insert(0)
  const due = performance.now() + inserts.dueInMs('findings_log')
  expect(due - began).toBeGreaterThan(248)
})
