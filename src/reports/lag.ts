import { z } from 'zod'
import { grantsOfVerdict } from './grant-counts.ts'
import { limitFilter, ms, textFilter, where, type Report } from './report.ts'

export const LagRow = z.object({
  app: z.string(), direction: z.enum(['grant', 'revoke']), samples: z.int(), p50Ms: z.int().nullable(), p95Ms: z.int().nullable(),
  maxMs: z.int().nullable(), latest: z.int().nullable(), pending: z.int().nullable(), overdue: z.int(),
})
export type LagRow = z.infer<typeof LagRow>

export const LagFilters = z.strictObject({ app: textFilter, limit: limitFilter })
export type LagFilters = z.infer<typeof LagFilters>

/**
 * How long desired changes took to be seen done, per app and direction (each figure is one of the samples; null where there is none
 * yet). What is done says nothing about what is not: `pending` is inside its allowed delay now (null for grants: nothing is written of them until then),
 * `overdue` is past it: open missing-grant, or expired-grant, findings.
 */
export const lag: Report<LagFilters, LagRow> = {
  name: 'lag',
  summary: 'how long desired changes take, and how many are outstanding',
  filters: LagFilters,
  restsOnSources: false,
  columns: [
    { key: 'app', title: 'app', kind: 'text' },
    { key: 'direction', title: 'direction', kind: 'text' },
    { key: 'samples', title: 'done', kind: 'number' },
    { key: 'p50Ms', title: 'half within', kind: 'duration' },
    { key: 'p95Ms', title: '95 % within', kind: 'duration' },
    { key: 'maxMs', title: 'longest', kind: 'duration' },
    { key: 'pending', title: 'pending', kind: 'number' },
    { key: 'overdue', title: 'overdue', kind: 'number' },
  ],
  async run(store, filters) {
    const sql = `
      SELECT
        k.app AS app, k.direction AS direction, ifNull(l.samples, 0) AS samples, l.p50_ms AS p50Ms, l.p95_ms AS p95Ms, l.max_ms AS maxMs,
        ${ms('l.latest', 'latest')},
        if(k.direction = 'grant', NULL, 0) AS pending, ifNull(o.overdue, 0) AS overdue
      FROM (
        SELECT arrayJoin(apps) AS app, arrayJoin(['grant', 'revoke']) AS direction
        FROM (SELECT groupUniqArrayArray(names) AS apps FROM (
          SELECT groupUniqArray(toString(app)) AS names FROM lag_samples
          UNION ALL SELECT groupUniqArray(toString(app)) FROM access_log
          UNION ALL SELECT groupUniqArray(assumeNotNull(toString(app))) FROM findings_log WHERE app IS NOT NULL
        ))
      ) AS k
      LEFT JOIN lag AS l ON l.app = k.app AND l.direction = k.direction
      LEFT JOIN (
        SELECT assumeNotNull(toString(f.app)) AS app, if(kind = 'missing-grant', 'grant', 'revoke') AS direction, count() AS overdue
        FROM findings_open AS f WHERE kind IN ('missing-grant', 'expired-grant') AND f.app IS NOT NULL GROUP BY app, direction
      ) AS o ON o.app = k.app AND o.direction = k.direction
      ${where([['k.app = {app:String}', filters.app]])}
      ORDER BY app, direction LIMIT {limit:UInt32}
      SETTINGS join_use_nulls = 1`
    const [rows, pending] = await Promise.all([store.query(sql, filters, LagRow), grantsOfVerdict(store, 'pending', filters.app)])
    const byApp = new Map(pending.map(({ app, grants }) => [app, grants]))
    return rows.map((row) => (row.pending === null ? row : { ...row, pending: byApp.get(row.app) ?? 0 }))
  },
}
