import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import { FencedError, type Log, type TaskStore } from '../ports/log.ts'
import { Chunker } from './chunks.ts'
import type { Clock } from './clock.ts'
import { EnvironmentError, reasonOf } from './errors.ts'
import { StateTable } from './state-table.ts'

/** `key` null: to every partition of the topic. */
export type Outgoing = { [T in Topic]: { topic: T; key: string | null; record: RecordOf<T> } }[Topic]

/** What a writer wants to find again after a restart; null removes a key. */
export type Checkpoint = ReadonlyMap<string, unknown>

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
  #store: TaskStore
  #state: StateTable
  #broken: Error | null = null
  #queue: Promise<void> = Promise.resolve()

  constructor(options: PublisherOptions, store: TaskStore) {
    this.#options = options
    this.#store = store
    this.#state = new StateTable(store.state)
  }

  /** A checkpoint value as the last transaction left it. */
  get<V>(key: string): V | undefined {
    return this.#state.get<V>(checkpoints, key)
  }

  /**
   * All of it with the checkpoint in one transaction, or nothing; calls take effect in the order they were made. Rejects with
   * EnvironmentError where nothing was written and the call may be repeated. Where that can't be known, or another process took
   * over (FencedError), it and every later call reject: open the publisher again and let the checkpoint tell.
   */
  async publish(outgoing: readonly Outgoing[], checkpoint?: Checkpoint): Promise<void> {
    const transaction = this.#begin()
    this.#add(transaction, checkpoint === undefined ? { outgoing } : { outgoing, checkpoint })
    await this.#inTurn(transaction)
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
      await this.#inTurn(transaction)
      transaction = this.#begin()
      empty = true
    }
    if (!empty) await this.#inTurn(transaction)
  }

  #begin(): Transaction {
    const { codec, log, id } = this.#options
    return { outputs: new Chunker(codec, log.partitions, publisherId(id)), checkpoint: new Map() }
  }

  #add({ outputs, checkpoint }: Transaction, step: PublishStep): void {
    const timestamp = this.#options.clock.nowMs()
    for (const { topic, key, record } of step.outgoing) outputs.add(topic, key, record, timestamp)
    for (const [key, value] of step.checkpoint ?? []) checkpoint.set(key, value)
  }

  #inTurn(transaction: Transaction): Promise<void> {
    const turn = this.#queue.then(() => this.#commit(transaction))
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  async #commit({ outputs, checkpoint }: Transaction): Promise<void> {
    if (this.#broken !== null) throw this.#broken
    const state = new StateTable(this.#store.state)
    const commits = commitsOf(state) + 1
    state.putOwn(commitsKey, commits)
    for (const [key, value] of checkpoint) {
      if (value === null) state.delete(checkpoints, key)
      else state.put(checkpoints, key, value)
    }
    try {
      await this.#store.commit({ appends: outputs.take(), state: state.changes })
    } catch (error) {
      await this.#settle(error, commits)
    }
  }

  /** After a failed commit: whether it landed is read from the state, which a new hold shows as it is. */
  async #settle(error: unknown, commits: number): Promise<void> {
    const id = publisherId(this.#options.id)
    if (error instanceof FencedError) {
      const message = `${id}: another process took this publisher over; nothing more is published here.`
      this.#broken = new FencedError(message, { cause: error })
      throw this.#broken
    }
    try {
      this.#store = await openStore(this.#options)
    } catch (again) {
      this.#broken = new EnvironmentError(
        `${id}: a commit failed (${reasonOf(error)}) and whether it was written can't be read: ${reasonOf(again)}. ` +
          'Open the publisher again.',
        { cause: error },
      )
      throw this.#broken
    }
    this.#state = new StateTable(this.#store.state)
    if (commitsOf(this.#state) === commits) return
    throw new EnvironmentError(`${id}: the commit failed, nothing of it was written: ${reasonOf(error)}`, { cause: error })
  }
}

const publisherId = (id: string): string => `publisher/${id}`

function commitsOf(state: StateTable): number {
  const value = state.getOwn(commitsKey)
  return typeof value === 'number' ? value : 0
}

async function openStore({ log, id }: PublisherOptions): Promise<TaskStore> {
  try {
    return await log.openTask(publisherId(id))
  } catch (error) {
    throw new EnvironmentError(`${publisherId(id)}: opening the state failed: ${reasonOf(error)}`, { cause: error })
  }
}
