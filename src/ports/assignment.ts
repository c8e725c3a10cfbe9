import type { Topic } from '../../schemas/wire/topics.ts'

/**
 * Who works on which partition. Processes of one role share the partitions of its topics; each partition is one process's at a
 * time, as far as the processes know: what really keeps an older owner out is the fence of the task or of the tables.
 */
export interface Assignment {
  /** Takes part in a role. Resolves with the first share. */
  share(role: SharedRole, topics: readonly Topic[]): Promise<Share>
}

export type SharedRole = 'connectors' | 'processors' | 'sink'

export interface Owned {
  /** grows with each assignment */
  generation: number
  partitions: ReadonlyMap<Topic, readonly number[]>
}

export interface Share {
  readonly owned: Owned
  /** Resolves with the first assignment after `generation`. Rejects where this process can't take part any more. */
  next(generation: number): Promise<Owned>
  /** How long it may take until a process hears that a partition went to another, ms; 0 where nobody shares. */
  readonly graceMs: number
  leave(): Promise<void>
}
