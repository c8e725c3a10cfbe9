import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import { z } from 'zod'
import { onDisk } from '../log-embedded/disk.ts'
import { damageOf } from '../log-embedded/file-head.ts'
import { StateTable } from '../log-embedded/state-table.ts'
import { acquireLock, type ProcessLock } from '../log-embedded/process-lock.ts'

/** Up to where of its changelog a task's rows are here: all of it below `offset` when the broker's clock said `atMs`. */
export interface Mark {
  offset: number
  atMs: number
}

/**
 * Since a mark the changelog may have lost what says that a row was deleted, once `deleteRetentionMs` has passed; half of that leaves
 * time to read. `nowMs`: what the brokers' clock says.
 */
export const isFresh = ({ atMs }: Mark, nowMs: number, deleteRetentionMs: number): boolean => nowMs - atMs < deleteRetentionMs / 2

const Stored = z.object({ number: z.int(), changelog: z.string(), mark: z.object({ offset: z.int(), atMs: z.number() }).nullable() })
type Stored = z.infer<typeof Stored>

export type Change = readonly [key: string, value: Uint8Array | null]

const wipeRows = 10_000

/**
 * The state of this process's tasks, in one LMDB environment: a copy of their changelogs, which may lag behind but never runs
 * ahead. It is not synced to disk, so after a restart of the machine it begins empty.
 */
export class StateCache {
  readonly #path: string
  readonly #lock: ProcessLock
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #state: Database<Buffer, Buffer>
  readonly #tasks: Database<unknown, string>

  /**
   * `from`: the brokers, and the incarnation of the log on them. What was copied from others, or from topics of the same names that were made anew since
   * (whatever they were filled with), is not believed, nor is a file whose beginning is overwritten or whose end is cut off.
   */
  static open(path: string, from: { cluster: string; log: string }): StateCache {
    mkdirSync(path, { recursive: true })
    const lock = acquireLock(join(path, 'process.lock'))
    const source = join(path, 'source')
    const now = JSON.stringify({ ...from, boot: bootId() })
    const file = join(path, 'state.mdb')
    if (now !== textOf(source) || damageOf(file) !== null) {
      rmSync(source, { force: true })
      rmSync(file, { force: true })
      rmSync(join(path, 'state.mdb-lock'), { force: true })
      writeFileSync(source, now)
    }
    return new StateCache(path, lock)
  }

  private constructor(path: string, lock: ProcessLock) {
    this.#path = path
    this.#lock = lock
    this.#root = open<Buffer, Buffer>({ path: join(path, 'state.mdb'), maxDbs: 4, encoding: 'binary', keyEncoding: 'binary', noSync: true, overlappingSync: false })
    this.#state = this.#root.openDB<Buffer, Buffer>({ name: 'state', encoding: 'binary', keyEncoding: 'binary' })
    this.#tasks = this.#root.openDB<unknown, string>({ name: 'tasks', encoding: 'json', keyEncoding: 'ordered-binary' })
  }

  /** The rows of a task, and how current they are; null where they must be copied anew, after `wipe`. */
  async task(id: string, changelog: string): Promise<{ table: StateTable; mark: Mark | null }> {
    const { number, mark } = await this.#write(() => {
      const stored = this.#stored(id)
      const task = stored?.changelog === changelog ? stored : { number: stored?.number ?? this.#tasks.getCount(), changelog, mark: null }
      void this.#tasks.put(id, task)
      return task
    })
    return { table: new StateTable(this.#state, number), mark }
  }

  async wipe(id: string): Promise<void> {
    const { number, changelog } = this.#stored(id)!
    await onDisk(this.#path, () => this.#tasks.put(id, { number, changelog, mark: null }))
    const start = Buffer.allocUnsafe(4)
    start.writeUInt32BE(number)
    const end = Buffer.allocUnsafe(4)
    end.writeUInt32BE(number + 1)
    for (let keys = wipeRows; keys === wipeRows; ) {
      keys = await this.#write(() => {
        const some = [...this.#state.getKeys({ start, end, limit: wipeRows })]
        for (const key of some) void this.#state.remove(key)
        return some.length
      })
      this.#root.resetReadTxn()
    }
  }

  /** `mark` null leaves the one there is: the copy is not complete yet. */
  async apply(id: string, table: StateTable, changes: Iterable<Change>, mark: Mark | null): Promise<void> {
    await this.#write(() => {
      for (const [key, value] of changes) table.put(key, value)
      if (mark !== null) void this.#tasks.put(id, { ...this.#stored(id)!, mark })
    })
    // LMDB's view for reading may still be of before the commit
    this.#root.resetReadTxn()
  }

  async close(): Promise<void> {
    await this.#root.close()
    this.#lock.release()
  }

  #write<T>(change: () => T): Promise<T> {
    return onDisk(this.#path, () => this.#root.transaction(change))
  }

  #stored(id: string): Stored | undefined {
    return Stored.optional().parse(this.#tasks.get(id))
  }
}

/** Changes with each start of the machine; where the system does not say (only Linux does), the process's own start. */
function bootId(): string {
  return textOf('/proc/sys/kernel/random/boot_id')?.trim() ?? String(performance.timeOrigin)
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
