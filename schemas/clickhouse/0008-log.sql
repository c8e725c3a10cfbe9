-- Of which log these tables are: the first whose sink came. Another one's positions mean other records, so its sink puts nothing here.
CREATE TABLE IF NOT EXISTS sink_log (
  id String,
  at DateTime64(3, 'UTC')
) ENGINE = MergeTree ORDER BY id;
