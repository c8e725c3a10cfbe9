import { randomUUID } from 'node:crypto'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import { Gate } from './gate.ts'
import { PartitionSink, type SinkEvent } from './partition-sink.ts'
import { placeName } from './place.ts'
import { sinkTopics, type SinkTopic } from './rows/tables.ts'

export interface SinkOptions {
  log: Log
  codec: Codec
  store: Store
  /** default: every topic that has a table */
  topics?: readonly SinkTopic[]
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

/** Batches in memory at a time, over all partitions. */
const gateWidth = 2

/** Carries every record of `topics` into its table exactly once: each (topic, partition, offset, index) is there once. */
export function runSink({ log, codec, store, topics = sinkTopics, signal, onProgress = () => undefined }: SinkOptions): Sink {
  const owner = randomUUID()
  const gate = new Gate(gateWidth)
  const failure = new AbortController()
  const stop = AbortSignal.any([signal, failure.signal])
  const loops = topics.flatMap((topic) =>
    Array.from({ length: log.partitions[topic] }, (_, partition) => {
      const place = { topic, partition }
      return { place, sink: new PartitionSink(place, { log, codec, store, owner, gate, onProgress }) }
    }),
  )

  const runOne = async ({ place, sink }: (typeof loops)[number]): Promise<void> => {
    try {
      await sink.run(stop)
      sink.landed.end(new Error(`the sink of ${placeName(place)} was stopped at offset ${sink.landed.offset}`))
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error))
      sink.landed.end(reason)
      failure.abort(reason)
      throw reason
    }
  }

  const done = Promise.allSettled(loops.map(runOne)).then((results) => {
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  })
  // whoever awaits `done` gets the error; this keeps it from being an unhandled one until then
  done.catch(() => undefined)

  return {
    done,
    async drained() {
      const ends = await Promise.all(loops.map(({ place }) => log.end(place.topic, place.partition)))
      await Promise.all(loops.map(({ sink }, i) => sink.landed.reached(ends[i]!)))
    },
  }
}
