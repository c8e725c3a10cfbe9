import { z } from 'zod'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { FencedError, type Append, type Commit, type CommitResult, type Message, type ReadLimits, type TaskStore } from '../../ports/log.ts'
import type { Filling, PortableLog } from '../../ports/portable-log.ts'
import { reach } from '../../core/fault.ts'
import { compareKeys } from '../../core/order.ts'
import { onDisk } from './disk.ts'
import { EmbeddedFilling } from './embedded-filling.ts'
import { EmbeddedSchemas } from './embedded-schemas.ts'
import { Ends, type SharedEnds } from './ends.ts'
import { joinEnvironment, openEnvironment, type EmbeddedOptions, type Environment } from './environment.ts'
import { decodeMessage, encodeMessage, messageKey, offsetBytes, offsetOf, partitionKey, valueBytes } from './layout.ts'
import { StateTable } from './state-table.ts'
import { WholeCommits } from './whole-commits.ts'

/**
 * The log in one LMDB environment. A commit is one transaction there; those that are asked for at the same time share one write to
 * disk, and still succeed or fail each on its own.
 */
export async function openEmbeddedLog(options: EmbeddedOptions): Promise<EmbeddedLog> {
  return new EmbeddedLog(await openEnvironment(options), options)
}

/** What another thread of the process needs to join a log that this one has open. */
export interface SharedLog {
  options: EmbeddedOptions
  ends: SharedEnds
  commits: SharedArrayBuffer
}

/** The log that another thread of this process has open and shares. */
export function joinEmbeddedLog({ options, ends, commits }: SharedLog): EmbeddedLog {
  return new EmbeddedLog(joinEnvironment(options), options, { ends, commits })
}

const Task = z.object({ number: z.int(), epoch: z.int() })

export class EmbeddedLog implements PortableLog {
  readonly partitions: Readonly<Record<Topic, number>>
  readonly commitGapMs = 0
  readonly schemas: EmbeddedSchemas
  readonly #env: Environment
  readonly #options: EmbeddedOptions
  readonly #ends: Ends
  readonly #commits: WholeCommits
  #closed = false

  constructor(env: Environment, options: EmbeddedOptions, shared?: Omit<SharedLog, 'options'>) {
    this.#env = env
    this.#options = options
    this.partitions = { ...options.partitions }
    this.schemas = new EmbeddedSchemas(env.schemas)
    this.#ends = new Ends(options.partitions, shared?.ends)
    this.#commits = new WholeCommits(shared?.commits)
    if (shared === undefined) this.#ends.raise(this.#storedEnds())
  }

  get id(): string {
    return z.string().parse(this.#env.meta.get('id'))
  }

  /** For other threads of this process to join it (`joinEmbeddedLog`); this one closes it last. */
  share(): SharedLog {
    return { options: this.#options, ends: this.#ends.share(`log ${this.#env.path}`), commits: this.#commits.guard() }
  }

  async read(topic: Topic, partition: number, offset: number, limits: ReadLimits): Promise<Message[]> {
    const end = this.#end(topic, partition)
    const messages: Message[] = []
    if (offset >= end) return messages
    this.#lookAnew()
    const number = this.#number(topic)
    const range = { start: messageKey(number, partition, Math.max(offset, 0)), end: messageKey(number, partition, end), limit: Math.max(limits.maxMessages, 1) }
    let bytes = 0
    for (const { key, value } of this.#env.messages.getRange(range)) {
      bytes += valueBytes(value)
      if (messages.length > 0 && bytes > limits.maxBytes) break
      messages.push(decodeMessage(offsetOf(key), value))
    }
    return messages
  }

  async end(topic: Topic, partition: number): Promise<number> {
    return this.#end(topic, partition)
  }

  async waitFor(topic: Topic, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    if (this.#end(topic, partition) > offset) return
    await this.#ends.wait(topic, partition, offset, signal)
  }

  async openTask(id: string): Promise<TaskStore> {
    this.#requireOpen()
    const { path, tasks } = this.#env
    const take = (): z.infer<typeof Task> => {
      const stored = Task.optional().parse(tasks.get(id)) ?? { number: tasks.getCount(), epoch: 0 }
      const task = { number: stored.number, epoch: stored.epoch + 1 }
      void tasks.put(id, task)
      return task
    }
    const { number, epoch } = await this.#commits.make(() => onDisk(path, () => tasks.childTransaction(take)))
    const state = new StateTable(this.#env.state, number)
    const isTakenOver = (): boolean => Task.parse(tasks.get(id)).epoch !== epoch
    let spent = false
    return {
      id,
      state,
      commit: async (change) => {
        this.#requireOpen()
        try {
          return await this.#commit(change, state, () => {
            if (isTakenOver()) throw new FencedError(`task ${id} was taken over by another owner. Stop this one`)
            if (spent) throw new Error(`task ${id}: an earlier commit failed, so what this one rests on is not there. Open the task again`)
          })
        } catch (error) {
          spent = true
          throw error
        }
      },
      isTakenOver: async () => {
        this.#requireOpen()
        return isTakenOver()
      },
      close: async () => {
        spent = true
      },
    }
  }

  get filling(): string | null {
    return z.string().optional().parse(this.#env.meta.get('filling')) ?? null
  }

  async taskIds(): Promise<string[]> {
    return [...this.#env.tasks.getKeys()].sort(compareKeys)
  }

  /** Nobody: who has it open holds its lock. */
  async others(): Promise<null> {
    return null
  }

  async fill(source: string): Promise<Filling> {
    this.#requireOpen()
    await this.#env.meta.put('filling', source)
    return new EmbeddedFilling(this.#env, (topic, partition, end) => this.#ends.raise([{ topic, partition, end }]))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#ends.close()
    await this.#env.root.close()
    this.#commits.close()
    this.#env.lock?.release()
  }

  async #commit(change: Commit, state: StateTable, guard: () => void): Promise<CommitResult> {
    const write = (): number[] => {
      guard()
      reach('log.before-append')
      const assigned = change.appends.map((append) => this.#append(append))
      reach('log.after-append')
      reach('log.before-state')
      for (const [key, value] of change.state) state.put(key, value)
      reach('log.after-state')
      return assigned
    }
    const offsets = await this.#commits.make(() => onDisk(this.#env.path, () => this.#env.root.childTransaction(write)))
    this.#publish(change.appends, offsets)
    this.#lookAnew()
    return { offsets }
  }

  /** Inside a transaction. Offsets come from the transaction's own view, so those of an aborted neighbour are not skipped. */
  #append(append: Append): number {
    this.#requirePartition(append.topic, append.partition)
    const number = this.#number(append.topic)
    const offset = this.#storedEnd(append.topic, append.partition)
    void this.#env.messages.put(messageKey(number, append.partition, offset), encodeMessage(append))
    void this.#env.ends.put(partitionKey(number, append.partition), offsetBytes(offset + 1))
    return offset
  }

  #publish(appends: readonly Append[], offsets: readonly number[]): void {
    const grown = new Map<string, { topic: Topic; partition: number; end: number }>()
    appends.forEach(({ topic, partition }, i) => grown.set(`${topic} ${partition}`, { topic, partition, end: offsets[i]! + 1 }))
    this.#ends.raise(grown.values())
  }

  /** LMDB's view for reading may still be of before a commit that was acknowledged. */
  #lookAnew(): void {
    if (this.#ends.takeNews()) this.#env.root.resetReadTxn()
  }

  #storedEnds(): { topic: Topic; partition: number; end: number }[] {
    return (Object.keys(this.partitions) as Topic[]).flatMap((topic) =>
      Array.from({ length: this.partitions[topic] }, (_, partition) => ({ topic, partition, end: this.#storedEnd(topic, partition) })),
    )
  }

  #storedEnd(topic: Topic, partition: number): number {
    return this.#env.ends.get(partitionKey(this.#number(topic), partition))?.readUIntBE(0, 6) ?? 0
  }

  #end(topic: Topic, partition: number): number {
    this.#requireOpen()
    this.#requirePartition(topic, partition)
    return this.#ends.get(topic, partition)
  }

  /** 0 for a name that is no topic of this log, which a caller without types may pass */
  #count(topic: string): number {
    return (this.partitions as Readonly<Record<string, number | undefined>>)[topic] ?? 0
  }

  #number(topic: Topic): number {
    return this.#env.topics.get(topic)!
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error('the log is closed')
  }

  #requirePartition(topic: Topic, partition: number): void {
    if (!this.#ends.has(topic, partition)) {
      throw new Error(`topic ${topic} has no partition ${partition}: it has ${this.#count(topic)}, numbered from 0`)
    }
  }
}
