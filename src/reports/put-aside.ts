import { z } from 'zod'
import type { Store } from '../ports/store.ts'
import { toldBy, type Sql } from './recent-letters.ts'

const Id = z.object({ id: z.string() })
/** Of letters that a person put aside: runs that told them with runs between that did not. `at`: the offset where it was put aside. */
const Gap = z.object({ source: z.string(), before: z.int(), told: z.int(), letters: z.array(z.object({ id: z.string(), at: z.int() })) })
type Gap = z.infer<typeof Gap>
const Place = z.object({ source: z.string(), before: z.int(), told: z.int() })
const First = z.object({ id: z.string(), told: z.int(), at: z.int() })

/** Runs of a gap that are asked for one by one. */
const narrowRuns = 1_000

/**
 * Of the letters that `recent` tells, those that a person put aside and that stay so: no run told them since then that follows on a complete one which was
 * without them. A letter that each run tells is known by which runs did, and none of its rows is read. Throws StoreError.
 */
export async function putAside(store: Store, recent: Sql): Promise<string[]> {
  const ids = (await store.query(
    `SELECT id FROM dead_letters WHERE ${recent.sql} AND id IN (SELECT id FROM dead_letters WHERE state = 'discarded' GROUP BY id) GROUP BY id`, recent.params, Id,
  )).map(({ id }) => id)
  if (ids.length === 0) return []
  const gaps = await gapsOf(store, ids)
  const anew = gaps.length === 0 ? new Set<string>() : await toldAnew(store, await withComplete(store, gaps))
  return ids.filter((id) => !anew.has(id))
}

/** After the last time that each was put aside. Numbers of runs that none of ours has are left out. */
function gapsOf(store: Store, ids: readonly string[]): Promise<Gap[]> {
  return store.query(
    `SELECT source, tupleElement(gap, 1) AS before, tupleElement(gap, 2) AS told, CAST(groupArray((id, at)), 'Array(Tuple(id String, at Int64))') AS letters
     FROM (
       SELECT
         d.source AS source, d.id AS id, tupleElement(d.place, 1) AS at,
         bitmapMax(bitmapSubsetInRange(l.told, 0, toUInt64(d.run) + 1)) AS before, bitmapSubsetInRange(l.told, toUInt64(d.run) + 1, 9007199254740992) AS since,
         arrayConcat([before], bitmapToArray(since)) AS runs,
         arrayJoin(if(
           bitmapCardinality(since) = 0 OR bitmapMax(since) - before = bitmapCardinality(since), [],
           arrayFilter(g -> tupleElement(g, 2) > tupleElement(g, 1) + 1, arrayZip(arrayPopBack(runs), arrayPopFront(runs)))
         )) AS gap
       FROM (
         SELECT id, max(each.place) AS place, argMax(each.source, each.place) AS source, argMax(each.run, each.place) AS run
         FROM (
           SELECT source, id, ${toldBy} AS run, max((offset, \`index\`)) AS place FROM dead_letters WHERE state = 'discarded' AND id IN {ids:Array(String)} GROUP BY source, id, run
         ) AS each
         GROUP BY id
       ) AS d
       INNER JOIN (
         SELECT id, groupBitmapStateIf(toUInt64(assumeNotNull(run)), state = 'open' AND run >= 0) AS told FROM dead_letters WHERE id IN {ids:Array(String)} GROUP BY id
       ) AS l ON l.id = d.id
     )
     GROUP BY source, before, told`,
    { ids },
    Gap,
  )
}

/** Of these, those in which a complete run lies. */
async function withComplete(store: Store, gaps: readonly Gap[]): Promise<Gap[]> {
  const columns = { sources: gaps.map(({ source }) => source), befores: gaps.map(({ before }) => before), tolds: gaps.map(({ told }) => told) }
  const each = 'SELECT arrayJoin(arrayZip({sources:Array(String)}, {befores:Array(Int64)}, {tolds:Array(Int64)})) AS gap'
  const wide = [...new Set(gaps.filter(({ before, told }) => told - before > narrowRuns).map(({ source }) => source))]
  const found = await store.query(
    `SELECT DISTINCT g.source AS source, g.before AS before, g.told AS told
     FROM (SELECT tupleElement(gap, 1) AS source, tupleElement(gap, 2) AS before, tupleElement(gap, 3) AS told FROM (${each})) AS g
     ASOF INNER JOIN (
       SELECT source, run FROM sync_runs AS r
       WHERE r.verdict = 'complete' AND (r.source IN {wide:Array(String)} OR (r.source, r.run) IN (
         SELECT tupleElement(gap, 1) AS source, arrayJoin(range(tupleElement(gap, 2) + 1, least(tupleElement(gap, 3), tupleElement(gap, 2) + 1 + ${narrowRuns}))) AS run FROM (${each})
       ))
     ) AS c ON c.source = g.source AND c.run < g.told
     WHERE c.run > g.before`,
    { ...columns, wide },
    Place,
  )
  const key = ({ source, before, told }: z.infer<typeof Place>): string => JSON.stringify([source, before, told])
  const complete = new Set(found.map(key))
  return gaps.filter((gap) => complete.has(key(gap)))
}

/** Ids of letters that the run behind one of these gaps told after they were put aside. */
async function toldAnew(store: Store, gaps: readonly Gap[]): Promise<Set<string>> {
  const all = gaps.flatMap(({ source, told, letters }) => letters.map(({ id, at }) => ({ source, told, id, at })))
  if (all.length === 0) return new Set()
  const firsts = await store.query(
    `SELECT id, ${toldBy} AS told, min(offset) AS at FROM dead_letters
     WHERE state = 'open' AND (source, ${toldBy}, id) IN (SELECT arrayJoin(arrayZip({sources:Array(String)}, {tolds:Array(Int64)}, {ids:Array(String)}))) GROUP BY id, told`,
    { sources: all.map(({ source }) => source), tolds: all.map(({ told }) => told), ids: all.map(({ id }) => id) },
    First,
  )
  const first = new Map(firsts.map(({ id, told, at }) => [`${told} ${id}`, at]))
  return new Set(all.filter(({ told, id, at }) => (first.get(`${told} ${id}`) ?? -1) > at).map(({ id }) => id))
}
