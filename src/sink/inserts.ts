import { setTimeout as sleep } from 'node:timers/promises'
import { reach } from '../core/fault.ts'
import { GuardError, type Row, type Store } from '../ports/store.ts'
import { ownedBy, type Claimed } from './claim.ts'

/** Rows of one place for one table. */
export interface Insertion {
  by: Claimed
  rows: readonly Row[]
  /** of the messages that they came in */
  bytes: number
  /** whatever made the last one fail must not fail others: it goes alone */
  isSuspect: boolean
}

interface Waiting extends Insertion {
  resolve: () => void
  reject: (error: unknown) => void
}

/** What is inserted at once, by the messages' bytes. As text it is several times as large, and the engine parses it in memory. */
const maxBytes = 2 * 1024 * 1024
/** Inserts into one table at a time. */
const width = 2
/** Places read when an insert is due: those that are done within this long go together, ms. */
const gatherMs = 10
/** It waits so long for those that are still reading, ms: brokers take a while, and one of them may take very long. */
const maxGatherMs = 100
/** Inserts of what trickles in begin at least this far apart, ms. */
const minIntervalMs = 100
/** They begin further apart where one takes long, so that this share of the time goes into a table; but never further than the most, or rows by the thousand would wait. */
const shareOfTime = 0.25
const maxIntervalMs = 250

/**
 * Inserts what many places have for a table at once: an insert costs the engine the same for few rows as for many, and leaves a part
 * behind that has to be merged. Each place's own claim guards its rows.
 */
export class Inserts {
  readonly #store: Store
  readonly #tables = new Map<string, TableInserts>()

  constructor(store: Store) {
    this.#store = store
  }

  /** ms until what trickles in should be read and inserted. */
  dueInMs(table: string): number {
    return this.#of(table).dueInMs()
  }

  /** What is being read for the table: an insert that is about to begin waits for it, though not for long. */
  async whileReading<T>(table: string, read: () => Promise<T>): Promise<T> {
    const inserts = this.#of(table)
    inserts.reading++
    try {
      return await read()
    } finally {
      inserts.reading--
    }
  }

  /** Throws GuardError where the place's claim is no longer the newest, StoreError where the rows may have landed or not. */
  insert(table: string, insertion: Insertion): Promise<void> {
    return this.#of(table).insert(insertion)
  }

  #of(table: string): TableInserts {
    let inserts = this.#tables.get(table)
    if (inserts === undefined) this.#tables.set(table, (inserts = new TableInserts(this.#store, table)))
    return inserts
  }
}

class TableInserts {
  /** places that are at it */
  reading = 0
  readonly #store: Store
  readonly #table: string
  readonly #waiting: Waiting[] = []
  #isGathering = false
  #running = 0
  #intervalMs = minIntervalMs
  #dueMs = 0

  constructor(store: Store, table: string) {
    this.#store = store
    this.#table = table
  }

  dueInMs(): number {
    return this.#dueMs - performance.now()
  }

  insert(insertion: Insertion): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...insertion, resolve, reject })
      this.#begin()
    })
  }

  #begin(): void {
    if (this.#waiting.length > 0 && !this.#isGathering && this.#running < width) void this.#round()
  }

  /** Never throws: whoever waits hears of errors. */
  async #round(): Promise<void> {
    this.#isGathering = true
    for (let ms = 0; ms === 0 || (this.reading > 0 && ms < maxGatherMs); ms += gatherMs) await sleep(gatherMs)
    this.#isGathering = false
    this.#running++
    const began = performance.now()
    this.#dueMs = began + this.#intervalMs
    const group = this.#take()
    this.#begin()
    const tell = await this.#insert(group)
    this.#intervalMs = Math.min(Math.max(minIntervalMs, (performance.now() - began) / shareOfTime), maxIntervalMs)
    this.#dueMs = Math.max(this.#dueMs, began + this.#intervalMs)
    this.#running--
    tell()
    this.#begin()
  }

  /** Those that go together. */
  #take(): Waiting[] {
    const isSuspect = this.#waiting[0]?.isSuspect === true
    let bytes = 0
    let count = 0
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes
      if (count > 0 && (isSuspect || waiting.isSuspect || bytes > maxBytes)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  /** Answers what tells each of the group how that went. */
  async #insert(group: readonly Waiting[]): Promise<() => void> {
    try {
      reach('sink.before-insert')
      await this.#store.insertRows(this.#table, group.flatMap(({ rows }) => rows), ownedBy(group.map(({ by }) => by)))
      reach('sink.after-insert')
    } catch (error) {
      if (error instanceof GuardError && group.length > 1) {
        // nothing landed, and one of the claims is not the newest: each tells for itself
        const tells: (() => void)[] = []
        for (const one of group) tells.push(await this.#insert([one]))
        return () => tells.forEach((tell) => tell())
      }
      return () => group.forEach(({ reject }) => reject(error))
    }
    return () => group.forEach(({ resolve }) => resolve())
  }
}
