-- What people query. A home, and with it a finding or an account's access there, is always in one partition, so (offset, index)
-- orders its rows. LIMIT 1 BY and tuples, not argMax of a column: argMax skips NULL and would answer an older value.

CREATE OR REPLACE VIEW findings_now AS
SELECT * FROM findings_log ORDER BY id, offset DESC, `index` DESC LIMIT 1 BY id;

CREATE OR REPLACE VIEW findings_open AS
SELECT * FROM findings_now WHERE change != 'closed';

CREATE OR REPLACE VIEW findings_history AS
SELECT * FROM findings_log ORDER BY id, offset, `index`;

-- The latest row of each account at each home where it still is, and the position since which it has been there.
CREATE OR REPLACE VIEW accounts_now AS
SELECT
  home, app, account,
  tupleElement(latest, 1) AS identity, tupleElement(latest, 2) AS kind, tupleElement(latest, 3) AS status,
  left_at
FROM (
  SELECT
    home, app, account,
    argMax((l.identity, l.kind, l.status, l.gone), (l.offset, l.`index`)) AS latest,
    maxIf((l.offset + 1, l.`index`), l.gone) AS left_at
  FROM access_log AS l
  GROUP BY home, app, account
)
WHERE NOT tupleElement(latest, 4);

-- One row per account, entitlement and native grant that is held now. An entitlement's latest mention replaces all of its grants.
CREATE OR REPLACE VIEW access_now AS
SELECT
  a.home AS home, a.identity AS identity, a.app AS app, a.account AS account, a.kind AS kind, a.status AS status,
  e.entitlement AS entitlement, tupleElement(g, 1) AS native, tupleElement(g, 2) AS verdict, tupleElement(g, 3) AS direct,
  tupleElement(g, 4) AS since, tupleElement(g, 5) AS valid, tupleElement(g, 6) AS paths,
  e.observed AS observed, e.decided AS decided,
  e.topic AS topic, e.partition AS partition, e.offset AS offset, e.`index` AS `index`
FROM (
  SELECT
    home, app, account, entitlement, topic, partition, offset, `index`, observed, decided,
    arrayFilter(
      (g, e) -> e = entitlement,
      arrayZip(grants.native, grants.verdict, grants.direct, grants.since, grants.valid, grants.paths),
      grants.entitlement
    ) AS held
  FROM access_log
  ARRAY JOIN arrayDistinct(arrayConcat(grants.entitlement, removed)) AS entitlement
  ORDER BY home, app, account, entitlement, offset DESC, `index` DESC
  LIMIT 1 BY home, app, account, entitlement
) AS e
INNER JOIN accounts_now AS a ON a.home = e.home AND a.app = e.app AND a.account = e.account
ARRAY JOIN e.held AS g
WHERE (e.offset + 1, e.`index`) > a.left_at;

CREATE OR REPLACE VIEW lag AS
SELECT
  app, direction, count() AS samples,
  quantileExact(0.5)(lag_ms) AS p50_ms, quantileExact(0.95)(lag_ms) AS p95_ms, max(lag_ms) AS max_ms,
  max(decided) AS latest
FROM lag_samples
GROUP BY app, direction;

-- One row per run. `verdict` is NULL while an end or a partition's row is outstanding and none of them says partial.
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
  sumIf(l.held, l.phase = 'partition') AS held
FROM sync_run_log AS l
GROUP BY source, run;
