-- A source has tens of thousands of runs a year, and what people ask about is nearly always among the last hundred of them or the first hundred: looked
-- for there, and among all runs only of those sources that had no complete one there.
-- A row whose run has a number that no run of ours has (below 0, as a stranger may write it) names runs that are not there, and is no reason to answer nothing.
CREATE OR REPLACE VIEW recent_runs AS
SELECT source, max(l.run) - arrayJoin(range(100)) AS run FROM sync_run_log AS l GROUP BY source;

CREATE OR REPLACE VIEW earliest_runs AS
SELECT source, min(l.run) + arrayJoin(range(100)) AS run FROM sync_run_log AS l GROUP BY source;

CREATE OR REPLACE VIEW last_complete_runs AS
WITH recent AS (
  SELECT source, max(r.run) AS last, max(r.end_at) AS at FROM sync_runs AS r
  WHERE (r.source, r.run) IN (SELECT source, run FROM recent_runs) AND r.verdict = 'complete'
  GROUP BY source
)
SELECT source, last AS run, at AS end_at FROM recent
UNION ALL
SELECT source, max(r.run) AS run, max(r.end_at) AS end_at FROM sync_runs AS r
WHERE r.source NOT IN (SELECT source FROM recent) AND r.verdict = 'complete'
GROUP BY source;

CREATE OR REPLACE VIEW first_complete_runs AS
WITH earliest AS (
  SELECT source, min(r.run) AS first, min(r.end_at) AS at FROM sync_runs AS r
  WHERE (r.source, r.run) IN (SELECT source, run FROM earliest_runs) AND r.verdict = 'complete'
  GROUP BY source
)
SELECT source, first AS run, at AS end_at FROM earliest
UNION ALL
SELECT source, min(r.run) AS run, min(r.end_at) AS end_at FROM sync_runs AS r
WHERE r.source NOT IN (SELECT source FROM earliest) AND r.verdict = 'complete'
GROUP BY source;

-- As before; the last complete run of a source is looked for as above.
CREATE OR REPLACE VIEW dead_letters_now AS
SELECT l.* REPLACE (if(l.state = 'open' AND l.run < c.run, 'superseded', l.state) AS state)
FROM (
  SELECT d.*
  FROM dead_letters AS d
  LEFT JOIN (
    -- of each that was put aside: where the last run told it first that follows on a complete run which was without it
    SELECT t.id AS id, max(t.offset) AS offset
    FROM (
      SELECT o.id AS id, o.source AS source, assumeNotNull(o.run) AS run, min(o.offset) AS offset FROM dead_letters AS o
      WHERE o.state = 'open' AND o.run IS NOT NULL AND o.id IN (SELECT id FROM dead_letters WHERE state = 'discarded')
      GROUP BY id, source, run
    ) AS t
    ASOF LEFT JOIN (
      SELECT id, assumeNotNull(run) AS run FROM dead_letters
      WHERE state = 'open' AND run IS NOT NULL AND id IN (SELECT id FROM dead_letters WHERE state = 'discarded')
    ) AS before ON before.id = t.id AND before.run < t.run
    ASOF LEFT JOIN (
      SELECT source, run FROM sync_runs
      WHERE source IN (SELECT source FROM dead_letters WHERE state = 'discarded') AND verdict = 'complete'
    ) AS complete ON complete.source = t.source AND complete.run < t.run
    WHERE complete.run > before.run
    GROUP BY t.id
  ) AS anew ON anew.id = d.id
  ORDER BY d.id, d.state = 'discarded' AND d.offset >= coalesce(anew.offset, 0) DESC, d.offset DESC, d.`index` DESC LIMIT 1 BY d.id
) AS l
LEFT JOIN last_complete_runs AS c ON c.source = l.source;
