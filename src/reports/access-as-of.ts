import { accessSpans } from './access-spans.ts'

/** Who held what at {at:Int64}, as known at {known_at:Int64}; both in ms. Conditions as in accessSpans, and on `s` and the result. */
export function accessAsOf(logConditions: string, grant: string | null, conditions: string): string {
  return `
WITH ${accessSpans(logConditions, grant)},
  accounts AS (
    SELECT
      home, app, account,
      if(
        countIf(coalesce(valid_ms, observed_ms) <= {at:Int64}) > 0,
        argMaxIf((k.identity, k.kind, k.status), (offset, \`index\`), coalesce(valid_ms, observed_ms) <= {at:Int64}),
        argMin((k.identity, k.kind, k.status), (offset, \`index\`))
      ) AS state
    FROM known AS k
    WHERE NOT k.gone
    GROUP BY home, app, account
  )
SELECT
  s.home AS home, tupleElement(a.state, 1) AS identity, s.app AS app, s.account AS account, tupleElement(a.state, 2) AS kind,
  tupleElement(a.state, 3) AS status, s.entitlement AS entitlement, s.native AS native, s.verdict AS verdict, s.direct AS direct,
  s.since AS since, s.valid AS valid, s.paths AS paths, s.observed_ms AS observed, s.decided_ms AS decided,
  CAST((s.topic, s.partition, s.offset, s.\`index\`), 'Tuple(topic String, partition Int64, offset Int64, index Int64)') AS position
FROM spans AS s
INNER JOIN accounts AS a ON a.home = s.home AND a.app = s.app AND a.account = s.account
WHERE s.from_ms <= {at:Int64} AND {at:Int64} < s.until_ms ${conditions}
ORDER BY app, account, home, entitlement, native
LIMIT {limit:UInt32}`
}
