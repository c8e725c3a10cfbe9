import { z } from 'zod'
import { GrantVerdict } from '../../schemas/wire/results.ts'
import type { Store } from '../ports/store.ts'
import { where } from './report.ts'

export const GrantCount = z.object({ app: z.string(), verdict: z.string(), grants: z.int(), accounts: z.int() })
export type GrantCount = z.infer<typeof GrantCount>

/** bits of the place and the verdict */
const low = String(2n ** 64n - 1n)
const verdicts = `[${GrantVerdict.options.map((verdict) => `'${verdict}'`).join(', ')}]`

/**
 * Grants held now and the accounts that hold them, by application and verdict: what `access_now` holds, counted in the table's order, an account at a time,
 * so that memory stays flat. A mention of a grant is one number of 128 bits: its entitlement's hash (64), the place of the row that makes it (offset 40, index
 * 20; one up), and its verdict's number, 0 where the row takes it away (4). Sorted down, a mention holds if its row is the newest that speaks of the
 * entitlement: then it is the nth of its entitlement in this row as it is of all. `rows`: which of access_log AS l are looked at, of whole accounts.
 */
const countsOf = (rows: string): string => `
  SELECT app, tupleElement(count, 1) AS verdict, tupleElement(count, 2) AS grants, tupleElement(count, 3) AS accounts
  FROM (
    SELECT app, arrayJoin(arrayZip(${verdicts}, sumForEach(held), sumForEach(arrayMap(n -> toUInt64(n > 0), held)))) AS count
    FROM (
      SELECT app, arrayMap(i -> countEqual(codes, i), arrayEnumerate(${verdicts})) AS held
      FROM (
        SELECT
          app, arrayReverseSort(mentions) AS sorted,
          arrayMap(
            (m, nth, nthInRow) -> if(nth = nthInRow AND bitShiftRight(bitAnd(m, ${low}), 4) > left_at, bitAnd(m, 15), 0),
            sorted, arrayEnumerateUniq(arrayMap(m -> bitShiftRight(m, 64), sorted)), arrayEnumerateUniq(arrayMap(m -> bitShiftRight(m, 4), sorted))
          ) AS codes
        FROM (
          SELECT
            app, account, home, maxIf(place, gone) AS left_at,
            groupArrayArray(arrayMap(
              (name, code) -> bitOr(bitShiftLeft(toUInt128(cityHash64(name)), 64), toUInt128(bitOr(bitShiftLeft(place, 4), code))),
              arrayConcat(grants.entitlement, removed),
              arrayConcat(arrayMap(v -> indexOf(${verdicts}, v), grants.verdict), arrayMap(r -> toUInt64(0), removed))
            )) AS mentions
          FROM (
            SELECT app, account, home, gone, removed, grants.entitlement, grants.verdict, bitOr(bitShiftLeft(toUInt64(offset), 20), toUInt64(\`index\`)) + 1 AS place
            FROM access_log AS l ${rows}
          )
          GROUP BY app, account, home
        )
      )
    )
    GROUP BY app
  )
  WHERE grants > 0`

/** Blocks of the default sizes take hundreds of megabytes where an account holds many grants. */
const inOrder = 'SETTINGS optimize_aggregation_in_order = 1, aggregation_in_order_max_block_bytes = 4000000, max_block_size = 2048'

/** In the order of applications and verdicts. Throws StoreError. */
export const grantCounts = (store: Store): Promise<GrantCount[]> =>
  store.query(`${countsOf('')} ORDER BY app, indexOf(${verdicts}, verdict) ${inOrder}`, {}, GrantCount)

/** Of one verdict that few grants have, by application: only accounts that ever held one are looked at. `app`: of this one; null: of all. Throws StoreError. */
export function grantsOfVerdict(store: Store, verdict: GrantVerdict, app: string | null): Promise<GrantCount[]> {
  const rows = `WHERE (l.app, l.account) IN (SELECT app, account FROM access_log AS l ${where([['has(l.grants.verdict, {verdict:String})', verdict], ['l.app = {app:String}', app]])})`
  return store.query(`SELECT * FROM (${countsOf(rows)}) WHERE verdict = {verdict:String} ORDER BY app ${inOrder}`, { verdict, app }, GrantCount)
}
