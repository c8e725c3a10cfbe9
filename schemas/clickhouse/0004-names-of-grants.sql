-- An application has few names of grants, and its accounts hold them by the million: who holds one is a scan of small numbers.
ALTER TABLE access_log
  MODIFY COLUMN grants.entitlement Array(LowCardinality(String)),
  MODIFY COLUMN grants.native Array(LowCardinality(String));
