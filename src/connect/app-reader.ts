import type { IdRule } from '../../schemas/settings.ts'
import { digest } from '../core/canonical.ts'
import { canonicalId } from '../core/canonical-id.ts'
import { ConnectError, type ConnectorSession, type ErrorClass, type Platform } from '../ports/connector.ts'
import type { Outgoing } from '../runtime/publisher.ts'
import { ChangeCursors } from './change-cursors.ts'
import { asConnectError } from './errors.ts'
import type { OnEvent } from './events.ts'
import { ExpiredCursor } from './paging/endpoint.ts'
import { withPriority } from './platform.ts'
import type { RunResult } from './run-result.ts'
import { runSnapshot } from './run.ts'
import { readSingle } from './single.ts'
import type { Source } from './source.ts'
import type { WebhookConfig } from './webhooks/config.ts'

/** One application as configured: its connector with checked settings, ready to open. */
export interface AppSource {
  name: string
  ids: IdRule
  everySeconds: number
  changesEverySeconds: number
  /** changes may become visible this much later than they happened */
  changesLagMs: number
  limits: { maxPerSecond: number; maxInFlight: number }
  /** so long a read may not show what was written, ms; null: it may not be written */
  visibilityMs: number | null
  /** how its deliveries are verified and read; absent: it sends none */
  webhook?: WebhookConfig
  /** nothing but its deliveries tells of it: it is never read */
  deliversOnly?: boolean
  /** paused or retired apps are not read */
  active: boolean
  /** the connector's checked settings: URLs in it are where requests may go */
  config: unknown
  open(platform: Platform): Promise<ConnectorSession>
}

interface AppReaderOptions {
  app: AppSource
  source: Source
  platform: Platform
  partitions: number
  dataDir: string
  signal: AbortSignal
  onEvent: OnEvent
}

const cursorKey = 'cursors'
const censusKey = 'census'
/** A change that can't be read holds the next ones back for at most so long, ms; then the next snapshot shows it. */
const holdMs = 900_000
const passing: ReadonlySet<ErrorClass> = new Set(['transient', 'throttled', 'authentication'])
/** accounts of one transaction of single reads */
const batchAccounts = 200

/** The three ways to read an application: whole, account by account, and what changed. Called by one worker, never at once. */
export class AppReader {
  readonly #options: AppReaderOptions
  /** since when changes are held back, ms */
  #heldSince: number | null = null

  constructor(options: AppReaderOptions) {
    this.#options = options
  }

  async snapshot(checkpoint: ReadonlyMap<string, unknown>): Promise<RunResult> {
    const { app, source, platform, partitions, dataDir, signal } = this.#options
    const result = await runSnapshot({
      source, partitions, dataDir, signal, checkpoint, settings: digest(JSON.stringify(app.config ?? null)), canonical: this.#canonical, open: () => app.open(platform),
    })
    if (app.visibilityMs !== null) await this.#tellCensus(result)
    return result
  }

  /** How many accounts there are, where that is news: what a brake's share is a share of. */
  async #tellCensus({ run, classes }: RunResult): Promise<void> {
    const { source } = this.#options
    const counted = classes.find((one) => one.class === 'accounts')
    if (counted?.verdict !== 'complete') return
    const accounts = counted.counts.reduce((sum, count) => sum + count, 0)
    if (source.kept<number>(censusKey) === accounts) return
    const census: Outgoing = { topic: 'actions', key: source.name, record: { type: 'Census', app: source.name, run, accounts, at: source.clock.nowMs() } }
    await source.publish([census], new Map([[censusKey, accounts]]))
  }

  /**
   * Reads these accounts singly and publishes what they are, the checkpoint with the last of them. An account that can't be read
   * is told to the watcher: the next complete run asks for it again.
   */
  async reread(natives: readonly string[], checkpoint: ReadonlyMap<string, unknown>): Promise<void> {
    let session: ConnectorSession
    try {
      session = await this.#open()
    } catch (error) {
      this.#options.signal.throwIfAborted()
      this.#problem(`rereading ${natives.length} accounts`, error)
      await this.note(checkpoint)
      return
    }
    try {
      await this.#publishSingles(natives, session, () => checkpoint)
    } finally {
      await this.#close(session)
    }
  }

  /** Keeps a checkpoint that nothing is published with. */
  async note(checkpoint: ReadonlyMap<string, unknown>): Promise<void> {
    await this.#options.source.publish([], checkpoint)
  }

  /**
   * Asks for what changed since the last time and reads it; `unable` where the application can't tell. The first time only notes
   * where changes begin, which is to be done before the first snapshot. `restarted`: it no longer knows our cursor, so changes begin anew
   * and what happened in between shows in a snapshot only. What changed and can't be read just now is asked for again. An error of the
   * application is answered, one of the log is thrown.
   */
  async pollChanges(): Promise<'done' | 'unable' | 'restarted' | ConnectError> {
    const { source, signal, app } = this.#options
    let session: ConnectorSession
    try {
      session = await this.#open()
    } catch (error) {
      signal.throwIfAborted()
      return asConnectError(error, `opening ${app.name}`)
    }
    try {
      if (session.changes === undefined || session.readOne === undefined) return 'unable'
      const cursors = new ChangeCursors(source.kept(cursorKey), app.changesLagMs)
      const askedAt = source.clock.nowMs()
      const answer = await session.changes(cursors.from).catch((error: unknown) => asConnectError(error, `changes of ${app.name}`))
      signal.throwIfAborted()
      if (answer instanceof ExpiredCursor && cursors.from !== null) return await this.#beginChangesAnew()
      if (answer instanceof ConnectError) return answer
      const kept = cursors.after(answer.cursor, askedAt)
      const checkpoint = new Map<string, unknown>(kept === null ? [] : [[cursorKey, kept]])
      if (answer.accounts.length > 0) return (await this.#publishSingles(answer.accounts, session, (unread) => (this.#isHeld(unread, askedAt) ? new Map() : checkpoint))) ?? 'done'
      if (kept !== null) await source.publish([], checkpoint)
      return 'done'
    } finally {
      await this.#close(session)
    }
  }

  /** Whether the next question begins where this one did. */
  #isHeld(unread: ConnectError | null, now: number): boolean {
    this.#heldSince = unread === null ? null : (this.#heldSince ?? now)
    if (this.#heldSince === null || now - this.#heldSince < holdMs) return this.#heldSince !== null
    this.#heldSince = null
    return false
  }

  async #beginChangesAnew(): Promise<'restarted'> {
    const { source, app } = this.#options
    this.#problem('asking for changes', new ConnectError('partial', 'the application no longer knows the cursor: changes begin anew, and it is read whole', `changes of ${app.name}`))
    await source.publish([], new Map([[cursorKey, null]]))
    return 'restarted'
  }

  /** `checkpoint`: by the first error that passes. Answers that error. */
  async #publishSingles(natives: readonly string[], session: ConnectorSession, checkpoint: (unread: ConnectError | null) => ReadonlyMap<string, unknown>): Promise<ConnectError | null> {
    const { source, signal, onEvent } = this.#options
    const { readOne } = session
    if (readOne === undefined) {
      this.#problem('rereading accounts', new Error('the connector can not read one account: set reread to false for this application'))
      await this.note(checkpoint(null))
      return null
    }
    let unread: ConnectError | null = null
    const wanted = [...new Set(natives)]
    let waiting: Outgoing[] = []
    for (const [at, native] of wanted.entries()) {
      signal.throwIfAborted()
      try {
        waiting.push(...(await readSingle(native, { source, session, readOne: (id) => readOne(id), canonical: this.#canonical, signal })))
      } catch (error) {
        signal.throwIfAborted()
        this.#problem(`reading account ${native}`, error)
        if (error instanceof ConnectError && passing.has(error.class)) unread ??= error
      }
      if ((at + 1) % batchAccounts !== 0 || at + 1 === wanted.length) continue
      await source.publish(waiting)
      waiting = []
    }
    await source.publish(waiting, checkpoint(unread))
    onEvent({ event: 'reread', source: source.name, accounts: wanted.length })
    return unread
  }

  async #open(): Promise<ConnectorSession> {
    const { app, platform } = this.#options
    return await app.open(withPriority(platform, 'normal'))
  }

  async #close(session: ConnectorSession): Promise<void> {
    await session.close().catch((error: unknown) => this.#problem('closing the connection', error))
  }

  #problem(doing: string, thrown: unknown): void {
    const { app, onEvent } = this.#options
    const error = asConnectError(thrown, app.name)
    onEvent({ event: 'problem', source: app.name, doing, reason: `${error.class}: ${error.message} (${error.place})`, nextInMs: null })
  }

  readonly #canonical = (native: string): string => canonicalId(this.#options.app.ids, native)
}
