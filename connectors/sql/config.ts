import { z } from 'zod'
import { Ref } from '../../schemas/wire/raw.ts'
import { accountTable, credentialColumns, translate } from '../../src/connect/declared/columns.ts'
import { HandOverConfig } from '../../src/connect/hand-over.ts'
import { secretReference } from '../../src/connect/secrets.ts'
import { OperationName } from '../../schemas/wire/operations.ts'
import { asksForSecret, bindProblem, cursorProblem } from './bind.ts'
import { placeholderProblem, statementProblem } from './statement.ts'

const column = z.string().min(1).describe('a column of the query’s result, spelt exactly as the database returns it')
const query = z.string().superRefine((text, context) => {
  const problem = statementProblem(text)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
})
const refKind = Ref.shape.kind

const common = {
  name: z.string().min(1).describe('names the stream in places and errors'),
  query: query.describe('one SELECT or WITH statement; its text never takes values from data'),
  one: query
    .nullable()
    .default(null)
    .describe('the same columns for one account, whose native id is bound to $1 (postgres) or ? (sqlite)'),
  time: z
    .enum(['iso', 'epoch-seconds', 'epoch-ms'])
    .default('iso')
    .describe('what a time column holds; text without a zone is UTC; the database’s own timestamps need no setting'),
}

/** A field without a column, and a column that is NULL, take the default. */
const AccountStream = z.strictObject({ ...common, piece: z.literal('account'), ...accountTable(column) })

const DefinitionStream = z.strictObject({
  ...common,
  piece: z.literal('definition'),
  columns: z.strictObject({ id: column, kind: column.optional(), name: column.optional(), valid: column.optional() }),
  defaults: z.strictObject({ kind: refKind.default('role') }).prefault({}),
  translate: z.strictObject({ kind: translate(refKind) }).prefault({}),
})

const ChildStream = z.strictObject({
  ...common,
  piece: z.literal('child'),
  columns: z.strictObject({ parent: column, parentKind: column.optional(), child: column, childKind: column.optional() }),
  defaults: z.strictObject({ parentKind: refKind.default('role'), childKind: refKind.default('entitlement') }).prefault({}),
  translate: z.strictObject({ parentKind: translate(refKind), childKind: translate(refKind) }).prefault({}),
})

const MembershipStream = z.strictObject({
  ...common,
  piece: z.literal('membership'),
  columns: z.strictObject({ account: column, id: column, kind: column.optional(), valid: column.optional() }),
  defaults: z.strictObject({ kind: refKind.exclude(['entitlement']).default('role') }).prefault({}),
  translate: z.strictObject({ kind: translate(refKind.exclude(['entitlement'])) }).prefault({}),
})

const GrantStream = z.strictObject({
  ...common,
  piece: z.literal('grant'),
  columns: z.strictObject({ account: column, entitlement: column, valid: column.optional() }),
})

const CredentialStream = z.strictObject({
  ...common,
  piece: z.literal('credential'),
  columns: credentialColumns(column),
  defaults: z.strictObject({ kind: z.string().min(1).default('key') }).prefault({}),
})

export const SqlStream = z.discriminatedUnion('piece', [
  AccountStream, DefinitionStream, ChildStream, MembershipStream, GrantStream, CredentialStream,
])
export type SqlStream = z.infer<typeof SqlStream>

const bound = (text: string, context: z.RefinementCtx<string>): void => {
  const problem = bindProblem(text)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
}

/**
 * One way to carry out an operation, in one transaction. `:account`, `:ref`, `:kind`, `:credential`, `:key` and `:attributes.NAME` are
 * bound; PostgreSQL statements that take no parameters find them as current_setting('grantline.account') and so on. Of `rotate-credential`
 * `:secret` is the new secret, made here and handed over, and `:attributes.created` or `expires` tell the old one (ms).
 */
const Write = z.strictObject({
  operation: OperationName,
  kind: refKind.nullable().default(null).describe('of grant and revoke: only for this kind; null: for all'),
  holds: query.superRefine(bound).describe('answers a row exactly where it is so; asked before, and after, when it must'),
  run: z.array(z.string().min(1).superRefine(bound)).min(1).describe('statements that make it so'),
})
export type Write = z.infer<typeof Write>

/** How the database tells what changed: a log of changes, or a time or number that grows with each of them. */
const Changes = z.strictObject({
  position: query.describe('answers one row with one value: where changes end now, as text, a number or a time'),
  query: query
    .superRefine((text, context) => {
      const problem = cursorProblem(text)
      if (problem !== null) context.addIssue({ code: 'custom', message: problem })
    })
    .describe('the accounts that changed after :cursor, which is an earlier answer of `position`, as text'),
  account: column,
})
export type SqlChanges = z.infer<typeof Changes>

const shared = {
  handOver: HandOverConfig,
  write: z.array(Write).default([]).describe('how corrections are written; the first that fits the operation'),
  changes: Changes.nullable().default(null).describe('which accounts changed; each is then read singly. null: the next snapshot shows it'),
  streams: z.array(SqlStream).min(1),
  pageSize: z.int().min(1).max(100_000).default(1000).describe('rows a page'),
}

const SqliteConfig = z.strictObject({
  driver: z.literal('sqlite'),
  file: z.string().min(1).describe('database file; relative to the config file'),
  ...shared,
})
export type SqliteConfig = z.infer<typeof SqliteConfig>

const PostgresConfig = z.strictObject({
  driver: z.literal('postgres'),
  host: z.string().min(1),
  port: z.int().min(1).max(65535).default(5432),
  database: z.string().min(1),
  user: z.string().min(1),
  password: secretReference,
  ssl: z
    .strictObject({
      caFile: z.string().nullable().default(null).describe('PEM; null trusts the system’s authorities'),
      serverName: z.string().min(1).nullable().default(null).describe('whose certificate it has to be, where `host` is a tunnel or proxy; null: the host’s'),
    })
    .nullable()
    .default(null)
    .describe('an object asks for TLS and verifies the certificate; null connects in clear'),
  connectTimeoutMs: z.int().min(100).default(10_000),
  statementTimeoutMs: z.int().min(100).default(300_000).describe('of one page, at the server and here'),
  ...shared,
})
export type PostgresConfig = z.infer<typeof PostgresConfig>

/** Streams that speak about accounts: a single read must ask all of them, or it would show an account without its access. */
export const concernsAccounts = (stream: SqlStream): boolean => stream.piece !== 'definition' && stream.piece !== 'child'

export const SqlConfig = z.discriminatedUnion('driver', [SqliteConfig, PostgresConfig]).superRefine((config, context) => {
  const names = new Set<string>()
  const single = config.streams.filter((stream) => stream.one !== null)
  for (const [index, stream] of config.streams.entries()) {
    const refuse = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: ['streams', index, field], message })
    if (names.has(stream.name)) refuse('name', `two streams are called ${stream.name}`)
    names.add(stream.name)
    if (stream.one === null) {
      if (single.length > 0 && concernsAccounts(stream)) refuse('one', 'give `one` to every stream about accounts, or to none')
      continue
    }
    if (!concernsAccounts(stream)) refuse('one', 'roles and their children are not read singly: leave `one` out')
    const problem = placeholderProblem(stream.one, config.driver === 'postgres' ? '$1' : '?')
    if (problem !== null) refuse('one', problem)
  }
  for (const [index, { operation, holds, run }] of config.write.entries()) {
    const asks = [holds, ...run].some((text) => asksForSecret(text, config.driver))
    if (asks && operation !== 'rotate-credential') context.addIssue({ code: 'custom', path: ['write', index], message: 'a new secret is made for rotate-credential only' })
    else if (asks && config.handOver === null) context.addIssue({ code: 'custom', path: ['handOver'], message: 'say where the new secret is put for its owner' })
  }
  if (config.changes !== null && single.length === 0) {
    context.addIssue({ code: 'custom', path: ['changes'], message: 'accounts that changed are read singly: give `one` to every stream about accounts' })
  }
  if (single.length > 0 && !single.some((stream) => stream.piece === 'account')) {
    context.addIssue({ code: 'custom', path: ['streams'], message: 'single reads need an account stream with `one`' })
  }
})
export type SqlConfig = z.infer<typeof SqlConfig>
