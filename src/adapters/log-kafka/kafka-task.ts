import { setTimeout as sleep } from 'node:timers/promises'
import { reach } from '../../core/fault.ts'
import { FencedError, type Append, type Commit, type CommitResult, type TaskStore } from '../../ports/log.ts'
import { textBytes } from '../log-embedded/layout.ts'
import type { StateTable } from '../log-embedded/state-table.ts'
import { rowRecord, wasOpened } from './changelog.ts'
import { eventHeaders } from './cloud-events.ts'
import { placeOf, type Reader } from './reader.ts'
import type { StateCache } from './state-cache.ts'
import { topicName, type Changelog } from './topics.ts'
import type { Transactor, Written } from './transactor.ts'
import type { Outgoing } from './waves.ts'

interface TaskParts {
  id: string
  prefix: string
  /** the group whose offsets tell others where the input stands */
  group: string
  changelog: Changelog
  transactor: Transactor
  cache: StateCache
  table: StateTable
  reader: Reader
  /** of the changelog, where this owner's own rows begin */
  opened: number
  transactionTimeoutMs: number
  /** throws where the log is closed or has no such partition */
  check: (appends: readonly Append[]) => void
  /** resolves when the schemas of all messages are in the log */
  schemasWritten: () => Promise<void>
  /** the local copy is no longer this hold's to write */
  release: () => void
  now: () => number
}

/** Whoever takes a task over writes its mark at once: how long one that was fenced waits to see it, ms. */
const markWaitMs = 2_000
const markPollMs = 100

class ClosedError extends Error {}

/** One owner's hold: outputs, changelog and the group's offset in one transaction, then the local copy of the state. */
export class KafkaTask implements TaskStore {
  readonly id: string
  readonly state: StateTable
  readonly #parts: TaskParts
  #spent: Error | null = null
  /** of the changelog, after what this owner wrote last */
  #end: number

  constructor(parts: TaskParts) {
    this.#parts = parts
    this.id = parts.id
    this.state = parts.table
    this.#end = parts.opened
  }

  async commit(change: Commit): Promise<CommitResult> {
    if (this.#spent instanceof FencedError || this.#spent instanceof ClosedError) throw this.#spent
    if (this.#spent !== null) throw new Error(`task ${this.id}: an earlier commit failed, so what this one rests on is not there. Open the task again`, { cause: this.#spent })
    try {
      return await this.#commit(change)
    } catch (error) {
      const failure = error instanceof FencedError && !(await this.#wasTakenOver()) ? this.#timedOut(error) : error
      void this.#spend(failure instanceof Error ? failure : new Error(String(failure)))
      throw failure
    }
  }

  /** Another hold of this process has the task now; its opening fenced this one. */
  async supersede(): Promise<void> {
    await this.#spend(new FencedError(`task ${this.id} was opened again by this process. Use the new hold`))
  }

  async isTakenOver(): Promise<boolean> {
    const { reader, changelog, id } = this.#parts
    return this.#spent instanceof FencedError || (await wasOpened(reader, changelog, id, this.#end))
  }

  async close(): Promise<void> {
    await this.#spend(this.#spent ?? new ClosedError(`task ${this.id}: this hold was closed. Open the task again`))
  }

  async #spend(why: Error): Promise<void> {
    this.#spent = why
    this.#parts.release()
    await this.#parts.transactor.close()
  }

  async #commit({ appends, state, input }: Commit): Promise<CommitResult> {
    const { prefix, group, transactor, reader, check, schemasWritten } = this.#parts
    check(appends)
    const outgoing = [...appends.map((append) => outgoingOf(prefix, append)), ...this.#rows(state)]
    if (outgoing.length === 0) return { offsets: [] }
    await schemasWritten()
    reach('log.before-append')
    const position = input === undefined ? null : { group, topic: topicName(prefix, input.topic), partition: input.partition, offset: input.offset }
    const written = await transactor.write(outgoing, position, {
      offsets: () => {
        reach('log.after-append')
        reach('kafka.after-send')
      },
      commit: () => {
        reach('log.before-state')
        reach('kafka.after-offsets')
        reach('log.after-state')
      },
    })
    reach('kafka.after-commit')
    for (const { topic, partition, end } of written.ends.values()) reader.noteCommitted(topic, partition, end)
    await this.#keep(state, written)
    reach('kafka.after-cache')
    return { offsets: written.offsets.slice(0, appends.length) }
  }

  /** The brokers fence the holder of a transaction that they ended themselves too. Where it can't be read, it was. */
  async #wasTakenOver(): Promise<boolean> {
    const { reader, changelog, id } = this.#parts
    try {
      for (const deadline = performance.now() + markWaitMs; ; await sleep(markPollMs)) {
        if (await wasOpened(reader, changelog, id, this.#end)) return true
        if (performance.now() > deadline) return false
      }
    } catch {
      return true
    }
  }

  #timedOut(cause: FencedError): Error {
    const { id, transactionTimeoutMs } = this.#parts
    return new Error(`task ${id}: the brokers ended its transaction, which was open for longer than transactionSeconds (${transactionTimeoutMs / 1_000}). Nothing of it was written`, { cause })
  }

  #rows(state: Commit['state']): Outgoing[] {
    const { changelog, id, now } = this.#parts
    const timestamp = now()
    return [...state].map(([key, value]) => rowRecord(changelog, id, key, value, timestamp))
  }

  async #keep(state: Commit['state'], { ends, appendedMs }: Written): Promise<void> {
    // whoever has the copy now reads it from the changelog
    if (state.size === 0 || this.#spent !== null) return
    const { cache, changelog, id, table } = this.#parts
    const end = (this.#end = ends.get(placeOf(changelog.topic, changelog.partition))!.end)
    await cache.apply(id, table, state, { offset: end, atMs: appendedMs ?? 0 })
  }
}

/** A message as it lies on the brokers. */
export function outgoingOf(prefix: string, append: Append): Outgoing {
  const { partition, key, timestamp, value } = append
  const topic = topicName(prefix, append.topic)
  return {
    topic,
    partition,
    key: key === null ? null : textBytes(key),
    value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    timestamp,
    headers: eventHeaders(topic, append),
  }
}
