-- What a run's source names, or what governance names of it, that is not there: how much in each partition, and the first names.
ALTER TABLE sync_run_log ADD COLUMN IF NOT EXISTS unresolved Int64;
ALTER TABLE sync_run_log ADD COLUMN IF NOT EXISTS unresolved_some Array(String);
-- Rows of a feed that name an application which the config file never had belong to the run that read them.
ALTER TABLE sync_run_log ADD COLUMN IF NOT EXISTS `unknown_apps.app` Array(Nullable(String));
ALTER TABLE sync_run_log ADD COLUMN IF NOT EXISTS `unknown_apps.rows` Array(Int64);
ALTER TABLE sync_run_log ADD COLUMN IF NOT EXISTS `unknown_apps.near` Array(Nullable(String));

-- One row per run, as before, and these of all its partitions.
CREATE OR REPLACE VIEW sync_runs AS
SELECT
  source, run,
  minIf(l.at, l.phase = 'begin') AS begin_at,
  countIf(l.phase = 'begin') > 0 AS begun,
  maxIf(l.at, l.phase = 'end') AS end_at,
  countIf(l.phase = 'end') > 0 AS ended,
  uniqExactIf(l.run_partition, l.phase = 'partition') AS partitions_done,
  maxIf(l.partitions, l.phase = 'end') AS partitions_expected,
  multiIf(
    countIf(l.phase != 'begin' AND l.verdict = 'partial') > 0, 'partial',
    NOT ended OR partitions_done < partitions_expected OR partitions_expected = 0, NULL,
    countIf(l.phase != 'begin' AND (l.verdict IS NULL OR l.verdict != 'complete')) > 0, 'unknown',
    'complete'
  ) AS verdict,
  arraySort(groupUniqArrayIf(assumeNotNull(l.reason), l.phase != 'begin' AND l.reason IS NOT NULL)) AS reasons,
  arraySort(groupUniqArrayIf(assumeNotNull(l.place), l.phase != 'begin' AND l.place IS NOT NULL)) AS places,
  sumIf(l.pages, l.phase = 'end') AS pages,
  sumIf(l.read, l.phase = 'end') AS read,
  sumIf(l.rejected, l.phase = 'end') AS rejected,
  sumIf(l.changed, l.phase = 'partition') AS changed,
  sumIf(l.absent, l.phase = 'partition') AS absent,
  sumIf(l.held, l.phase = 'partition') AS held,
  sumIf(l.unresolved, l.phase = 'partition') AS unresolved,
  arraySlice(arraySort(groupUniqArrayArrayIf(l.unresolved_some, l.phase = 'partition')), 1, 5) AS unresolved_some,
  arrayFlatten(groupArrayIf(
    arrayZip(
      `schema_changes.stream`, `schema_changes.field`, `schema_changes.change`, `schema_changes.was`, `schema_changes.is`, `schema_changes.example`,
      `schema_changes.place`
    ),
    l.phase = 'end'
  )) AS schema_changes,
  arrayFlatten(groupArrayIf(arrayZip(`unknown_apps.app`, `unknown_apps.rows`, `unknown_apps.near`), l.phase = 'end')) AS unknown_apps
FROM sync_run_log AS l
GROUP BY source, run;
