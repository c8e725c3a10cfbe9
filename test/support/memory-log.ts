import { randomUUID } from 'node:crypto'
import type { Topic } from '../../schemas/wire/topics.ts'
import { Waiters } from '../../src/adapters/log-embedded/waiters.ts'
import { reach } from '../../src/core/fault.ts'
import { compareKeys } from '../../src/core/order.ts'
import { FencedError, type Commit, type Log, type Message, type ReadLimits, type StateReader, type TaskStore } from '../../src/ports/log.ts'
import { lookFor } from './secret-watch.ts'

/** What outlives a MemoryLog: open another one over it to restart. */
export class MemoryStorage {
  readonly id: string
  readonly messages = new Map<string, Message[]>()
  readonly states = new Map<string, Map<string, Uint8Array>>()
  readonly epochs = new Map<string, number>()

  constructor(id: string = randomUUID()) {
    this.id = id
  }
}

/** A log that lives in memory and keeps the promises of the port, for tests that need no disk. */
export class MemoryLog implements Log {
  readonly id: string
  readonly partitions: Readonly<Record<Topic, number>>
  readonly commitGapMs = 0
  readonly #storage: MemoryStorage
  readonly #waiters = new Waiters()
  #closed = false

  constructor(partitions: Readonly<Record<Topic, number>>, storage = new MemoryStorage()) {
    this.id = storage.id
    this.partitions = partitions
    this.#storage = storage
  }

  async read(topic: Topic, partition: number, offset: number, limits: ReadLimits): Promise<Message[]> {
    const found: Message[] = []
    let bytes = 0
    for (const message of this.#messages(topic, partition).slice(Math.max(offset, 0))) {
      bytes += message.value.length
      if (found.length > 0 && (bytes > limits.maxBytes || found.length >= limits.maxMessages)) break
      found.push({ ...message, value: message.value.slice() })
    }
    return found
  }

  async end(topic: Topic, partition: number): Promise<number> {
    return this.#messages(topic, partition).length
  }

  async waitFor(topic: Topic, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    if (this.#messages(topic, partition).length <= offset) await this.#waiters.wait(topic, partition, offset, signal)
  }

  async openTask(id: string): Promise<TaskStore> {
    const { epochs, states } = this.#storage
    this.#requireOpen()
    const epoch = (epochs.get(id) ?? 0) + 1
    epochs.set(id, epoch)
    const rows = states.get(id) ?? new Map<string, Uint8Array>()
    states.set(id, rows)
    let spent = false
    return {
      id,
      state: new MemoryState(rows),
      commit: async (change) => {
        this.#requireOpen()
        try {
          if (epochs.get(id) !== epoch) throw new FencedError(`task ${id} was taken over by another owner`)
          if (spent) throw new Error(`task ${id}: an earlier commit failed. Open the task again`)
          return { offsets: this.#commit(rows, change) }
        } catch (error) {
          spent = true
          throw error
        }
      },
      isTakenOver: async () => {
        this.#requireOpen()
        return epochs.get(id) !== epoch
      },
      close: async () => {
        spent = true
      },
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#waiters.wakeAll()
  }

  /** Nothing is changed before the last place that may throw. */
  #commit(rows: Map<string, Uint8Array>, change: Commit): number[] {
    reach('log.before-append')
    for (const { topic, partition } of change.appends) this.#messages(topic, partition)
    reach('log.after-append')
    reach('log.before-state')
    reach('log.after-state')
    const offsets = change.appends.map(({ topic, partition, key, timestamp, value }) => {
      const messages = this.#messages(topic, partition)
      lookFor(value, `topic ${topic}`)
      return messages.push({ offset: messages.length, key, timestamp, value: value.slice() }) - 1
    })
    for (const [key, value] of change.state) {
      if (value === null) rows.delete(key)
      else rows.set(key, value.slice())
      if (value !== null) lookFor(value, `state ${key}`)
    }
    change.appends.forEach(({ topic, partition }, i) => this.#waiters.grew(topic, partition, offsets[i]! + 1))
    return offsets
  }

  #messages(topic: Topic, partition: number): Message[] {
    this.#requireOpen()
    if (!(partition >= 0 && partition < this.partitions[topic])) throw new Error(`topic ${topic} has no partition ${partition}`)
    const place = `${topic} ${partition}`
    const messages = this.#storage.messages.get(place) ?? []
    this.#storage.messages.set(place, messages)
    return messages
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error('the log is closed')
  }
}

class MemoryState implements StateReader {
  readonly #rows: Map<string, Uint8Array>

  constructor(rows: Map<string, Uint8Array>) {
    this.#rows = rows
  }

  get(key: string): Uint8Array | undefined {
    return this.#rows.get(key)?.slice()
  }

  *range(prefix: string, after?: string): Generator<readonly [key: string, value: Uint8Array]> {
    const keys = [...this.#rows.keys()].filter((key) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0))
    for (const key of keys.sort(compareKeys)) {
      const value = this.#rows.get(key)
      if (value !== undefined) yield [key, value.slice()]
    }
  }
}
