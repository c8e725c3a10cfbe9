import { randomUUID } from 'node:crypto'
import type { Share } from '../ports/assignment.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import { Holdings, type Holding } from '../runtime/holdings.ts'
import { shareOfAll } from '../runtime/own-everything.ts'
import { Gate } from './gate.ts'
import { Inserts } from './inserts.ts'
import { PartitionSink, type PartitionSinkOptions, type SinkEvent } from './partition-sink.ts'
import { placeName, SinkFencedError, type Place } from './place.ts'
import { sinkTopics, type SinkTopic } from './rows/tables.ts'
import { requireSameLog } from './same-log.ts'

interface SinkOptions {
  log: Log
  codec: Codec
  store: Store
  /** default: every topic that has a table */
  topics?: readonly SinkTopic[]
  /** the partitions that are this process's; default: all */
  share?: Share
  signal: AbortSignal
  onProgress?: (event: SinkEvent) => void
}

export interface Sink {
  /**
   * Resolves after `signal` aborted and the last insert was answered. Rejects, with all loops stopped, where another sink took a
   * partition over or the tables belong to another log; every other error is reported and tried again.
   */
  readonly done: Promise<void>
  /** Resolves when everything that the log held at the time of the call is in the tables. Rejects when the sink ends before that. */
  drained(): Promise<void>
}

/** Messages in memory at a time, over all partitions. */
const gateBytes = 4 * 1024 * 1024

/** Carries every record of `topics` into its table exactly once: each (topic, partition, offset, index) is there once. */
export function runSink({ log, codec, store, topics = sinkTopics, share, signal, onProgress = () => undefined }: SinkOptions): Sink {
  const options: PartitionSinkOptions = { log, codec, store, owner: randomUUID(), gate: new Gate(gateBytes), inserts: new Inserts(store), sameLog: onceGood(() => requireSameLog(store, log.id)), onProgress }
  const failed = Promise.withResolvers<never>()
  const places = new Holdings<Carrier>({
    share: share ?? shareOfAll(log.partitions, topics),
    plan: ({ partitions }) =>
      topics.flatMap((topic) => (partitions.get(topic) ?? []).map((partition) => ({ name: `${topic}/${partition}`, create: () => new Carrier({ topic, partition }, options) }))),
    isFence: (error) => error instanceof SinkFencedError,
    onFailed: (_place, error) => failed.reject(error),
    onLost: (error) => failed.reject(error),
  })
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const done = Promise.race([failed.promise, aborted]).finally(() => places.stop())
  // whoever awaits `done` gets the error; this keeps it from being an unhandled one until then
  done.catch(() => undefined)

  return {
    done,
    async drained() {
      await Promise.all(
        places.current.map(async ({ place, sink }) => {
          await sink.landed.reached(await log.end(place.topic, place.partition))
        }),
      )
    },
  }
}

/** Asked by many, answered once; after a failure it is asked again. */
function onceGood(ask: () => Promise<void>): () => Promise<void> {
  let asked: Promise<void> | null = null
  return () =>
    (asked ??= ask().catch((error: unknown) => {
      asked = null
      throw error
    }))
}

class Carrier implements Holding {
  readonly place: Place
  readonly sink: PartitionSink

  constructor(place: Place, options: PartitionSinkOptions) {
    this.place = place
    this.sink = new PartitionSink(place, options)
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.sink.run(signal)
      this.sink.landed.end(new Error(`the sink of ${placeName(this.place)} was stopped at offset ${this.sink.landed.offset}`))
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error))
      this.sink.landed.end(reason)
      throw reason
    }
  }
}
