import type { WriteResult, WriteStep, WriteVerdict } from '../../../schemas/wire/actions.ts'
import type { Account } from '../../../schemas/wire/raw.ts'
import { accountKey } from '../../core/keys.ts'
import { reach } from '../../core/fault.ts'
import { ConnectError, type ConnectorSession, type WriteSide } from '../../ports/connector.ts'
import type { Outgoing } from '../../runtime/publisher.ts'
import { asConnectError } from '../errors.ts'
import type { OnEvent } from '../events.ts'
import { readSingle } from '../single.ts'
import type { Source } from '../source.ts'
import { callStep, type PlannedStep } from './call.ts'
import { shows } from './effect.ts'
import { journalKey, pendingKey, type JournalEntry, type Pending, type WriteCommand } from './journal.ts'
import { Lease } from './lease.ts'
import { supersededBy } from './supersede.ts'

export interface ExecutorOptions {
  source: Source
  open: () => Promise<ConnectorSession>
  canonical: (native: string) => string
  /** so long a read may not show what was written, ms; null: this application may not be written */
  visibilityMs: number | null
  /** for this long after a commit nobody else begins to write, ms */
  leaseMs: number
  /** so long a predecessor's last call may still be on its way when we take over, ms */
  takeoverMs: number
  signal: AbortSignal
  onEvent: OnEvent
}

/**
 * Carries out what one application is asked to change, one command after another: each call journaled before and after, the account
 * read back, the result told to actions. Whatever happens, the same command may be handed over again, and goes on where it was.
 */
export class WriteExecutor {
  readonly #options: ExecutorOptions
  readonly #lease: Lease
  #tookOver: Promise<void> | null = null

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#lease = new Lease(options.source.clock, options.leaseMs)
  }

  /** Checkpoint keys to drop in the transaction that moves past these commands. */
  async obey(commands: readonly WriteCommand[]): Promise<ReadonlyMap<string, null>> {
    const each = [...new Map(commands.map((command) => [command.id, command])).values()]
    const superseded = supersededBy(each.filter(({ id }) => this.#journal(id) === undefined))
    for (const command of each) {
      this.#options.signal.throwIfAborted()
      if (this.#journal(command.id)?.done === true) continue
      const newer = superseded.get(command.id)
      if (newer === undefined) await this.#carryOut(command)
      else await this.#tell(command, emptyEntry, 'superseded', `command ${newer} concerns the same and is newer`, null, [])
    }
    return new Map(commands.map(({ id }) => [journalKey(id), null]))
  }

  /** Every command is answered as refused: nothing may be written now. */
  async refuse(commands: readonly WriteCommand[], reason: string): Promise<ReadonlyMap<string, null>> {
    for (const command of commands) {
      if (this.#journal(command.id)?.done !== true) await this.#tell(command, emptyEntry, 'refused', reason, null, [])
    }
    return new Map(commands.map(({ id }) => [journalKey(id), null]))
  }

  /** ms until a written account should be looked at again; Infinity where none has to be. */
  waitMs(): number {
    return Math.max(0, Math.min(...this.#pending().map(({ nextAt }) => nextAt)) - this.#options.source.clock.nowMs())
  }

  /** Reads again what was written and did not show, where it is time. */
  async lookAgain(): Promise<void> {
    const now = this.#options.source.clock.nowMs()
    for (const one of this.#pending().filter(({ nextAt }) => nextAt <= now)) await this.#look(one)
  }

  async #carryOut(command: WriteCommand): Promise<void> {
    const { open, visibilityMs } = this.#options
    if (visibilityMs === null) return this.#tell(command, emptyEntry, 'refused', 'the configuration does not let this application be written', null, [])
    let session: ConnectorSession
    try {
      session = await open()
    } catch (thrown) {
      this.#options.signal.throwIfAborted()
      const error = asConnectError(thrown, 'opening')
      const entry = this.#journal(command.id) ?? emptyEntry
      return this.#tell(command, entry, isChanged(entry.steps) ? 'partial' : 'failed', `${error.class}: ${error.message} (${error.place})`, null, [])
    }
    let entry: JournalEntry
    try {
      const plan = planned(command, session)
      if (typeof plan === 'string') return await this.#tell(command, emptyEntry, 'refused', plan, null, [])
      entry = await this.#callAll(command, plan, session)
    } finally {
      await session.close().catch(() => undefined)
    }
    await this.#conclude(command, entry)
  }

  async #callAll(command: WriteCommand, plan: readonly PlannedStep[], session: ConnectorSession): Promise<JournalEntry> {
    const { source, signal } = this.#options
    let entry = this.#journal(command.id) ?? { written: source.stamp(), steps: [], begun: null, done: false }
    const begun = entry.begun
    if (begun !== null) await this.#afterPredecessor()
    const side = makesAccount(command) ? addressed(session.write!) : session.write!
    for (const next of plan.slice(entry.steps.length)) {
      if (entry.steps.some(({ outcome }) => outcome === 'refused' || outcome === 'failed')) break
      entry = { ...entry, begun: { operation: next.operation, step: next.step } }
      const renew = (): Promise<void> => this.#note(command, entry)
      await renew()
      const begunBefore = begun?.operation === next.operation && begun.step === next.step
      const outcome = await callStep(next, { side, command: command.id, lease: this.#lease, renew, clock: source.clock, signal, begunBefore })
      entry = { ...entry, steps: [...entry.steps, outcome], begun: null }
    }
    await this.#note(command, entry)
    return entry
  }

  /** The journal as it stands, and that reads of the account may be behind it from now on. */
  async #note(command: WriteCommand, entry: JournalEntry): Promise<void> {
    const { source, visibilityMs, canonical } = this.#options
    const id = canonical(command.account)
    const until = source.stamp() + (visibilityMs ?? 0) * 1_000
    const mark: Outgoing = {
      topic: 'raw', key: accountKey(source.name, id), record: { type: 'Written', app: source.name, id, observed: entry.written, until, seen: null },
    }
    await this.#lease.renew(() => source.publish([mark], new Map([[journalKey(command.id), entry]])))
  }

  /** What the calls came to, and whether a fresh read shows it. */
  async #conclude(command: WriteCommand, entry: JournalEntry): Promise<void> {
    const { visibilityMs, source } = this.#options
    const { steps } = entry
    const failure = steps.find(({ outcome }) => outcome === 'refused' || outcome === 'failed')
    reach('write.before-read-back')
    const behindUntil = source.stamp() + (visibilityMs ?? 0) * 1_000
    const read = await this.#readBack(command, behindUntil)
    if (failure !== undefined) {
      const verdict = isChanged(steps) ? (isContradicted(command, steps, failure, read) ? 'failed' : 'partial') : failure.outcome === 'refused' ? 'refused' : 'failed'
      return this.#tell(command, entry, verdict, `${failure.step}: ${failure.reason ?? ''}`, null, read.outgoing)
    }
    const verdict: WriteVerdict = isChanged(steps) ? 'applied' : 'already'
    if (read.record !== null && isShown(command, read.record)) return this.#tell(command, entry, verdict, doubtOf(steps), read.record.observed, read.outgoing)
    const why = read.record === null ? `it could not be read back: ${read.problem ?? 'the connector reads no single account'}` : 'a read right after does not show it yet'
    const now = source.clock.nowMs()
    const pending: Pending = { command, written: entry.written, steps, verdict, until: now + (visibilityMs ?? 0), nextAt: now + firstLookMs, looks: 0 }
    const waits = read.canRead ? [...this.#pending(), pending] : this.#pending()
    await this.#tell(command, entry, 'pending-visibility', why, null, [], new Map([[pendingKey, waits]]))
  }

  async #look(pending: Pending): Promise<void> {
    const { source } = this.#options
    const { command, verdict, looks, until } = pending
    const read = await this.#readBack(command, until * 1_000)
    const others = this.#pending().filter((other) => other.command.id !== command.id)
    const without = new Map([[pendingKey, others.length === 0 ? null : others]])
    if (read.record !== null && isShown(command, read.record)) {
      return this.#tell(command, pending, verdict, doubtOf(pending.steps), read.record.observed, read.outgoing, without)
    }
    const now = source.clock.nowMs()
    if (now >= until && (read.record !== null || read.isAbsent)) {
      return this.#tell(command, pending, 'lost-update', 'what was written did not show while the application had time to', null, read.outgoing, without)
    }
    if (looks >= maxLooks) return this.#tell(command, pending, 'failed', `it could not be read back: ${read.problem ?? 'no answer'}`, null, [], without)
    const later = now + Math.min(maxLookMs, firstLookMs * 2 ** Math.min(looks, 10))
    const nextAt = now < until ? Math.min(later, until) : later
    await source.publish([], new Map([[pendingKey, [...others, { ...pending, looks: looks + 1, nextAt }]]]))
  }

  /** The account as a session of its own shows it: what was begun before the write would not. Until `behindUntil` (stamp) others may still not show it. */
  async #readBack(command: WriteCommand, behindUntil: number): Promise<ReadBack> {
    const { open, source, canonical, signal } = this.#options
    let session: ConnectorSession | null = null
    try {
      session = await open()
      const { readOne } = session
      if (readOne === undefined) return { ...nothingRead, canRead: false }
      const account = makesAccount(command) && session.write?.located !== undefined ? await session.write.located(command.account) : command.account
      if (account === null) return { ...nothingRead, isAbsent: true, problem: 'it is not found by its name' }
      const outgoing = await readSingle(account, { source, session, readOne: (id) => readOne(id), canonical, signal })
      const record = outgoing.map((one) => one.record).find((one): one is Account => one.type === 'Account') ?? null
      return { ...nothingRead, record, outgoing: outgoing.map((one) => this.#asSeen(one, behindUntil)), problem: record === null ? 'its answer could not be mapped' : null }
    } catch (thrown) {
      signal.throwIfAborted()
      const error = asConnectError(thrown, `account ${command.account}`)
      return { ...nothingRead, problem: `${error.class}: ${error.message}` }
    } finally {
      await session?.close().catch(() => undefined)
    }
  }

  /**
   * An observation that is believed though it falls into the window that the write opened. It opens the same window: the account may be
   * one that was made by its name, and is known by its id only here.
   */
  #asSeen(outgoing: Outgoing, behindUntil: number): Outgoing {
    const { record } = outgoing
    if (outgoing.topic !== 'raw' || record.type !== 'Account') return outgoing
    const { app, id, observed } = record
    return { topic: 'raw', key: outgoing.key, record: { type: 'Written', app, id, observed, until: Math.max(observed, behindUntil), seen: record } }
  }

  async #tell(
    command: WriteCommand, { written, steps }: Pick<JournalEntry, 'written' | 'steps'>, verdict: WriteVerdict, reason: string | null, readBack: number | null,
    read: readonly Outgoing[], checkpoint: ReadonlyMap<string, unknown> = new Map(),
  ): Promise<void> {
    const { source, onEvent } = this.#options
    const record: WriteResult = {
      type: 'WriteResult', app: source.name, finding: command.finding, version: command.version, commandId: command.id, command: command.position,
      verdict, reason, steps, written: steps.length === 0 ? null : written, readBack, at: source.clock.nowMs(),
    }
    const done: JournalEntry = { written, steps, begun: null, done: true }
    reach('write.before-result')
    const result: Outgoing = { topic: 'actions', key: source.name, record }
    await source.publish([...read, result], new Map<string, unknown>([[journalKey(command.id), done], ...checkpoint]))
    reach('write.after-result')
    onEvent({ event: 'write', source: source.name, account: command.account, verdict, reason })
  }

  /** A call of whoever wrote before us may still be on its way: its time has to be over before we make another. */
  #afterPredecessor(): Promise<void> {
    const { source, takeoverMs, signal } = this.#options
    this.#tookOver ??= source.clock.sleep(takeoverMs, signal)
    return this.#tookOver
  }

  #journal(command: string): JournalEntry | undefined {
    return this.#options.source.kept<JournalEntry>(journalKey(command))
  }

  #pending(): readonly Pending[] {
    return this.#options.source.kept<Pending[]>(pendingKey) ?? []
  }
}

/** `isAbsent`: an account that the command makes is not found by its name. `problem`: why there is no record. */
interface ReadBack {
  record: Account | null
  outgoing: readonly Outgoing[]
  canRead: boolean
  isAbsent: boolean
  problem: string | null
}
const nothingRead: ReadBack = { record: null, outgoing: [], canRead: true, isAbsent: false, problem: null }

const firstLookMs = 1_000
const maxLookMs = 60_000
/** An account that can't be read for so long is given up; its next snapshot tells. */
const maxLooks = 30
const emptyEntry: JournalEntry = { written: 0, steps: [], begun: null, done: false }

const isChanged = (steps: readonly WriteStep[]): boolean => steps.some(({ outcome }) => outcome === 'applied')
const isShown = ({ operations }: WriteCommand, read: Account): boolean => operations.every((one) => shows(one, read) !== false)

const makesAccount = ({ operations }: WriteCommand): boolean => operations.some(({ name }) => name === 'create-account')

/** What follows the making of an account concerns the id that the application gave it. */
function addressed(side: WriteSide): WriteSide {
  const { located } = side
  if (located === undefined) return side
  return {
    operations: side.operations,
    steps: (operation) => side.steps(operation),
    async ensure(operation, step, key) {
      if (operation.name === 'create-account') return await side.ensure(operation, step, key)
      const account = await located(operation.account)
      if (account === null) throw new ConnectError('transient', 'the account that was made is not found by its name yet', operation.account)
      return await side.ensure({ ...operation, account }, step, key)
    },
  }
}

/** What is not known of a call that is told as carried out. */
const doubtOf = (steps: readonly WriteStep[]): string | null => steps.find(({ outcome, reason }) => outcome === 'applied' && reason !== null)?.reason ?? null

/** All that was carried out before the failure were whole operations, and a fresh read shows none of them: nobody knows what was. */
function isContradicted({ operations }: WriteCommand, steps: readonly WriteStep[], failure: WriteStep, { record, isAbsent }: ReadBack): boolean {
  const isDenied = (operation: number): boolean => isAbsent || (record !== null && shows(operations[operation]!, record) === false)
  return steps.filter(({ outcome }) => outcome === 'applied').every(({ operation }) => operation < failure.operation && isDenied(operation))
}

/** All calls of the command in order, or why there can't be any. */
function planned({ operations }: WriteCommand, { write }: ConnectorSession): PlannedStep[] | string {
  if (write === undefined) return 'its connector can only read'
  const unknown = operations.find(({ name }) => !write.operations.includes(name))
  if (unknown !== undefined) return `its connector can't ${unknown.name}: it can ${write.operations.join(', ')}`
  return operations.flatMap((of, operation) => write.steps(of).map((step) => ({ operation, of, step })))
}
