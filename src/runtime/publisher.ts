import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import { reasonOf } from '../core/reason.ts'
import type { Codec } from '../ports/codec.ts'
import { FencedError, type Log, type TaskStore } from '../ports/log.ts'
import { Chunker } from './chunks.ts'
import type { Clock } from './clock.ts'
import { EnvironmentError, InDoubtError } from './errors.ts'
import { StateTable } from './state-table.ts'

/** `key` null: to every partition of the topic. */
export type Outgoing = { [T in Topic]: { topic: T; key: string | null; record: RecordOf<T> } }[Topic]

/** What a writer wants to find again after a restart; null removes a key. */
type Checkpoint = ReadonlyMap<string, unknown>

/** One indivisible piece of a longer publication. */
export interface PublishStep {
  outgoing: readonly Outgoing[]
  checkpoint?: Checkpoint
}

export interface PublisherOptions {
  log: Log
  codec: Codec
  clock: Clock
  /** names the one writer; opening the same id elsewhere fences this one */
  id: string
}

interface Transaction {
  outputs: Chunker
  checkpoint: Map<string, unknown>
}

const CommitId = z.strictObject({ holder: z.string(), count: z.int() })

/** Which commit it is: nobody but this holder makes one with its name, and at most one with a number can land. */
type CommitId = z.infer<typeof CommitId>

/** A commit of which it is not known whether it landed: the state stands at it or at the one before, unless others came since. */
interface Doubt {
  before: CommitId
  mine: CommitId
  /** this publisher began to open its state again, so that it may have been taken over by itself */
  reopening: boolean
}

const checkpoints = 'checkpoint'
const commitsKey = 'commits'

/** Takes over as the one writer `id`: whoever held it before can publish nothing more. */
export async function openPublisher(options: PublisherOptions): Promise<Publisher> {
  return new Publisher(options, await openStore(options))
}

/**
 * The fenced way into the log for everything that is not a processor. Records are chunked and split as a task's outputs are.
 * What is published and its checkpoint become readable together.
 */
export class Publisher {
  readonly #options: PublisherOptions
  /** no other opening has it */
  readonly #holder = randomUUID()
  #store: TaskStore
  #state: StateTable
  #doubt: Doubt | null = null
  #fenced: FencedError | null = null
  #queue: Promise<void> = Promise.resolve()

  constructor(options: PublisherOptions, store: TaskStore) {
    this.#options = options
    this.#store = store
    this.#state = new StateTable(store.state)
  }

  /** A checkpoint value as the last transaction left it. Throws InDoubtError while it is not known which one that is, FencedError where it never will be. */
  get<V>(key: string): V | undefined {
    if (this.#doubt !== null && this.#fenced !== null) throw this.#fenced
    if (this.#doubt !== null) throw new InDoubtError(`${this.#name}: it is not known yet what was written last.`)
    return this.#state.get<V>(checkpoints, key)
  }

  /**
   * All of it with the checkpoint in one transaction, or nothing; calls take effect in the order they were made. Rejects with
   * EnvironmentError where nothing was written and the call may be repeated; with InDoubtError where that can't be known: the next call
   * finds it out first, and the checkpoint tells then. Once another process took over it and every later call reject with FencedError.
   */
  async publish(outgoing: readonly Outgoing[], checkpoint?: Checkpoint): Promise<void> {
    const transaction = this.#begin()
    this.#add(transaction, checkpoint === undefined ? { outgoing } : { outgoing, checkpoint })
    await this.#commitInTurn(transaction)
  }

  /** Resolves when it is known what became of all calls so far. Rejects with EnvironmentError where it can't be known yet: ask again. */
  async settled(): Promise<void> {
    await this.#inTurn(() => this.#known())
  }

  /**
   * Many steps, in transactions that end with the first step that reaches `maxBytes`: each step whole, with its checkpoint. After
   * a rejection the checkpoint says how far it came.
   */
  async publishAll(steps: AsyncIterable<PublishStep>, maxBytes: number): Promise<void> {
    let transaction = this.#begin()
    let empty = true
    for await (const step of steps) {
      this.#add(transaction, step)
      empty = false
      if (transaction.outputs.bytes < maxBytes) continue
      await this.#commitInTurn(transaction)
      transaction = this.#begin()
      empty = true
    }
    if (!empty) await this.#commitInTurn(transaction)
  }

  get #name(): string {
    return publisherId(this.#options.id)
  }

  #begin(): Transaction {
    const { codec, log } = this.#options
    return { outputs: new Chunker(codec, log.partitions, this.#name), checkpoint: new Map() }
  }

  #add({ outputs, checkpoint }: Transaction, step: PublishStep): void {
    const timestamp = this.#options.clock.nowMs()
    for (const { topic, key, record } of step.outgoing) outputs.add(topic, key, record, timestamp)
    for (const [key, value] of step.checkpoint ?? []) checkpoint.set(key, value)
  }

  #commitInTurn(transaction: Transaction): Promise<void> {
    return this.#inTurn(() => this.#commit(transaction))
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  async #commit({ outputs, checkpoint }: Transaction): Promise<void> {
    await this.#known()
    const state = new StateTable(this.#store.state)
    const before = commitOf(state)
    const mine = { holder: this.#holder, count: before.count + 1 }
    state.putOwn(commitsKey, mine)
    for (const [key, value] of checkpoint) {
      if (value === null) state.delete(checkpoints, key)
      else state.put(checkpoints, key, value)
    }
    try {
      await this.#store.commit({ appends: outputs.take(), state: state.changes })
    } catch (error) {
      if (error instanceof FencedError) throw this.#lost(error)
      await this.#failed(error, { before, mine, reopening: false })
    }
  }

  /** Nothing is written on top of what is not known. */
  async #known(): Promise<void> {
    if (this.#fenced !== null) throw this.#fenced
    if (this.#doubt === null) return
    try {
      await this.#settle(this.#doubt)
    } catch (error) {
      if (error instanceof FencedError) throw error
      const message = `${this.#name}: nothing was written, as what became of an earlier commit can't be read yet: ${reasonOf(error)}. Try again.`
      throw new EnvironmentError(message, { cause: error })
    }
  }

  /** Resolves where the commit landed though it failed. */
  async #failed(error: unknown, doubt: Doubt): Promise<void> {
    this.#doubt = doubt
    let hasLanded: boolean
    try {
      hasLanded = await this.#settle(doubt)
    } catch (again) {
      if (again instanceof FencedError) throw again
      throw new InDoubtError(
        `${this.#name}: a commit failed (${reasonOf(error)}) and whether it was written can't be read yet: ${reasonOf(again)}. ` +
          'Before it is repeated, look whether it is there.',
        { cause: error },
      )
    }
    if (!hasLanded) throw new EnvironmentError(`${this.#name}: the commit failed, nothing of it was written: ${reasonOf(error)}`, { cause: error })
  }

  /**
   * Whether the commit landed, as a new hold of the state tells. One that has lost its place must not take it back, so it looks first;
   * who took it between the look and the opening is told by a commit of theirs. One that has made none yet is fenced: it loses nothing, and says so.
   */
  async #settle(doubt: Doubt): Promise<boolean> {
    if (!doubt.reopening && (await this.#store.isTakenOver())) throw this.#lost()
    doubt.reopening = true
    const store = await openStore(this.#options)
    const state = new StateTable(store.state)
    const found = commitOf(state)
    const hasLanded = isSame(found, doubt.mine)
    if (!hasLanded && !isSame(found, doubt.before)) {
      await store.close()
      throw this.#lost()
    }
    this.#store = store
    this.#state = state
    this.#doubt = null
    return hasLanded
  }

  #lost(cause?: FencedError): FencedError {
    const unknown = this.#doubt === null ? '' : ' Whether the last commit was written, its checkpoint tells there.'
    this.#fenced = new FencedError(`${this.#name}: another process took this publisher over; nothing more is published here.${unknown}`, { cause })
    return this.#fenced
  }
}

const publisherId = (id: string): string => `publisher/${id}`

const isSame = (one: CommitId, other: CommitId): boolean => one.holder === other.holder && one.count === other.count

/** Once the row was a number alone, and nobody's. */
function commitOf(state: StateTable): CommitId {
  const row = state.getOwn(commitsKey) ?? 0
  return typeof row === 'number' ? { holder: '', count: row } : CommitId.parse(row)
}

async function openStore({ log, id }: PublisherOptions): Promise<TaskStore> {
  try {
    return await log.openTask(publisherId(id))
  } catch (error) {
    throw new EnvironmentError(`${publisherId(id)}: opening the state failed: ${reasonOf(error)}`, { cause: error })
  }
}
