import { EmbeddedLog } from '../src/adapters/log-embedded/embedded-log.ts'
import type { Codec } from '../src/ports/codec.ts'
import type { Log } from '../src/ports/log.ts'
import type { ProcessorType } from '../src/ports/processor.ts'
import type { Clock } from '../src/runtime/clock.ts'
import { defaultLimits } from '../src/runtime/limits.ts'
import type { Pipeline } from '../src/runtime/pipeline.ts'
import { openPipeline } from '../src/threads/open-pipeline.ts'
import { tasksInThreads, type TaskThread, type Threads } from '../src/threads/task-thread.ts'

interface BenchTasks {
  log: Log
  codec: Codec
  types: readonly ProcessorType[]
  clock: Clock
}

const hears = { onTrouble: console.error, onFailed: console.error, onCommit: () => undefined }
const working = { limits: defaultLimits, release: 'bench' }

/** All tasks, in this thread or, on the embedded log, in several; those have the types and the clock of their entry. */
export function openTasks({ log, codec, types, clock }: BenchTasks, threads: Threads): (Pipeline | TaskThread)[] {
  if (threads.count === 1 || !(log instanceof EmbeddedLog)) return [openPipeline({ types, log, codec, clock, ...working }, hears)]
  return tasksInThreads(threads, { log: log.share(), ...working }, hears)
}
