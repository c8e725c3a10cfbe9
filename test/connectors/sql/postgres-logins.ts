/** PostgreSQL itself as the application: logins are accounts, the roles that they are granted are what they hold. */
export const loginStreams = [
  { name: 'roles', piece: 'definition', query: "SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' AND NOT rolcanlogin AND rolname NOT LIKE 'login\\_%'", columns: { id: 'rolname', name: 'rolname' } },
  { name: 'what a role is', piece: 'child', query: "SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' AND NOT rolcanlogin", columns: { parent: 'rolname', child: 'rolname' } },
  { name: 'logins', piece: 'account', query: "SELECT rolname, rolcanlogin FROM pg_roles WHERE NOT rolsuper AND (rolcanlogin OR shobj_description(oid, 'pg_authid') = 'login')",
    one: "SELECT rolname, rolcanlogin FROM pg_roles WHERE NOT rolsuper AND (rolcanlogin OR shobj_description(oid, 'pg_authid') = 'login') AND rolname = $1",
    columns: { id: 'rolname', display: 'rolname', status: 'rolcanlogin', values: { login: 'rolname' } }, translate: { status: { true: 'active', false: 'disabled' } } },
  { name: 'roles of logins', piece: 'membership',
    query: "SELECT m.rolname AS member, r.rolname AS role FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid WHERE m.rolname NOT LIKE 'pg\\_%'",
    one: 'SELECT m.rolname AS member, r.rolname AS role FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid WHERE m.rolname = $1',
    columns: { account: 'member', id: 'role' } },
]

/** Statements about roles take no parameters: they read the subject by current_setting and quote it with format. */
const about = (statement: string, ...names: string[]): string =>
  `DO $do$ BEGIN EXECUTE format('${statement}', ${names.map((name) => `current_setting('grantline.${name}')`).join(', ')}); END $do$`
const member = 'SELECT 1 FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid WHERE m.rolname = :account AND r.rolname = :ref'

export const roleWrites = [
  { operation: 'grant', kind: 'role', holds: member, run: [about('GRANT %I TO %I', 'ref', 'account')] },
  { operation: 'revoke', kind: 'role', holds: `SELECT 1 WHERE NOT EXISTS (${member})`, run: [about('REVOKE %I FROM %I', 'ref', 'account')] },
  // The comment says that it is a login still, so that a disabled one is not taken for one that is gone.
  { operation: 'disable-account', holds: 'SELECT 1 FROM pg_roles WHERE rolname = :account AND NOT rolcanlogin',
    run: [about("COMMENT ON ROLE %I IS ''login''", 'account'), about('ALTER ROLE %I NOLOGIN', 'account')] },
  { operation: 'enable-account', holds: 'SELECT 1 FROM pg_roles WHERE rolname = :account AND rolcanlogin', run: [about('ALTER ROLE %I LOGIN', 'account')] },
]

export const loginCreation = {
  operation: 'create-account', holds: 'SELECT 1 FROM pg_roles WHERE rolname = :account AND rolcanlogin', run: [about('CREATE ROLE %I LOGIN', 'account')],
}

/** A login's password is a credential that ends. */
export const passwordWrites = [
  { operation: 'rotate-credential', holds: 'SELECT 1 FROM pg_roles WHERE rolname = :account AND rolvaliduntil > to_timestamp(CAST(:attributes.expires AS double precision) / 1000)',
    run: ["DO $do$ BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L VALID UNTIL %L', current_setting('grantline.account'), current_setting('grantline.secret'), now() + interval '90 days'); END $do$"] },
  { operation: 'disable-credential', holds: 'SELECT 1 FROM pg_authid WHERE rolname = :account AND rolpassword IS NULL', run: [about('ALTER ROLE %I PASSWORD NULL', 'account')] },
]
