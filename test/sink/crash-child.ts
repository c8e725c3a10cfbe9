import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { armFaults, faultPoints } from '../../src/core/fault.ts'
import { runSink } from '../../src/sink/run-sink.ts'
import { MemoryStorage } from '../support/memory-log.ts'
import { codec, fill, partitions, SmallReads } from './world.ts'

/** Sinks the first `messages` messages of each partition into `path`, and dies at the nth passing of a fault point. */
const [path, messages, point, passing] = process.argv.slice(2)
const at = faultPoints.find((name) => name === point)
if (path === undefined || (point !== 'none' && at === undefined)) throw new Error('usage: crash-child <path> <messages> <point|none> <passing>')

// the same log each time, so under one name
const log = new SmallReads(partitions, new MemoryStorage('the log of the crash test'))
await fill(log, 0, Number(messages))
const store = await openStore({ path })
let passed = 0
armFaults((reached) => {
  if (reached === at && ++passed === Number(passing)) process.kill(process.pid, 'SIGKILL')
})
const stop = new AbortController()
const sink = runSink({ log, codec, store, signal: stop.signal, onProgress: (event) => {
  // nothing is wrong with this engine: a retry would hide a mistake
  if (event.event === 'failed') throw event.error
} })
console.log('running')
await sink.drained()
stop.abort()
await sink.done
await store.close()
console.log('drained')
