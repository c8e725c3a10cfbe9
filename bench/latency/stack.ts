import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { openLog, processors } from '../../src/compose.ts'
import type { Store } from '../../src/ports/store.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { defaultLimits } from '../../src/runtime/limits.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'
import { openPublisher, type Outgoing, type Publisher } from '../../src/runtime/publisher.ts'
import { runSink } from '../../src/sink/run-sink.ts'
import { openBenchLog } from '../on-kafka.ts'
import { inThousands } from '../workload.ts'

export const partitionCount = 4

/** Findings that the tables hold: everything below `offset` of a partition since `ms`, performance.now(). */
export interface LandedAt {
  partition: number
  offset: number
  ms: number
}

/** Log, processors, sink and tables of one process, as `grantline run` has them, with a publisher in place of connectors and feeds. */
export class Stack {
  readonly store: Store
  readonly publisher: Publisher
  readonly landed: LandedAt[] = []
  /** of all tables so far */
  inserts = 0
  readonly #drained: () => Promise<void>
  readonly #close: () => Promise<void>

  private constructor(store: Store, publisher: Publisher, drained: () => Promise<void>, close: () => Promise<void>) {
    this.store = store
    this.publisher = publisher
    this.#drained = drained
    this.#close = close
  }

  /** On the embedded log, or with `brokers` on topics of its own there. */
  static async open(brokers: readonly string[] | null = null): Promise<Stack> {
    const directory = mkdtempSync(join(tmpdir(), 'grantline-latency-'))
    const log =
      brokers === null
        ? await openLog(join(directory, 'log'), partitionCount, 'disk')
        : await openBenchLog({ brokers, prefix: `bench-${randomUUID()}.`, directory, partitions: partitionCount })
    const codec = createFileCodec(log.schemas)
    const store = await openStore({ path: join(directory, 'tables') })
    const publisher = await openPublisher({ log, codec, clock: systemClock, id: 'bench' })
    const pipeline = new Pipeline({
      types: processors, log, codec, clock: systemClock, limits: defaultLimits, release: 'bench', onTaskFailed: (task, error) => console.error(task, error),
    })
    const stop = new AbortController()
    const sink = runSink({
      log, codec, store, signal: stop.signal,
      onProgress: (event) => {
        if (event.event !== 'inserted') return
        stack.inserts++
        if (event.topic === 'findings') stack.landed.push({ partition: event.partition, offset: event.offset, ms: performance.now() })
      },
    })
    const drained = async (): Promise<void> => {
      await pipeline.drained()
      await sink.drained()
    }
    const stack: Stack = new Stack(store, publisher, drained, async () => {
      await pipeline.stop()
      stop.abort()
      await sink.done
      await store.close()
      await log.close()
      rmSync(directory, { recursive: true, force: true })
    })
    await drained()
    return stack
  }

  /** In transactions of a thousand records. */
  async load(records: Iterable<Outgoing>): Promise<void> {
    await this.publisher.publishAll(inThousands(records), 4 * 1024 * 1024)
    await this.#drained()
  }

  drained(): Promise<void> {
    return this.#drained()
  }

  close(): Promise<void> {
    return this.#close()
  }
}
