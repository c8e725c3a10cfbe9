import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z, ZodError } from 'zod'
import { GuardError, StoreError, type Guard, type Row, type Store } from '../../src/ports/store.ts'

/** What the store port promises. Each case is one promise; every adapter runs them all. */
export interface StoreFixture {
  /** Opens the same tables again each time; the one before it is closed. */
  open(): Promise<Store>
  dispose(): Promise<void>
}

const open: Guard = { sql: 'SELECT 7', params: {}, equals: 7 }
const Read = z.object({ id: z.int(), text: z.string(), at: z.int(), maybe: z.int().nullable(), list: z.array(z.array(z.string())) })
type Read = z.infer<typeof Read>
const readAll = (store: Store): Promise<Read[]> =>
  store.query(
    `SELECT id, text, toUnixTimestamp64Milli(at) AS at, toUnixTimestamp64Milli(maybe) AS maybe, \`nest.list\` AS list FROM contract ORDER BY id`,
    {},
    Read,
  )
const row = ({ id, text, at, maybe, list }: Read): Row => ({ id, text, at, maybe, 'nest.list': list })
const sample = (id: number, text = `text ${id}`): Read => ({ id, text, at: 1_700_000_000_123 + id, maybe: id % 2 ? id : null, list: [[], ['a', text]] })

export const hostileTexts = [
  "'; DROP TABLE contract; --", "\\'; DROP TABLE contract; --", '\\', "''", '"', '`', '{id:Int64}', "') FORMAT Null --", 'a\nb', 'a\rb', 'a\tb', 'a\\nb',
  'a\u0000b', '\u2028', '\u{1f600}', '\ufeffx', 'NULL', '\\N', '', ' ', '%', '/* x */', '$$', 'é e\u0301',
]

export function storeContract(adapter: string, create: () => Promise<StoreFixture>): void {
  describe(`store: ${adapter}`, () => {
    let fixture: StoreFixture
    let store: Store
    beforeAll(async () => {
      fixture = await create()
      store = await fixture.open()
    })
    beforeEach(async () => {
      await store.command('DROP TABLE IF EXISTS contract', {})
      await store.command(
        `CREATE TABLE contract (id Int64, text String, at DateTime64(3, 'UTC'), maybe Nullable(DateTime64(3, 'UTC')), nest Nested (list Array(String)))
         ENGINE = MergeTree ORDER BY id`,
        {},
      )
    })
    afterAll(async () => {
      await store.close()
      await fixture.dispose()
    })

    it('reads back every row that was acknowledged, and no other', async () => {
      const rows = Array.from({ length: 20_000 }, (_, id) => sample(id))
      await store.insertRows('contract', rows.map(row), open)
      expect(await readAll(store)).toEqual(rows)
    })

    it('keeps any text as it is, in rows and in parameters', async () => {
      const rows = hostileTexts.map((text, id) => sample(id, text))
      await store.insertRows('contract', rows.map(row), open)
      expect(await readAll(store)).toEqual(rows)
      for (const text of hostileTexts) {
        const found = await store.query('SELECT id, {text:String} AS echo FROM contract WHERE text = {text:String}', { text }, z.object({ id: z.int(), echo: z.string() }))
        expect(found).toEqual([{ id: hostileTexts.indexOf(text), echo: text }])
      }
    })

    it('keeps integers up to 2^53 and times far away', async () => {
      const far = Number.MAX_SAFE_INTEGER
      const rows = [{ ...sample(-far), at: -far, maybe: far }, { ...sample(far), at: far, maybe: -far }]
      await store.insertRows('contract', rows.map(row), open)
      expect(await readAll(store)).toEqual(rows)
    })

    it('lands the rows of one insert in one part', async () => {
      await store.insertRows('contract', Array.from({ length: 70_000 }, (_, id) => row(sample(id))), open)
      const parts = await store.query(
        `SELECT max(level) AS level, toInt64(sum(rows)) AS rows, uniqExact(min_block_number) AS blocks FROM system.parts
         WHERE database = currentDatabase() AND table = 'contract' AND active`,
        {},
        z.object({ level: z.int(), rows: z.int(), blocks: z.int() }),
      )
      expect(parts).toEqual([{ level: 0, rows: 70_000, blocks: 1 }])
    })

    it('inserts under a guard that holds, and lands nothing under one that does not', async () => {
      const guard = { sql: 'SELECT max(id) FROM contract WHERE text = {who:String}', params: { who: 'epoch' } }
      await store.insertRows('contract', [row(sample(5, 'epoch'))], open)
      await store.insertRows('contract', [row(sample(1))], { ...guard, equals: 5 })
      await expect(store.insertRows('contract', [row(sample(2))], { ...guard, equals: 4 })).rejects.toThrow(GuardError)
      await expect(store.insertRows('contract', [row(sample(3))], { ...guard, equals: 6 })).rejects.toThrow(GuardError)
      expect((await readAll(store)).map(({ id }) => id)).toEqual([1, 5])
    })

    it('lands nothing of an insert of which one row is wrong', async () => {
      const rows = [...Array.from({ length: 500 }, (_, id) => row(sample(id))), { ...row(sample(500)), at: 'yesterday' }]
      await expect(store.insertRows('contract', rows, open)).rejects.toThrow(StoreError)
      await expect(store.insertRows('contract', [{ ...row(sample(1)), textt: 'x' }], open)).rejects.toThrow(StoreError)
      expect(await readAll(store)).toEqual([])
    })

    it('refuses to insert no rows, or into no table', async () => {
      await expect(store.insertRows('contract', [], open)).rejects.toThrow(RangeError)
      await expect(store.insertRows('nowhere', [{}], open)).rejects.toThrow(/no table nowhere/)
      await expect(store.insertRows('contract; DROP TABLE contract', [{}], open)).rejects.toThrow(StoreError)
      expect(await readAll(store)).toEqual([])
    })

    it('says what failed and where, and goes on', async () => {
      await expect(store.query('SELECT nonsense', {}, z.unknown())).rejects.toThrow(/^query at .+ failed: .*nonsense/s)
      await expect(store.command('CREATE NONSENSE', {})).rejects.toThrow(StoreError)
      expect(await store.query('SELECT 1 AS one', {}, z.object({ one: z.int() }))).toEqual([{ one: 1 }])
    })

    it('refuses a row that is not what the caller expects', async () => {
      await expect(store.query("SELECT 'x' AS one", {}, z.object({ one: z.int() }))).rejects.toThrow(ZodError)
    })

    it('answers questions that are asked at the same time each with its own parameters', async () => {
      const asked = Array.from({ length: 20 }, (_, n) => n)
      const answers = await Promise.all(asked.map((n) => store.query('SELECT {n:Int64} AS n', { n }, z.object({ n: z.int() }))))
      expect(answers.flat().map(({ n }) => n)).toEqual(asked)
    })

    it('has the same rows after it was opened again', async () => {
      await store.insertRows('contract', [row(sample(1))], open)
      const migrations = 'SELECT version, count() AS times FROM schema_migrations GROUP BY version ORDER BY version'
      const Applied = z.object({ version: z.int(), times: z.int() })
      const before = await store.query(migrations, {}, Applied)
      await store.close()
      store = await fixture.open()
      expect(await readAll(store)).toEqual([sample(1)])
      expect(before.length).toBeGreaterThan(0)
      expect(await store.query(migrations, {}, Applied)).toEqual(before)
      expect(before.every(({ times }) => times === 1)).toBe(true)
    })
  })
}
