import { accessSpans } from './access-spans.ts'

const ofHome = 'OVER (PARTITION BY home, app, account)'
const isThen = 'NOT gone AND coalesce(valid_ms, observed_ms) <= {at:Int64}'
const told = '(identity, kind, status)'
const position = '(offset, `index`)'
/** What the newest row of that time said of the account at this home; the first one speaks for all the time before it. */
const state = `if(
        countIf(${isThen}) ${ofHome} > 0, argMaxIf(${told}, ${position}, ${isThen}) ${ofHome}, argMinIf(${told}, ${position}, NOT gone) ${ofHome}
      )`

/** Who held what at {at:Int64}, as known at {known_at:Int64}; both in ms. Conditions as in accessSpans, and on `s` and the result. */
export function accessAsOf(logConditions: string, grant: string | null, conditions: string): string {
  return `
WITH ${accessSpans(logConditions, grant, state)}
SELECT
  s.home AS home, tupleElement(s.state, 1) AS identity, s.app AS app, s.account AS account, tupleElement(s.state, 2) AS kind,
  tupleElement(s.state, 3) AS status, s.entitlement AS entitlement, s.native AS native, s.verdict AS verdict, s.direct AS direct,
  s.since AS since, s.valid AS valid, s.paths AS paths, s.observed_ms AS observed, s.decided_ms AS decided,
  CAST((s.topic, s.partition, s.offset, s.\`index\`), 'Tuple(topic String, partition Int64, offset Int64, index Int64)') AS position
FROM spans AS s
WHERE s.from_ms <= {at:Int64} AND {at:Int64} < s.until_ms ${conditions}
ORDER BY app, account, home, entitlement, native
LIMIT {limit:UInt32}`
}
