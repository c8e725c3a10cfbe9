-- Changes come in small inserts, several a second, and merging their parts costs more than inserting them. Wider merges write each row less often; a
-- table has up to three times as many parts for it, a few dozen.
ALTER TABLE findings_log MODIFY SETTING merge_selector_base = 16;
ALTER TABLE access_log MODIFY SETTING merge_selector_base = 16;
ALTER TABLE lag_samples MODIFY SETTING merge_selector_base = 16;
ALTER TABLE action_log MODIFY SETTING merge_selector_base = 16;
