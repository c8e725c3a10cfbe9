-- As before; a row whose run has a number that no run of ours has (below 0, as a stranger may write it) names runs that are not there, and is no reason to answer nothing.
CREATE OR REPLACE VIEW recent_runs AS
SELECT source, max(l.run) - arrayJoin(range(100)) AS run FROM sync_run_log AS l GROUP BY source;

CREATE OR REPLACE VIEW earliest_runs AS
SELECT source, min(l.run) + arrayJoin(range(100)) AS run FROM sync_run_log AS l GROUP BY source;
