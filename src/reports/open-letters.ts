import type { Store } from '../ports/store.ts'
import { putAside } from './put-aside.ts'
import { recentlyTold, type Sql } from './recent-letters.ts'

/**
 * A query for the letters that nobody decided about and that no later complete run superseded: what `dead_letters_now` has as open, without a look at
 * what no longer is. Its rows are source, id, `place` (offset, index) and `last` (topic, partition, at, stage, code) of their last row. `source`: of this one
 * only; null: of all.
 *
 * It rests on how letters come about. An id is of one source; a letter of runs is told by runs only, one after the other. What several tasks may tell, one
 * behind the other (stage entitle), is asked for its last row. Throws StoreError.
 */
export async function openLetterSet(store: Store, source: string | null): Promise<Sql> {
  const recent = await recentlyTold(store, source)
  const last = 'argMax((topic, partition, at, stage, code), (offset, `index`)) AS last'
  const sql = `
    SELECT o.source AS source, o.id AS id, o.place AS place, o.last AS last
    FROM (
      SELECT source, id, max((offset, \`index\`)) AS place, ${last} FROM dead_letters
      WHERE ${recent.sql} AND id NOT IN {aside:Array(String)} GROUP BY source, id
    ) AS o
    LEFT JOIN (
      SELECT id, max(each.place) AS place
      FROM (
        SELECT id, max((offset, \`index\`)) AS place FROM dead_letters WHERE state != 'open' GROUP BY id
        UNION ALL
        SELECT id, max((offset, \`index\`)) AS place FROM dead_letters WHERE id IN (
          SELECT t.id FROM (SELECT id, ${last} FROM dead_letters WHERE ${recent.sql} GROUP BY id) AS t WHERE tupleElement(t.last, 4) = 'entitle'
        ) GROUP BY id
      ) AS each
      GROUP BY id
    ) AS n ON n.id = o.id
    WHERE o.place >= n.place`
  return { sql, params: { ...recent.params, aside: await putAside(store, recent) } }
}
