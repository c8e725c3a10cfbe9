import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { processors } from '../../processors/registry.ts'
import { openLog } from '../../src/data-directory.ts'
import type { Store } from '../../src/ports/store.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { untilDrained } from '../../src/runtime/drained.ts'
import { openPublisher, type Outgoing, type Publisher } from '../../src/runtime/publisher.ts'
import { runSink } from '../../src/sink/run-sink.ts'
import { threadEntry } from '../../src/threads/task-thread.ts'
import { openBenchLog } from '../on-kafka.ts'
import { openTasks } from '../tasks.ts'
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
  /** what one partition of the log had for its table at a time, so far; many make one insert */
  batches = 0
  readonly #drained: () => Promise<void>
  readonly #close: () => Promise<void>

  private constructor(store: Store, publisher: Publisher, drained: () => Promise<void>, close: () => Promise<void>) {
    this.store = store
    this.publisher = publisher
    this.#drained = drained
    this.#close = close
  }

  /** On the embedded log, or with `brokers` on topics of its own there. `threads` run the tasks, embedded; 1: the main one does. */
  static async open(brokers: readonly string[] | null, threads: number): Promise<Stack> {
    const directory = mkdtempSync(join(tmpdir(), 'grantline-latency-'))
    const log =
      brokers === null
        ? await openLog(join(directory, 'log'), partitionCount, 'disk')
        : await openBenchLog({ brokers, prefix: `bench-${randomUUID()}.`, directory, partitions: partitionCount })
    const codec = createFileCodec(log.schemas)
    const store = await openStore({ path: join(directory, 'tables') })
    const publisher = await openPublisher({ log, codec, clock: systemClock, id: 'bench' })
    const tasks = openTasks({ log, codec, types: processors, clock: systemClock }, { count: threads, entry: threadEntry })
    const stop = new AbortController()
    const sink = runSink({
      log, codec, store, signal: stop.signal,
      onProgress: (event) => {
        if (event.event !== 'inserted') return
        stack.batches++
        if (event.topic === 'findings') stack.landed.push({ partition: event.partition, offset: event.offset, ms: performance.now() })
      },
    })
    const drained = async (): Promise<void> => {
      await untilDrained(tasks)
      await sink.drained()
    }
    const stack: Stack = new Stack(store, publisher, drained, async () => {
      await Promise.all(tasks.map((part) => part.stop()))
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
