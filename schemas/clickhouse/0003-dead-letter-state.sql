-- A dead letter is decided about: retried, or discarded with a name and a reason. Each decision is a row of the letter's own.
ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS state LowCardinality(String) DEFAULT 'open' AFTER at;
ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS `by` Nullable(String) AFTER state;
ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS why Nullable(String) AFTER `by`;

-- One row per letter: the newest decision about it, else the letter as it was told first.
CREATE OR REPLACE VIEW dead_letters_now AS
SELECT * FROM dead_letters ORDER BY id, state = 'open', at DESC, offset DESC, `index` DESC LIMIT 1 BY id;
