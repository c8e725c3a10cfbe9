-- A complete run reads all again and tells anew what it can't take: open letters of runs before it say nothing that still is so. One row per letter:
-- the newest decision about it, else the letter as it was told first.
CREATE OR REPLACE VIEW dead_letters_now AS
SELECT l.* REPLACE (if(l.state = 'open' AND l.run < c.run, 'superseded', l.state) AS state)
FROM (
  SELECT * FROM dead_letters ORDER BY id, state = 'open', at DESC, offset DESC, `index` DESC LIMIT 1 BY id
) AS l
LEFT JOIN (
  SELECT source, max(run) AS run FROM sync_runs
  WHERE source IN (SELECT source FROM dead_letters WHERE run IS NOT NULL) AND verdict = 'complete'
  GROUP BY source
) AS c ON c.source = l.source;
