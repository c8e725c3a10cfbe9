import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import { AppReader, type AppSource } from '../connect/app-reader.ts'
import { createPlatform } from '../connect/platform.ts'
import { Source } from '../connect/source.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Clock } from '../runtime/clock.ts'
import { openPublisher } from '../runtime/publisher.ts'
import { RecordReader } from '../runtime/records.ts'
import { type Reading, readingOf } from './reading.ts'

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
  readonly #options: BenchOptions
  readonly #reader: AppReader
  readonly #controller = new AbortController()
  readonly #positions: Record<'raw' | 'dead-letters', number> = { raw: 0, 'dead-letters': 0 }

  private constructor(options: BenchOptions, app: AppSource, source: Source) {
    const { clock, env, baseDir, dataDir, log } = options
    const { signal } = this.#controller
    this.#options = options
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
    return readingOf(result, await this.#news('raw'), await this.#news('dead-letters'))
  }

  stop(): void {
    this.#controller.abort()
  }

  async #news<T extends Topic & ('raw' | 'dead-letters')>(topic: T): Promise<RecordOf<T>[]> {
    const { log, codec } = this.#options
    const reader = new RecordReader(codec, topic, 0)
    const found: RecordOf<T>[] = []
    for (;;) {
      const messages = await log.read(topic, 0, this.#positions[topic], { maxMessages: 1_000, maxBytes: 2 ** 24 })
      if (messages.length === 0) return found
      for (const message of messages) {
        this.#positions[topic] = message.offset + 1
        for (const { record } of reader.read(message)) if (record !== null) found.push(record)
      }
    }
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
