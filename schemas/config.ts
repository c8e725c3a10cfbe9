import { z } from 'zod'
import { AppSetting, Brake, Corrections, IntentClass, PolicySetting, RemedySetting } from './settings.ts'

/** The one YAML file. Unknown keys are refused. Secrets are references (`env:NAME`, `file:/path`), never values. */

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'a name is lower-case letters, digits and dashes, and begins with a letter')
  .describe('name')

/** An application's `state` is not the file's to say: it is in the file, or it left it. */
const fromFile = AppSetting.omit({ state: true, corrections: true })

/** What may be written to an application, and when. */
export const RemedyConfig = z.strictObject({
  ...Corrections.shape,
  ...RemedySetting.omit({ active: true }).shape,
  visibilitySeconds: z.number().min(0).default(60).describe('so long a read may not show what was written'),
})
export type RemedyConfig = z.infer<typeof RemedyConfig>

export const AppConfig = z.strictObject({
  connector: z.string().describe('a connector kind (see `grantline connectors`), or the path of a TypeScript module beginning with ./'),
  with: z.record(z.string(), z.unknown()).default({}).describe('the connector kind’s own settings'),
  everySeconds: z.number().min(1).default(3600).describe('a complete snapshot begins this often'),
  changesEverySeconds: z.number().min(0.1).default(10).describe('changes are asked for this often, where the connector can'),
  changesLagSeconds: z.number().min(0).default(5).describe('a change may become visible this much after its own time; so far back is asked for again'),
  limits: z
    .strictObject({
      maxPerSecond: z.number().positive().default(1_000).describe('requests; fewer where the application allows fewer, which is found out'),
      maxInFlight: z.int().min(1).max(64).default(8).describe('requests under way at once'),
    })
    .prefault({})
    .describe('of all that is asked of this application, reads and writes together'),
  catalogueFile: z.string().nullable().default(null).describe('CSV with the columns native,name; added to `catalogue`'),
  webhook: z.record(z.string(), z.unknown()).nullable().default(null).describe('how webhooks of this application are verified and read (docs/connectors.md); it sends them to /v1/webhooks/<name>'),
  remedy: RemedyConfig.nullable().default(null).describe('null: nothing is proposed and nothing is written'),
  ...fromFile.shape,
})
export type AppConfig = z.infer<typeof AppConfig>

export const FeedConfig = z.strictObject({
  class: IntentClass,
  format: z.enum(['csv', 'ndjson']),
  path: z.string().nullable().default(null).describe('a file; null where records arrive by HTTP POST only'),
  everySeconds: z.number().min(1).default(3600),
  /** our field name -> column or property of the file; fields not listed have the same name there */
  fields: z.record(z.string(), z.string()).default({}),
  /** identities only: match space -> column */
  keys: z.record(z.string(), z.string()).default({}),
  /** identities only: columns kept as attributes, for the `when` of business roles */
  attributes: z.array(z.string()).default([]),
  brake: Brake.prefault({}),
})
export type FeedConfig = z.infer<typeof FeedConfig>

const secret = z.string().describe('a secret reference: env:NAME or file:PATH')

/** Its own section of the file: the log on Kafka, which many processes share. */
export const KafkaConfig = z.strictObject({
  brokers: z.array(z.string().regex(/^[^\s:]+:\d+$/, 'a broker is host:port')).min(1),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,80}$/, 'letters, digits, dots, dashes and underscores')
    .default('grantline.')
    .describe('begins the name of every topic, group and transactional id: another one for each installation'),
  replication: z.int().min(-1).max(16).default(-1).describe('copies of each partition; -1 takes the brokers’ default'),
  tls: z
    .union([
      z.boolean(),
      z.strictObject({
        ca: z.string().nullable().default(null).describe('file with the certificates that are trusted; null: those of the system'),
        cert: z.string().nullable().default(null).describe('file with this client’s certificate'),
        key: secret.nullable().default(null).describe('this client’s private key'),
      }),
    ])
    .default(false),
  sasl: z
    .strictObject({ mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']), username: z.string(), password: secret })
    .nullable()
    .default(null),
  standby: z.boolean().default(true).describe('a process with the role processors keeps copies of the states that others own, so that it takes over at once'),
  sessionSeconds: z.number().min(1).default(30).describe('a process that is not heard of for so long loses its partitions to the others'),
  transactionSeconds: z.number().min(1).max(900).default(60).describe('the brokers abort a transaction that is open for longer; more than `sessionSeconds`'),
})
export type KafkaConfig = z.infer<typeof KafkaConfig>

/** What a token may do over HTTP. */
const Right = z.union([z.enum(['read', 'sync', 'decide']), z.templateLiteral(['post:', name])], { error: 'a right is read, sync, decide, or post: with the name of a feed' })
export type Right = z.infer<typeof Right>

const fields = z.strictObject({
  dataDir: z.string().default('./data').describe('log, state and tables; relative to this file'),
  partitions: z.int().min(1).max(256).default(4).describe('of every topic; fixed for the life of the data directory'),
  tickSeconds: z.number().min(0.05).default(1).describe('how exactly time is known while there is work; a task with nothing to do for 60 of them looks ten times as seldom, every 10 s at least'),
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.int().min(0).max(65535).default(7400).describe('0 takes any free port'),
      token: z.string().nullable().default(null).describe('secret reference: may do everything; without one a token is made in the data directory'),
      tokens: z
        .record(name, z.strictObject({ token: secret, may: z.array(Right).min(1).describe('read: reports; sync: begin a snapshot; decide: rulings, actions, dead letters; post:<feed>: rows of that feed') }))
        .default({})
        .describe('further tokens, for whoever needs less than everything'),
    })
    .prefault({}),
  kafka: KafkaConfig.nullable().default(null).describe('log on Kafka, shared by many processes; null: the log is in the data directory'),
  registry: z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }).describe('of its Confluent API, up to where /subjects begins'),
      username: z.string().nullable().default(null),
      password: secret.nullable().default(null),
    })
    .nullable()
    .default(null)
    .describe('a schema registry; null: schemas are kept beside the log'),
  clickhouse: z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }).describe('of its HTTP interface'),
      database: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a database name is letters, digits and underscores').default('grantline'),
      username: z.string().default('default'),
      password: secret.nullable().default(null),
      insertSeconds: z.number().min(1).default(30).describe('the server stops an insert that takes longer; a sink that takes over waits a little longer than that'),
    })
    .nullable()
    .default(null)
    .describe('a ClickHouse server; null: an engine in this process, its tables in the data directory'),
  apps: z.record(name, AppConfig).default({}),
  feeds: z.record(name, FeedConfig).default({}),
  policy: PolicySetting.prefault({}),
})
/** Runs, rulings and findings name a source: an application and a feed of one name could not be told apart. */
export const Config = fields.superRefine(({ apps, feeds, kafka, http }, context) => {
  if (kafka !== null && kafka.transactionSeconds <= kafka.sessionSeconds) {
    // else a process whose transaction was timed out could not be told from one that was taken over
    context.addIssue({ code: 'custom', path: ['kafka', 'transactionSeconds'], message: `must be more than sessionSeconds (${kafka.sessionSeconds})` })
  }
  for (const [name, { may }] of Object.entries(http.tokens)) {
    for (const [i, right] of may.entries()) {
      const feed = right.startsWith('post:') ? right.slice('post:'.length) : null
      if (feed !== null && !(feed in feeds)) context.addIssue({ code: 'custom', path: ['http', 'tokens', name, 'may', i], message: `there is no feed ${feed}` })
    }
  }
  for (const name of Object.keys(feeds)) {
    if (name in apps) context.addIssue({ code: 'custom', path: ['feeds', name], message: `${name} is also the name of an application: rename one of them` })
  }
})
export type Config = z.infer<typeof Config>
