-- Rows of a feed that were posted leave an end of run 0, which is none: as many as there were posts. By source and phase, what tells that it was ever heard of,
-- when last, and what its runs' numbers are, however many runs and posts it had.
ALTER TABLE sync_run_log ADD PROJECTION IF NOT EXISTS signs (
  SELECT source, phase, max(at), groupUniqArrayArray(`classes.class`), minIf(run, run != 0), maxIf(run, run != 0) GROUP BY source, phase
);
ALTER TABLE sync_run_log MATERIALIZE PROJECTION signs;

-- As before, without run 0.
CREATE OR REPLACE VIEW recent_runs AS
SELECT source, run FROM (SELECT source, maxIf(l.run, l.run != 0) - arrayJoin(range(100)) AS run FROM sync_run_log AS l GROUP BY source) WHERE run != 0;

CREATE OR REPLACE VIEW earliest_runs AS
SELECT source, run FROM (SELECT source, minIf(l.run, l.run != 0) + arrayJoin(range(100)) AS run FROM sync_run_log AS l GROUP BY source) WHERE run != 0;

CREATE OR REPLACE VIEW last_complete_runs AS
WITH recent AS (
  SELECT source, max(r.run) AS last, max(r.end_at) AS at FROM sync_runs AS r
  WHERE (r.source, r.run) IN (SELECT source, run FROM recent_runs) AND r.verdict = 'complete'
  GROUP BY source
)
SELECT source, last AS run, at AS end_at FROM recent
UNION ALL
SELECT source, max(r.run) AS run, max(r.end_at) AS end_at FROM sync_runs AS r
WHERE r.run != 0 AND r.source NOT IN (SELECT source FROM recent) AND r.verdict = 'complete'
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
WHERE r.run != 0 AND r.source NOT IN (SELECT source FROM earliest) AND r.verdict = 'complete'
GROUP BY source;
