import type { Topic } from '../../schemas/wire/topics.ts'

/**
 * The log: topics, each with a fixed number of partitions, each an append-only sequence of messages.
 *
 * A caller may rely on: offsets of a partition grow and are never reused; what a commit appended is readable in that order, whole
 * or not at all; a reader never sees what was not committed; what was acknowledged survives SIGKILL.
 * A caller may not rely on: offsets without gaps; order between partitions; how many messages one read answers.
 */
export interface Message {
  offset: number
  /** partition key of the records within, or null where the message was broadcast or carries records of many keys */
  key: string | null
  /** append time of the first input that caused it, ms: an integer that a `Date` may have; 0 where a stranger wrote another number */
  timestamp: number
  /** Confluent framing: 0x00, 4 bytes schema id, Avro */
  value: Uint8Array
}

export interface Append {
  topic: Topic
  partition: number
  key: string | null
  timestamp: number
  value: Uint8Array
}

export interface ReadLimits {
  maxMessages: number
  maxBytes: number
}

export interface Log {
  /** Given to it when it was made, by chance. It stays where the log is opened again or carried elsewhere; one made anew, under whatever name, has another. */
  readonly id: string
  readonly partitions: Readonly<Record<Topic, number>>
  /** Commits that take all that waits begin this far apart at least, ms: one costs the same for few records as for many. */
  readonly commitGapMs: number
  /** Messages from `offset` on, at least one if there is one at or after it; empty at the end. */
  read(topic: Topic, partition: number, offset: number, limits: ReadLimits): Promise<Message[]>
  /** The offset that the next append gets. */
  end(topic: Topic, partition: number): Promise<number>
  /** Resolves when the partition may hold a message at or after `offset`, or when the signal aborts. */
  waitFor(topic: Topic, partition: number, offset: number, signal: AbortSignal): Promise<void>
  /**
   * Takes the task over: whoever held `id` before can commit nothing any more (its commit throws FencedError).
   * The state is as the last commit left it.
   */
  openTask(id: string): Promise<TaskStore>
  close(): Promise<void>
}

/** One owner's transactional hold on a piece of state and the right to append under `id`. */
export interface TaskStore {
  readonly id: string
  readonly state: StateReader
  /** All of it, or nothing. Throws FencedError when another owner took over; any error spends this hold: open it again. */
  commit(change: Commit): Promise<CommitResult>
  /** Whether the task was opened again since, by whomever, as far as that can be read now; nothing is taken over by it. A spent hold tells it too. */
  isTakenOver(): Promise<boolean>
  /** Lets go of a task that went elsewhere: this hold commits nothing any more, nor is its state asked for. */
  close(): Promise<void>
}

export interface Commit {
  appends: Append[]
  state: StateChanges
  /** How far this task has read, for others to see where it stands; the task itself reads its state only. */
  input?: { topic: Topic; partition: number; offset: number }
}

/** null deletes; keys are `<table>/<key>`, at most once each. May be gone through any number of times. */
export interface StateChanges extends Iterable<readonly [key: string, value: Uint8Array | null]> {
  readonly size: number
}

export interface CommitResult {
  /** offsets of `appends`, in their order */
  offsets: number[]
}

/** Keys iterate in code point order. */
export interface StateReader {
  get(key: string): Uint8Array | undefined
  /** entries with `prefix`, strictly after `after` where given */
  range(prefix: string, after?: string): Iterable<readonly [key: string, value: Uint8Array]>
}

export class FencedError extends Error {
  override name = 'FencedError'
}
