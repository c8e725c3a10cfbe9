/**
 * Who held what at {at:Int64}, as known at {known_at:Int64}; both in ms.
 *
 * Known at K: rows decided up to K. A grant is held from the time that its source says it began (else from when it was first
 * observed) to the observation that no longer showed it: an account's own `valid` says nothing about one of its grants. It is
 * never held at a home before the account's previous home lost it. A verdict is in force from its decision to the next one; the
 * first one of a holding speaks for all the time before it.
 */
export function accessAsOf(logConditions: string, conditions: string): string {
  const held = 'home, app, account, entitlement, native'
  return `
WITH
  known AS (
    SELECT
      home, identity, app, account, kind, status, gone, removed, topic, partition, offset, \`index\`,
      grants.entitlement AS entitlements, grants.native AS natives, grants.verdict AS verdicts, grants.direct AS directs,
      arrayMap(t -> toUnixTimestamp64Milli(t), grants.since) AS sinces,
      arrayMap(t -> toUnixTimestamp64Milli(t), grants.valid) AS valids,
      grants.paths AS pathses,
      toUnixTimestamp64Milli(l.valid) AS valid_ms, toUnixTimestamp64Milli(l.observed) AS observed_ms, toUnixTimestamp64Milli(l.decided) AS decided_ms
    FROM access_log AS l
    ${logConditions}
  ),
  placed AS (
    SELECT
      *,
      groupUniqArrayArray(arrayZip(entitlements, natives)) OVER (PARTITION BY home, app, account) AS pairs,
      max(if(gone, observed_ms, toInt64(-9223372036854775808)))
        OVER (PARTITION BY app, account ORDER BY observed_ms RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS left_ms
    FROM known
  ),
  mentions AS (
    SELECT
      home, app, account, topic, partition, offset, \`index\`, observed_ms, decided_ms, left_ms,
      tupleElement(pair, 1) AS entitlement, tupleElement(pair, 2) AS native,
      indexOf(arrayZip(entitlements, natives), pair) AS i, i > 0 AS is_held,
      verdicts[i] AS verdict, directs[i] AS direct, sinces[i] AS since, valids[i] AS valid, pathses[i] AS paths
    FROM placed
    ARRAY JOIN arrayFilter(p -> gone OR has(entitlements, tupleElement(p, 1)) OR has(removed, tupleElement(p, 1)), pairs) AS pair
  ),
  numbered AS (
    SELECT *, countIf(NOT is_held) OVER (PARTITION BY ${held} ORDER BY offset, \`index\` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - toUInt64(NOT is_held) AS holding
    FROM mentions
  ),
  spans AS (
    SELECT
      *,
      row_number() OVER (PARTITION BY ${held}, holding ORDER BY offset, \`index\`) AS nth,
      greatest(min(left_ms) OVER (PARTITION BY ${held}, holding), argMaxIf(coalesce(valid, since), (offset, \`index\`), is_held) OVER (PARTITION BY ${held}, holding)) AS begins_ms,
      minIf(observed_ms, NOT is_held) OVER (PARTITION BY ${held}, holding) AS lost_ms,
      countIf(NOT is_held) OVER (PARTITION BY ${held}, holding) AS losses,
      leadInFrame(decided_ms, 1, toInt64(9223372036854775807))
        OVER (PARTITION BY ${held}, holding ORDER BY NOT is_held, offset, \`index\` ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next_ms,
      leadInFrame(toUInt8(is_held), 1, toUInt8(0))
        OVER (PARTITION BY ${held}, holding ORDER BY NOT is_held, offset, \`index\` ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next_is_held
    FROM numbered
  ),
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
WHERE s.is_held
  AND if(s.nth = 1, s.begins_ms, greatest(s.begins_ms, s.decided_ms)) <= {at:Int64}
  AND (s.next_is_held = 0 OR {at:Int64} < s.next_ms)
  AND (s.losses = 0 OR {at:Int64} < s.lost_ms)
  ${conditions}
ORDER BY app, account, home, entitlement, native
LIMIT {limit:UInt32}`
}
