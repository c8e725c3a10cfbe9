/**
 * What was held from when to when, as known at {known_at:Int64} (ms), as the text of a query's WITH.
 *
 * Known at K: rows decided up to K. A grant is held from the time that its source says it began (else from when it was first
 * observed) to the observation that no longer showed it: an account's own `valid` says nothing about one of its grants. It is
 * never held at a home before the account's previous home lost it. A verdict is in force from its decision to the next one; the
 * first one of a holding speaks for all the time before it.
 *
 * `spans` has a row for each verdict on each grant: it is in force from `from_ms` up to `until_ms`. `known` has the log's rows.
 * `logConditions`: a WHERE on access_log AS l that keeps all rows of an account or none. `grant`: a condition on the entitlement `e` and
 * its native name `n`, or null. `state`: an aggregate of the rows of `known` that tell of one account at one home, which the rows of `spans`
 * about it carry: what is joined to them instead would read the log twice.
 */
export function accessSpans(logConditions: string, grant: string | null, state = 'NULL'): string {
  const held = 'home, app, account, entitlement, native'
  const endless = 'toInt64(9223372036854775807)'
  return `
  known AS (
    SELECT
      home, identity, app, account, kind, status, gone, arrayConcat(grants.entitlement, removed) AS mentioned, topic, partition, offset, \`index\`,
      ${shown(grant)} AS shown,
      toUnixTimestamp64Milli(l.valid) AS valid_ms, toUnixTimestamp64Milli(l.observed) AS observed_ms, toUnixTimestamp64Milli(l.decided) AS decided_ms
    FROM access_log AS l
    ${logConditions}
  ),
  placed AS (
    SELECT
      home, app, account, gone, mentioned, topic, partition, offset, \`index\`, shown, observed_ms, decided_ms,
      arrayMap(g -> (tupleElement(g, 1), tupleElement(g, 2)), shown) AS own_pairs, ${state} AS state,
      groupUniqArrayArray(own_pairs) OVER (PARTITION BY home, app, account) AS pairs,
      max(if(gone, observed_ms, toInt64(-9223372036854775808)))
        OVER (PARTITION BY app, account ORDER BY observed_ms RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS left_ms
    FROM known
  ),
  mentions AS (
    SELECT
      home, app, account, topic, partition, offset, \`index\`, observed_ms, decided_ms, left_ms, state,
      tupleElement(pair, 1) AS entitlement, tupleElement(pair, 2) AS native,
      indexOf(own_pairs, pair) AS i, i > 0 AS is_held, shown[i] AS held,
      tupleElement(held, 3) AS verdict, tupleElement(held, 4) AS direct, tupleElement(held, 5) AS since, tupleElement(held, 6) AS valid,
      tupleElement(held, 7) AS paths
    FROM placed
    ARRAY JOIN arrayFilter(p -> gone OR has(mentioned, tupleElement(p, 1)), pairs) AS pair
  ),
  numbered AS (
    SELECT *, countIf(NOT is_held) OVER (PARTITION BY ${held} ORDER BY offset, \`index\` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - toUInt64(NOT is_held) AS holding
    FROM mentions
  ),
  holdings AS (
    SELECT
      *,
      row_number() OVER (PARTITION BY ${held}, holding ORDER BY offset, \`index\`) AS nth,
      greatest(min(left_ms) OVER (PARTITION BY ${held}, holding), argMaxIf(coalesce(valid, since), (offset, \`index\`), is_held) OVER (PARTITION BY ${held}, holding)) AS begins_ms,
      minIf(observed_ms, NOT is_held) OVER (PARTITION BY ${held}, holding) AS lost_ms,
      countIf(NOT is_held) OVER (PARTITION BY ${held}, holding) AS losses,
      leadInFrame(decided_ms, 1, ${endless})
        OVER (PARTITION BY ${held}, holding ORDER BY NOT is_held, offset, \`index\` ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next_ms,
      leadInFrame(toUInt8(is_held), 1, toUInt8(0))
        OVER (PARTITION BY ${held}, holding ORDER BY NOT is_held, offset, \`index\` ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next_is_held
    FROM numbered
  ),
  spans AS (
    SELECT
      *,
      if(nth = 1, begins_ms, greatest(begins_ms, decided_ms)) AS from_ms,
      least(if(next_is_held = 0, ${endless}, next_ms), if(losses = 0, ${endless}, lost_ms)) AS until_ms
    FROM holdings
    WHERE is_held
  )`
}

const columns = [
  'grants.entitlement', 'grants.native', 'grants.verdict', 'grants.direct', 'grants.since', 'grants.valid', 'grants.paths',
]

/** The row's grants as tuples, made of nothing but what is asked for: most grants of most accounts are not. */
function shown(grant: string | null): string {
  const kept = columns.map((column) => (grant === null ? column : `arrayFilter((g, e, n) -> ${grant}, ${column}, grants.entitlement, grants.native)`))
  return `arrayMap((e, n, v, d, s, f, p) -> (e, n, v, d, toUnixTimestamp64Milli(s), toUnixTimestamp64Milli(f), p), ${kept.join(', ')})`
}
