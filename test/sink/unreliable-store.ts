import type { z } from 'zod'
import { StoreError, type Guard, type Params, type Row, type Store } from '../../src/ports/store.ts'

/** A real store with something between it and its caller. */
export class BetweenStore implements Store {
  readonly settleMs: number
  readonly inner: Store

  constructor(inner: Store, settleMs = inner.settleMs) {
    this.inner = inner
    this.settleMs = settleMs
  }

  query<T>(sql: string, params: Params, row: z.ZodType<T>): Promise<T[]> {
    return this.inner.query(sql, params, row)
  }
  command(sql: string, params: Params): Promise<void> {
    return this.inner.command(sql, params)
  }
  insertRows(table: string, rows: readonly Row[], guard: Guard): Promise<void> {
    return this.inner.insertRows(table, rows, guard)
  }
  async close(): Promise<void> {
    await this.inner.close()
  }
}

/** Every nth insert or command is carried out (or not), and its answer lost. */
export class LossyStore extends BetweenStore {
  #calls = 0
  lost = 0
  readonly #isLost: (call: number) => 'after' | 'before' | null

  constructor(inner: Store, isLost: (call: number) => 'after' | 'before' | null) {
    super(inner)
    this.#isLost = isLost
  }

  override command(sql: string, params: Params): Promise<void> {
    return this.#lossy(() => super.command(sql, params))
  }
  override insertRows(table: string, rows: readonly Row[], guard: Guard): Promise<void> {
    return this.#lossy(() => super.insertRows(table, rows, guard))
  }

  async #lossy(call: () => Promise<void>): Promise<void> {
    const when = this.#isLost(this.#calls++)
    if (when !== 'before') await call()
    if (when === null) return
    this.lost++
    throw new StoreError('the answer was lost')
  }
}

/** Answers the sink's read-back with nothing: a sink that resends what is in doubt without looking. */
export class ForgetfulStore extends BetweenStore {
  override async query<T>(sql: string, params: Params, row: z.ZodType<T>): Promise<T[]> {
    return sql.includes('held_in') ? [] : super.query(sql, params, row)
  }
}

/** Holds the next insert into `table` back until `release` is called: a sender that was stopped just before it sent. */
export class StoppedStore extends BetweenStore {
  readonly stopped: Promise<void>
  release: () => void = () => undefined
  readonly #table: string
  #stop: () => void = () => undefined
  readonly #released: Promise<void>

  constructor(inner: Store, table: string) {
    super(inner)
    this.#table = table
    this.stopped = new Promise((resolve) => (this.#stop = resolve))
    this.#released = new Promise((resolve) => (this.release = resolve))
  }

  override async insertRows(table: string, rows: readonly Row[], guard: Guard): Promise<void> {
    if (table === this.#table) {
      this.#stop()
      await this.#released
    }
    await super.insertRows(table, rows, guard)
  }
}
