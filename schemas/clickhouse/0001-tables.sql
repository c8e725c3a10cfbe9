-- Plain MergeTree, one ClickHouse partition each. Every row carries the position (topic, partition, offset, index) of the record that
-- made it, and each position is there once. Times are milliseconds, UTC. Statements end with a semicolon at the end of a line and
-- can be run again.

-- Who may insert the rows of a topic's partition: the owner of its largest epoch. Rows below `floor` have all been inserted.
CREATE TABLE IF NOT EXISTS sink_epochs (
  topic LowCardinality(String),
  partition UInt32,
  epoch Int64,
  floor Int64,
  owner String,
  at DateTime64(3, 'UTC')
) ENGINE = MergeTree ORDER BY (topic, partition, epoch, floor);

-- One row per change of a finding. By id: the latest state and the history of one are neighbours.
CREATE TABLE IF NOT EXISTS findings_log (
  topic LowCardinality(String),
  partition UInt32,
  offset Int64,
  `index` Int32,
  id String,
  kind LowCardinality(String),
  severity LowCardinality(String),
  change LowCardinality(String),
  home String,
  identity Nullable(String),
  app LowCardinality(Nullable(String)),
  account Nullable(String),
  entitlement Nullable(String),
  object Nullable(String),
  since DateTime64(3, 'UTC'),
  opened DateTime64(3, 'UTC'),
  closed_as LowCardinality(Nullable(String)),
  successor Nullable(String),
  detail String,
  valid Nullable(DateTime64(3, 'UTC')),
  observed Nullable(DateTime64(3, 'UTC')),
  decided DateTime64(3, 'UTC'),
  causes Nested (topic String, partition Int64, offset Int64, `index` Int64),
  cause_topic LowCardinality(String),
  cause_partition Int64,
  cause_offset Int64,
  cause_index Int64,
  INDEX by_offset offset TYPE minmax GRANULARITY 1
) ENGINE = MergeTree ORDER BY (id, offset, `index`);

-- One row per change of one account's effective access. Arrays stay arrays: expanding them is the reader's work.
CREATE TABLE IF NOT EXISTS access_log (
  topic LowCardinality(String),
  partition UInt32,
  offset Int64,
  `index` Int32,
  home String,
  identity Nullable(String),
  app LowCardinality(String),
  account String,
  kind LowCardinality(String),
  status LowCardinality(String),
  gone Bool,
  grants Nested (
    entitlement String,
    native String,
    verdict LowCardinality(String),
    direct Bool,
    since DateTime64(3, 'UTC'),
    valid Nullable(DateTime64(3, 'UTC')),
    paths Array(Array(String))
  ),
  removed Array(String),
  valid Nullable(DateTime64(3, 'UTC')),
  observed DateTime64(3, 'UTC'),
  decided DateTime64(3, 'UTC'),
  cause_topic LowCardinality(String),
  cause_partition Int64,
  cause_offset Int64,
  cause_index Int64,
  INDEX by_offset offset TYPE minmax GRANULARITY 1,
  INDEX by_identity identity TYPE bloom_filter GRANULARITY 1
) ENGINE = MergeTree ORDER BY (app, account, home, offset, `index`);

CREATE TABLE IF NOT EXISTS lag_samples (
  topic LowCardinality(String),
  partition UInt32,
  offset Int64,
  `index` Int32,
  home String,
  app LowCardinality(String),
  entitlement String,
  direction LowCardinality(String),
  desired DateTime64(3, 'UTC'),
  observed DateTime64(3, 'UTC'),
  lag_ms Int64,
  decided DateTime64(3, 'UTC'),
  cause_topic LowCardinality(String),
  cause_partition Int64,
  cause_offset Int64,
  cause_index Int64,
  INDEX by_offset offset TYPE minmax GRANULARITY 1
) ENGINE = MergeTree ORDER BY (app, direction, decided);

-- `run_partition`: whose verdict a row of phase `partition` is. `partitions`: how many must say so; 0 where the row can't know.
CREATE TABLE IF NOT EXISTS sync_run_log (
  topic LowCardinality(String),
  partition UInt32,
  offset Int64,
  `index` Int32,
  source String,
  run Int64,
  phase LowCardinality(String),
  run_partition Nullable(Int64),
  partitions UInt32,
  verdict LowCardinality(Nullable(String)),
  reason Nullable(String),
  place Nullable(String),
  at DateTime64(3, 'UTC'),
  pages Int64,
  read Int64,
  rejected Int64,
  changed Int64,
  absent Int64,
  held Int64,
  classes Nested (
    class String,
    verdict LowCardinality(String),
    reason Nullable(String),
    place Nullable(String),
    read Int64,
    declared Nullable(Int64),
    rejected Int64,
    counts Array(Int64)
  ),
  INDEX by_offset offset TYPE minmax GRANULARITY 1
) ENGINE = MergeTree ORDER BY (source, run, offset, `index`);

-- Also holds what the sink itself could not read: then the position is that of the message, in its own topic.
CREATE TABLE IF NOT EXISTS dead_letters (
  topic LowCardinality(String),
  partition UInt32,
  offset Int64,
  `index` Int32,
  id String,
  source String,
  run Nullable(Int64),
  stage LowCardinality(String),
  code LowCardinality(String),
  reason String,
  place String,
  record Nullable(String),
  payload String,
  at DateTime64(3, 'UTC'),
  cause_topic LowCardinality(Nullable(String)),
  cause_partition Nullable(Int64),
  cause_offset Nullable(Int64),
  cause_index Nullable(Int64),
  INDEX by_offset offset TYPE minmax GRANULARITY 1
) ENGINE = MergeTree ORDER BY (source, at);
