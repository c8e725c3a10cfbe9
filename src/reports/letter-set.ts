import { z } from 'zod'
import type { Store } from '../ports/store.ts'
import { putAside } from './put-aside.ts'
import { toldBy, type CompleteRun, type Sql } from './recent-letters.ts'

/** Where a row lies in the log, as one number. As `schemas/clickhouse/0016-letters-by-id.sql` has it. */
const place = 'toInt128(offset) * 4294967296 + `index`'
const kept = ['topic', 'partition', 'at', 'stage', 'code', 'source'] as const

/**
 * A query for the letters of which rows meet `among`, as they are now: what `dead_letters_now` has of them. Its rows are as those of `openLetterSet`, with `state`
 * besides. `among`: a condition on rows of dead_letters. On ids alone it is answered from a projection in their order; any other has to meet the last row of
 * each letter of which it meets one. `complete`: the last complete run of each source of theirs that had one. Throws StoreError.
 */
export async function letterSet(store: Store, among: Sql, complete: readonly CompleteRun[]): Promise<Sql> {
  const each = (decided: 'IN' | 'NOT IN'): string => `
    SELECT id, toString(state) AS last_state, max(${place}) AS last, argMax(${toldBy}, ${place}) AS last_run, ${kept.map((name) => `argMax(${name}, ${place}) AS last_${name}`).join(', ')}
    FROM dead_letters WHERE ${among.sql} AND id ${decided} (SELECT id FROM dead_letters WHERE state != 'open' GROUP BY id)
    GROUP BY id, state SETTINGS optimize_aggregation_in_order = 1`
  const sql = `
    SELECT
      l.last_source AS source, l.id AS id, (toInt64(intDiv(l.last, 4294967296)), toInt32(l.last % 4294967296)) AS place,
      (l.last_topic, l.last_partition, l.last_at, l.last_stage, l.last_code) AS last,
      if(l.last_state = 'open' AND l.last_run < toInt64OrZero({runs:Array(String)}[indexOf({complete:Array(String)}, l.last_source)]), 'superseded', l.last_state) AS state
    FROM (
      ${each('NOT IN')}
      UNION ALL
      SELECT * FROM (${each('IN')}) AS d WHERE d.last_state = 'discarded' OR d.id NOT IN {aside:Array(String)} ORDER BY d.last DESC LIMIT 1 BY id
    ) AS l`
  return { sql, params: { ...among.params, aside: await putAside(store, among), complete: complete.map(({ source }) => source), runs: complete.map(({ run }) => run) } }
}

/** A condition on rows of dead_letters; null: on none. */
export const ofSource = (source: string | null): Sql => (source === null ? { sql: 'true', params: {} } : { sql: 'source = {source:String}', params: { source } })

const At = z.object({ at: z.int() })
const Low = z.object({ topic: z.string(), partition: z.int(), offset: z.int() })

/**
 * A condition on rows of dead_letters: so many of them told last (of this source; null: of all) and what the log has behind the first of these, so the last row of
 * each letter is among them. `since`: of those whose last row is no older, none is left out. Null where there are no more rows than that. Throws StoreError.
 */
export async function toldLately(store: Store, source: string | null, rows: number): Promise<(Sql & { since: number }) | null> {
  const { sql: of } = ofSource(source)
  const [first] = await store.query(`SELECT toUnixTimestamp64Milli(l.at) AS at FROM dead_letters AS l WHERE ${of} ORDER BY l.at DESC LIMIT 1 OFFSET {rows:UInt64}`, { source, rows }, At)
  if (first === undefined) return null
  const lows = await store.query(
    `SELECT topic, partition, min(l.offset) AS offset FROM dead_letters AS l WHERE ${of} AND l.at >= fromUnixTimestamp64Milli({at:Int64}, 'UTC') GROUP BY topic, partition`,
    { source, at: first.at }, Low,
  )
  const each = lows.map((_, i) => `(topic = {topic_${i}:String} AND partition = {partition_${i}:UInt32} AND offset >= {offset_${i}:Int64})`)
  const params = Object.fromEntries(lows.flatMap((low, i): [string, string | number][] => [[`topic_${i}`, low.topic], [`partition_${i}`, low.partition], [`offset_${i}`, low.offset]]))
  return { sql: `${of} AND (${each.join(' OR ')})`, params: { source, ...params }, since: first.at }
}
