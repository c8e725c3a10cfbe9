import { AppReader, type AppSource } from '../connect/app-reader.ts'
import { createPlatform } from '../connect/platform.ts'
import { Source } from '../connect/source.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Clock } from '../runtime/clock.ts'
import { openPublisher } from '../runtime/publisher.ts'
import { type Reading, readingOf } from './reading.ts'
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
}

/** One application on the real runtime: every run goes through its client, ledger, spool and publisher into a log, and is read back from there. */
export class Bench {
  readonly #reader: AppReader
  readonly #raw: Tail<'raw'>
  readonly #letters: Tail<'dead-letters'>
  readonly #controller = new AbortController()

  private constructor(options: BenchOptions, app: AppSource, source: Source) {
    const { clock, env, baseDir, dataDir, log, codec } = options
    const { signal } = this.#controller
    this.#raw = new Tail(log, codec, 'raw')
    this.#letters = new Tail(log, codec, 'dead-letters')
    const platform = createPlatform({ app: app.name, config: app.config, clock, signal, env, baseDir })
    this.#reader = new AppReader({ app, source, platform, partitions: log.partitions.raw, dataDir, signal, onEvent: () => undefined })
  }

  static async open(options: BenchOptions, app: AppSource): Promise<Bench> {
    const { log, codec, clock } = options
    return new Bench(options, app, new Source(app.name, await openPublisher({ log, codec, clock, id: `app/${app.name}` }), clock))
  }

  /** One complete read, as the log holds it. */
  async run(): Promise<Reading> {
    const result = await this.#reader.snapshot(new Map())
    return readingOf(result, await this.#raw.news(), await this.#letters.news())
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
