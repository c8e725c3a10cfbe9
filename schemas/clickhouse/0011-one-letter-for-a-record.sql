-- A letter is told again by each run that finds the record broken in the same way. One row per letter: its last one by the order of the log, so that
-- one told after a retry is open again. What a person put aside stays so however often it is told, until a complete run is without it: told after that
-- it is open again. An open one is superseded by a complete run above the last run that told it.
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
LEFT JOIN (
  SELECT source, max(run) AS run FROM sync_runs
  WHERE source IN (SELECT source FROM dead_letters WHERE run IS NOT NULL) AND verdict = 'complete'
  GROUP BY source
) AS c ON c.source = l.source;
