-- One row per decision of a person on a source: held absences released, its baseline declared, or retired. A source's are in one partition.
CREATE TABLE IF NOT EXISTS ruling_log (
  topic LowCardinality(String),
  partition UInt32,
  offset Int64,
  `index` Int32,
  source String,
  kind LowCardinality(String),
  run Nullable(Int64),
  `by` String,
  reason String,
  at DateTime64(3, 'UTC'),
  INDEX by_offset offset TYPE minmax GRANULARITY 1
) ENGINE = MergeTree ORDER BY (source, offset, `index`);
