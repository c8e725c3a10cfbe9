import type { z } from 'zod'
import type { AttributesFacet, Ref } from '../../schemas/wire/raw.ts'
import type { Credential } from '../../schemas/wire/common.ts'
import type { Operation, OperationName } from '../../schemas/wire/operations.ts'

/**
 * A connector holds what is particular to one kind of application: its config, how to read its pages, and a pure mapping.
 * Retry, limits, the page ledger, verdicts, checkpoints, stamps, dead letters and publishing belong to src/connect.
 */
export interface ConnectorType<C = unknown> {
  readonly kind: string
  readonly summary: string
  readonly config: z.ZodType<C>
  /** Opens what the reads need (a connection, a transaction). Throws ConnectError; holds no state between runs. */
  open(config: C, platform: Platform): Promise<ConnectorSession>
}

export interface ConnectorSession {
  /** Read in this order; streams that define roles and groups come before those that list accounts. */
  readonly streams: readonly Stream[]
  /**
   * One account, read singly: its pieces; or null where the application answers that there is no such account *and* a control
   * object of the same class was found by the same means in the same call.
   */
  readonly readOne?: (nativeId: string) => Promise<Mapped[] | null>
  /** Native ids of accounts that changed after `cursor` (null: from now on), each of which is then read singly. */
  readonly changes?: (cursor: string | null) => Promise<{ accounts: string[]; cursor: string }>
  /** Nothing is carried in memory from one stream to another: a run may be gone on with in a session of its own, by the `resume` of pages. */
  readonly resumable?: boolean
  /** How corrections are written; absent where this application can't be written to. */
  readonly write?: WriteSide
  close(): Promise<void>
}

/**
 * The write side of one application. Order, keys, journal, retries, limits, read-back and verdicts belong to src/connect: here is only
 * how each call is made.
 */
export interface WriteSide {
  /** What can be asked for; nothing else is ever passed in. */
  readonly operations: readonly OperationName[]
  /** Pure. Names of the calls that carry the operation out, in order; each is journaled, and a crash resumes at the first undone one. */
  steps(operation: Operation): readonly string[]
  /**
   * Makes it so: ensure-style, harmless when repeated. `already`: it was so before. `key` is the same for every attempt of this step:
   * to be sent where the API takes an idempotency key. HTTP requests end when the right to write may have passed to another process;
   * other protocols keep to `callDeadline()`. Throws ConnectError; `permission`, `conflict`, `schema` and `not-found` mean that the application refused.
   */
  ensure(operation: Operation, step: string, key: string): Promise<'applied' | 'already'>
  /**
   * Where the application gives accounts their ids: the id of the one that `create-account` calls by another unique name (a user name),
   * null where it shows none yet. Absent where that name is the id.
   */
  readonly located?: (name: string) => Promise<string | null>
}

/** The classes of what is read. A loss in a stream makes every class that it contributes to partial. */
export type ObservedClass = 'accounts' | 'memberships' | 'grants' | 'credentials' | 'definitions'

export interface Stream {
  readonly name: string
  readonly classes: readonly ObservedClass[]
  /**
   * What proves that nothing is missing. `transaction`: one consistent snapshot. `total`: the source's own count, before and
   * after. `cursor`: an opaque chain that ends only when the source says so. `manifest`: a count or digest beside a file.
   * `none`: the source offers no proof, the verdict is `unknown`.
   */
  readonly proof: 'transaction' | 'total' | 'cursor' | 'manifest' | 'none'
  /** `from`: the `resume` of an earlier page, to go on behind it; throws ConnectError `partial` where the source no longer can. */
  pages(from?: string): AsyncIterable<Page>
  /** What every row must look like; one that does not goes to the dead letters before it is mapped. Without it the shape is learned. */
  readonly shape?: z.ZodType
  /** For probes: how many rows come on the first page where so many are asked for. */
  readonly sized?: (rows: number) => Promise<number>
  /** Pure. Throws MappingError for a row that can't be mapped: it goes to the dead letters and the rest goes on. */
  map(row: unknown): Mapped[]
}

export interface Page {
  rows: readonly unknown[]
  /** Where in the source, for people: `users page 3 (startIndex=201)`, `accounts.csv line 17-516`. */
  place: string
  /** The source's own count of all rows of this stream, if it gives one with this page. */
  total: number | null
  /** Position of this page's first row in the stream, if the source says: a gap or an overlap is a loss. */
  start: number | null
  /** Where a later read can go on behind this page, also after a crash; null or absent: it has to begin again. Holds no secret. */
  resume?: string | null
  /** Rows of this page that the source itself could not deliver whole (unparsable lines). */
  rejected?: readonly Rejected[]
}

export interface Rejected {
  /** canonical spelling not needed; null where no id could be read */
  id: string | null
  code: string
  reason: string
  place: string
  payload: string
  /** Fingerprint of the row as it was: tells whether it is the same again. Absent: its place tells. */
  print?: string
}

/** What a row means. Several pieces may concern one object; src/connect puts them together into facets. */
export type Mapped =
  | { piece: 'definition'; ref: Ref; name: string | null; valid: number | null }
  | { piece: 'child'; parent: Ref; child: Ref }
  | { piece: 'account'; id: string; valid: number | null; attributes: Omit<AttributesFacet, 'whole'> }
  | { piece: 'membership'; account: string; ref: Ref; valid: number | null }
  | { piece: 'grant'; account: string; entitlement: string; valid: number | null }
  | { piece: 'credential'; account: string; credential: Credential }

export interface Platform {
  readonly app: string
  /** Requests with retry, limits, time-outs and error classes; refuses every host but the configured one. */
  readonly http: HttpClient
  /** Runs one call of another protocol (a query, an LDAP search) under the application's limiter; a ConnectError that it throws counts. */
  paced<T>(call: () => Promise<T>, priority?: HttpRequest['priority']): Promise<T>
  /** From now on this value is taken out of errors and log lines: a token that was got with a secret. */
  conceal(value: string): void
  /** Resolves `env:NAME` or `file:/path`; the value never enters a record, a log line or an error. */
  secret(reference: string): Promise<string>
  /** Directory of the config file: relative paths in config start there. */
  readonly baseDir: string
  readonly signal: AbortSignal
}

export interface HttpClient {
  request(request: HttpRequest): Promise<HttpResponse>
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers?: Record<string, string>
  body?: string
  /** What goes first where requests wait for leave: taking access away (`urgent`), then giving and single reads, then lists (the default). */
  priority?: 'urgent' | 'normal' | 'bulk'
  /** Sending it twice does no more than sending it once, though its method does not say so. */
  repeatable?: boolean
  /** Throws ConnectError where the answer is not what its status claims; `transient` and `throttled` are repeated as if the status had said so. */
  check?: (response: HttpResponse) => void
  /** Gives the request up, and does not repeat it. */
  signal?: AbortSignal
}

export interface HttpResponse {
  status: number
  headers: Record<string, string>
  body: string
}

/** What the platform does about an error follows from its class. */
export type ErrorClass =
  | 'configuration' | 'authentication' | 'permission' | 'throttled' | 'transient' | 'schema' | 'not-found' | 'conflict' | 'partial' | 'fatal'

export class ConnectError extends Error {
  override name = 'ConnectError'
  readonly class: ErrorClass
  /** where in the source, for people */
  readonly place: string
  constructor(errorClass: ErrorClass, message: string, place: string, options?: ErrorOptions) {
    super(message, options)
    this.class = errorClass
    this.place = place
  }
}

export class MappingError extends Error {
  override name = 'MappingError'
  /** native id of the object, where it could be read */
  readonly id: string | null
  constructor(message: string, id: string | null) {
    super(message)
    this.id = id
  }
}
