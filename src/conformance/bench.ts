import type { Account } from '../../schemas/wire/raw.ts'
import { AppReader, type AppSource } from '../connect/app-reader.ts'
import { createPlatform } from '../connect/platform.ts'
import { Source } from '../connect/source.ts'
import type { Timeouts } from '../connect/transport.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Clock } from '../runtime/clock.ts'
import { openPublisher } from '../runtime/publisher.ts'
import { type Observed, type Reading, readingOf } from './reading.ts'
import { Tail } from './tail.ts'

export interface BenchOptions {
  /** with one partition of each topic */
  log: Log
  codec: Codec
  clock: Clock
  env: Readonly<Record<string, string | undefined>>
  baseDir: string
  /** for spools */
  dataDir: string
  /** absent: as long as in production */
  timeouts?: Timeouts
}

/** One application on the real runtime: every read goes through its client, ledger, spool and publisher into a log, and is read back from there. */
export class Bench {
  readonly #reader: AppReader
  readonly #raw: Tail<'raw'>
  readonly #letters: Tail<'dead-letters'>
  readonly #controller = new AbortController()
  #problems: string[] = []

  private constructor(options: BenchOptions, app: AppSource, source: Source) {
    const { clock, env, baseDir, dataDir, log, codec, timeouts } = options
    const { signal } = this.#controller
    this.#raw = new Tail(log, codec, 'raw')
    this.#letters = new Tail(log, codec, 'dead-letters')
    const platform = createPlatform({ app: app.name, config: app.config, clock, signal, env, baseDir, ...(timeouts !== undefined && { timeouts }) })
    this.#reader = new AppReader({ app, source, platform, partitions: log.partitions.raw, dataDir, signal, onEvent: (event) => (event.event === 'problem' ? this.#problems.push(`${event.doing}: ${event.reason}`) : undefined) })
  }

  /** `own`: tells benches of one log apart that remember things between runs. */
  static async open(options: BenchOptions, app: AppSource, own = ''): Promise<Bench> {
    const { log, codec, clock } = options
    const bench = new Bench(options, app, new Source(app.name, await openPublisher({ log, codec, clock, id: `app/${app.name}${own}` }), clock))
    await Promise.all([bench.#raw.skip(), bench.#letters.skip()])
    return bench
  }

  /** One complete read, as the log holds it. */
  async run(): Promise<Reading> {
    const result = await this.#reader.snapshot(new Map())
    return readingOf(result, await this.#raw.news(), await this.#letters.news())
  }

  /** These accounts singly. */
  async reread(natives: readonly string[]): Promise<Observed> {
    await this.#reader.reread(natives, new Map())
    return await this.#observed()
  }

  /** What changed since the last time; the first time only notes where changes begin. `outcome`: `done`, `restarted`, or the error. */
  async changes(): Promise<Observed & { outcome: string }> {
    const outcome = await this.#reader.pollChanges()
    const observed = await this.#observed()
    return { ...observed, outcome: outcome instanceof Error ? outcome.message : outcome }
  }

  async #observed(): Promise<Observed> {
    const accounts = (await this.#raw.news()).filter((record): record is Account => record.type === 'Account')
    return { accounts, letters: await this.#letters.news(), problems: this.#problems.splice(0) }
  }

  stop(): void {
    this.#controller.abort()
  }
}

/** Waits take no time, but the clock shows that they were: what a client was told to wait for has passed when it asks again. */
export class SkippingClock implements Clock {
  readonly #clock: Clock
  #skipped = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#skipped
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs() + this.#skipped
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) this.#skipped += ms
    await new Promise((done) => setImmediate(done))
  }
}
