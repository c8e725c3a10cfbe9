-- One row per change of an action: what was proposed about a finding, decided, sent, and came of it. By id: the history of one.
CREATE TABLE IF NOT EXISTS action_log (
  topic LowCardinality(String),
  partition UInt32,
  offset Int64,
  `index` Int32,
  id String,
  version String,
  state LowCardinality(String),
  mode LowCardinality(String),
  kind LowCardinality(String),
  severity LowCardinality(String),
  home String,
  identity Nullable(String),
  app LowCardinality(String),
  account Nullable(String),
  entitlement Nullable(String),
  object Nullable(String),
  detail String,
  operations Nested (name LowCardinality(String), account String, ref Nullable(String), credential Nullable(String)),
  loses Nested (entitlement String, desired Bool),
  obstacle Nullable(String),
  attempt Int64,
  command_id Nullable(String),
  verdict LowCardinality(Nullable(String)),
  reason Nullable(String),
  `by` Nullable(String),
  why Nullable(String),
  due Nullable(DateTime64(3, 'UTC')),
  at DateTime64(3, 'UTC'),
  cause_topic LowCardinality(String),
  cause_partition Int64,
  cause_offset Int64,
  cause_index Int64,
  INDEX by_offset offset TYPE minmax GRANULARITY 1
) ENGINE = MergeTree ORDER BY (id, offset, `index`);

-- An application's actions are always in one partition, so (offset, index) orders the rows of one.
CREATE OR REPLACE VIEW actions_now AS
SELECT * FROM action_log ORDER BY id, offset DESC, `index` DESC LIMIT 1 BY id;
