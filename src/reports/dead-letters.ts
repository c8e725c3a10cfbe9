import { z } from 'zod'
import { letterStages } from '../../schemas/letter-stages.ts'
import type { Store } from '../ports/store.ts'
import { letterSet, ofSource, toldLately } from './letter-set.ts'
import { openLetterSet } from './open-letters.ts'
import { lastCompleteRuns, type CompleteRun, type Sql } from './recent-letters.ts'
import { limitFilter, textFilter, where, type Report } from './report.ts'

export const DeadLetterRow = z.object({
  id: z.string(), source: z.string(), run: z.int().nullable(), stage: z.string(), code: z.string(), reason: z.string(), place: z.string(),
  record: z.string().nullable(), payload: z.string(), at: z.int(),
  state: z.enum(['open', 'retried', 'discarded', 'superseded']), by: z.string().nullable(), why: z.string().nullable(),
  position: z.object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() }),
})
export type DeadLetterRow = z.infer<typeof DeadLetterRow>

export const DeadLetterFilters = z.strictObject({
  id: textFilter.describe('an id, or the beginning of one'), source: textFilter, code: textFilter,
  stage: z.enum(letterStages).nullable().default(null).describe('where on its way'),
  state: z.enum(['open', 'retried', 'discarded', 'superseded', 'all']).default('open')
    .describe('open: nobody decided yet, or told again after a retry; superseded: a later complete run read all again and did not tell it'), limit: limitFilter,
})
export type DeadLetterFilters = z.infer<typeof DeadLetterFilters>

/** What could not be processed, last told first. A letter that several runs told is one, with the place where the last of them found it. */
export const deadLetters: Report<DeadLetterFilters, DeadLetterRow> = {
  name: 'dead-letters',
  summary: 'records that could not be processed, with place and reason',
  filters: DeadLetterFilters,
  restsOnSources: false,
  columns: [
    { key: 'at', title: 'at', kind: 'time' },
    { key: 'source', title: 'source', kind: 'text' },
    { key: 'stage', title: 'stage', kind: 'text' },
    { key: 'code', title: 'code', kind: 'text' },
    { key: 'place', title: 'place', kind: 'text' },
    { key: 'reason', title: 'reason', kind: 'text' },
    { key: 'state', title: 'state', kind: 'text' },
    { key: 'id', title: 'id', kind: 'id' },
  ],
  run: (store, filters) => (filters.state === 'open' ? openRows(store, filters) : rows(store, filters)),
  async *pages(store, filters) {
    if (filters.state === 'open') yield* openPages(store, filters)
    else yield await rows(store, filters)
  },
}

const columns = `
  d.id AS id, d.source AS source, d.run AS run, d.stage AS stage, d.code AS code, d.reason AS reason, d.place AS place, d.record AS record, d.payload AS payload,
  toUnixTimestamp64Milli(d.at) AS at, d.state AS state, d.\`by\` AS \`by\`, d.why AS why,
  CAST((d.topic, d.partition, d.offset, d.\`index\`), 'Tuple(topic String, partition Int64, offset Int64, index Int64)') AS position`
const order = 'd.at DESC, d.topic, d.partition, d.offset DESC, d.`index` DESC'

/** Rows per letter that is asked for which are looked through for the newest, before all letters are. */
const looks = [2, 16]

/** In whichever state. Of letters that were told lately no others are looked at; an id is looked up, and so is what persons decided. */
async function rows(store: Store, filters: DeadLetterFilters): Promise<DeadLetterRow[]> {
  const { id, source, state, limit } = filters
  const complete = await lastCompleteRuns(store, source)
  const among = async (letters: Sql): Promise<DeadLetterRow[]> => {
    const found = await pageOf(store, await letterSet(store, letters, complete), filters, null)
    return found.map((row) => (isSuperseded(row, complete) ? { ...row, state: 'superseded' } : row))
  }
  if (id !== null) return among({ sql: 'startsWith(id, {id:String})', params: { id } })
  if (state === 'retried' || state === 'discarded') {
    return among({ sql: 'id IN (SELECT id FROM dead_letters WHERE state = {state:String} GROUP BY id)', params: { state } })
  }
  for (const look of looks) {
    const lately = await toldLately(store, source, look * limit)
    if (lately === null) break
    const found = (await among(lately)).filter(({ at }) => at >= lately.since)
    if (found.length === limit) return found
  }
  return among(ofSource(source))
}

const isSuperseded = ({ state, source, run }: DeadLetterRow, complete: readonly CompleteRun[]): boolean =>
  state === 'open' && run !== null && run < Number(complete.find((last) => last.source === source)?.run ?? 0)

async function openRows(store: Store, filters: DeadLetterFilters): Promise<DeadLetterRow[]> {
  return pageOf(store, await openLetterSet(store, filters.source), filters, null)
}

/** So many letters are in memory at a time. */
const pageRows = 5_000

async function* openPages(store: Store, filters: DeadLetterFilters): AsyncGenerator<DeadLetterRow[]> {
  const open = await openLetterSet(store, filters.source)
  let last: DeadLetterRow | null = null
  for (let left = filters.limit; left > 0; left -= pageRows) {
    const page: DeadLetterRow[] = await pageOf(store, open, { ...filters, limit: Math.min(left, pageRows) }, last)
    yield page
    last = page.at(-1) ?? null
    if (page.length < pageRows) return
  }
}

/** Those that follow on `last` (null: from the beginning). Which they are is known before any of their rows is read. */
function pageOf(store: Store, { sql, params }: Sql, filters: DeadLetterFilters, last: DeadLetterRow | null): Promise<DeadLetterRow[]> {
  const conditions = where([
    ['startsWith(l.id, {id:String})', filters.id], ['l.source = {source:String}', filters.source], ['tupleElement(l.last, 5) = {code:String}', filters.code],
    ['tupleElement(l.last, 4) = {stage:String}', filters.stage], ['l.state = {state:String}', filters.state === 'open' || filters.state === 'all' ? null : filters.state],
    ['(-at, topic, partition, -offset, -index) > ({after_at:Int64}, {after_topic:String}, {after_partition:UInt32}, {after_offset:Int64}, {after_index:Int64})', last],
  ])
  const asked = `
    SELECT
      l.id AS id, l.source AS source, toUnixTimestamp64Milli(tupleElement(l.last, 3)) AS at, toString(tupleElement(l.last, 1)) AS topic, tupleElement(l.last, 2) AS partition,
      tupleElement(l.place, 1) AS offset, tupleElement(l.place, 2) AS index
    FROM (${sql}) AS l ${conditions}
    ORDER BY at DESC, topic, partition, offset DESC, index DESC LIMIT {limit:UInt32}`
  const after = last === null ? {} : {
    after_at: -last.at, after_topic: last.position.topic, after_partition: last.position.partition, after_offset: -last.position.offset, after_index: -last.position.index,
  }
  return store.query(
    `SELECT ${columns} FROM dead_letters AS d
     WHERE (d.source, d.at, d.id, d.offset, d.\`index\`) IN (SELECT source, fromUnixTimestamp64Milli(at, 'UTC'), id, offset, index FROM (${asked}))
     ORDER BY ${order} LIMIT {limit:UInt32}`,
    { ...filters, ...params, ...after },
    DeadLetterRow,
  )
}

/** Letters whose id begins so, in any state; at most two, which is enough to know that it is ambiguous. */
export const deadLetterById = (store: Store, id: string): Promise<DeadLetterRow[]> =>
  rows(store, DeadLetterFilters.parse({ id, state: 'all', limit: 2 }))

/** Letters of one source that nobody decided about. */
export const OpenLetters = z.object({ source: z.string(), letters: z.int() })
export type OpenLetters = z.infer<typeof OpenLetters>

/** Most first. `source`: of this one only; null: of all. */
export async function openLetters(store: Store, source: string | null): Promise<OpenLetters[]> {
  const { sql, params } = await openLetterSet(store, source)
  return store.query(`SELECT l.source AS source, count() AS letters FROM (${sql}) AS l GROUP BY source ORDER BY letters DESC, source`, params, OpenLetters)
}

const StageLetters = OpenLetters.extend({ stage: z.string() })
export type StageLetters = z.infer<typeof StageLetters>

/** Of all sources, by where on their way the records failed, most first. */
export async function openLettersByStage(store: Store): Promise<StageLetters[]> {
  const { sql, params } = await openLetterSet(store, null)
  return store.query(
    `SELECT l.source AS source, tupleElement(l.last, 4) AS stage, count() AS letters FROM (${sql}) AS l GROUP BY source, stage ORDER BY letters DESC, source, stage`,
    params, StageLetters,
  )
}
