import { randomBytes } from 'node:crypto'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import type { SinkEvent } from '../../src/sink/partition-sink.ts'
import { sinkTopics, tableOf } from '../../src/sink/rows/tables.ts'
import { runSink } from '../../src/sink/run-sink.ts'
import { MemoryStorage } from '../support/memory-log.ts'
import { audit, codec, fill, partitions, SmallReads } from './world.ts'

/**
 * Sinks into tables whose disk is filled by somebody else, to the last bytes, makes room there when every place has failed a few times, and sinks the rest. Opens
 * the tables once more on a full disk, too. Prints what it saw as JSON.
 */
const path = process.argv[2] ?? ''
const ballast = join(path, 'ballast')
const kibFree = (): number => {
  const { bavail, bsize } = statfsSync(path)
  return Math.floor((bavail * bsize) / 1024)
}
const fillDisk = (): void => writeFileSync(ballast, randomBytes((kibFree() - 8) * 1024))
const log = new SmallReads(partitions, new MemoryStorage('the log of the full disk'))
let store = await openStore({ path })

function sink(): { events: SinkEvent[]; drained: () => Promise<void>; failedAt: (times: number) => Promise<void>; stop: () => Promise<void> } {
  const events: SinkEvent[] = []
  const stop = new AbortController()
  const running = runSink({ log, codec, store, signal: stop.signal, onProgress: (event) => events.push(event) })
  const isFailed = (times: number): boolean =>
    sinkTopics.every((topic) => Array.from({ length: partitions[topic] }, (_, p) => p).every((p) => events.some((event) => event.event === 'failed' && event.topic === topic && event.partition === p && event.attempt >= times)))
  return {
    events,
    drained: () => running.drained(),
    failedAt: async (times) => {
      while (!isFailed(times)) await Promise.race([new Promise((resolve) => setTimeout(resolve, 50)), running.done])
    },
    stop: () => {
      stop.abort()
      return running.done
    },
  }
}

const rows = async (): Promise<number> => {
  const counts = await Promise.all(sinkTopics.map((topic) => store.query(`SELECT count() AS n FROM ${tableOf[topic]}`, {}, z.object({ n: z.int() }))))
  return counts.reduce((sum, [row]) => sum + row!.n, 0)
}
const errorsOf = (events: readonly SinkEvent[]): string[] => [...new Set(events.flatMap((event) => (event.event === 'failed' ? [event.error.message] : [])))].sort()

await fill(log, 0, 10)
const running = sink()
await running.drained()
const before = await rows()
fillDisk()
await fill(log, 10, 40)
await running.failedAt(3)
const meanwhile = await rows()
rmSync(ballast)
await running.drained()
const wrong = await audit(store, log)
const errors = errorsOf(running.events)
await running.stop()

// a process that is started on the full disk
await store.close()
fillDisk()
store = await openStore({ path })
await fill(log, 40, 50)
const started = sink()
await started.failedAt(1)
rmSync(ballast)
await started.drained()
console.log(JSON.stringify({ before, meanwhile, errors, wrong, startedErrors: errorsOf(started.events), startedWrong: await audit(store, log) }))
await started.stop()
await store.close()
