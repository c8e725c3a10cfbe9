-- A record that is broken for a year is told by each of 35,000 runs, and nearly all that was ever told is no longer open. What is open is looked for among
-- what was told by a source's last complete run or later, or without a run (which sorts as the last of runs), and among what persons decided.
ALTER TABLE dead_letters ADD PROJECTION IF NOT EXISTS tellings (
  SELECT
    state, source, coalesce(run, 9223372036854775807), id,
    max((offset, `index`)), argMax((topic, partition, at, stage, code), (offset, `index`)), min(offset)
  GROUP BY state, source, coalesce(run, 9223372036854775807), id
);

-- Of each letter, where its last row is and which runs told it. Runs that follow on one another take a few bytes, however many they are.
ALTER TABLE dead_letters ADD PROJECTION IF NOT EXISTS letters (
  SELECT id, max((offset, `index`)), groupBitmapStateIf(toUInt64(assumeNotNull(run)), state = 'open' AND run >= 0)
  GROUP BY id
);

-- Of rows that are there already: until it is done, they are read as they were before.
ALTER TABLE dead_letters MATERIALIZE PROJECTION tellings;
ALTER TABLE dead_letters MATERIALIZE PROJECTION letters;
