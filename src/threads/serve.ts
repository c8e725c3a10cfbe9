import { parentPort, workerData } from 'node:worker_threads'
import { processors } from '../../processors/registry.ts'
import '../adapters/native-sha256.ts'
import { createFileCodec } from '../adapters/codec/avro-codec.ts'
import { joinEmbeddedLog } from '../adapters/log-embedded/embedded-log.ts'
import { reasonOf } from '../core/reason.ts'
import { measuredLog } from '../observe/measured-log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import type { Clock } from '../runtime/clock.ts'
import { shareOfAll } from '../runtime/own-everything.ts'
import { openPipeline } from './open-pipeline.ts'
import type { Answers, Asked, Question, ThreadOrders, Told } from './messages.ts'

/** In a thread that a `TaskThread` started: its share of the tasks, until it is told to stop. */
export function serveTasks(clock: Clock, types: readonly ProcessorType[] = processors): void {
  const port = parentPort
  if (port === null) throw new Error('this is the main thread: start it by a TaskThread')
  const { log: shared, limits, release, thread, threads } = workerData as ThreadOrders
  const tell = (told: Told): void => port.postMessage(told)
  const log = joinEmbeddedLog(shared)
  const pipeline = openPipeline(
    {
      types, clock, limits, release,
      log: measuredLog(log, (commit) => tell({ tell: 'commit', commit })),
      codec: createFileCodec(log.schemas),
      share: shareOfAll(log.partitions, types.map(({ input }) => input), (partition) => partition % threads === thread),
    },
    {
      onTrouble: (what) => tell({ tell: 'trouble', what }),
      onFailed: (task, error) => tell({ tell: 'failed', task, reason: reasonOf(error) }),
    },
  )
  const answers: { [A in Asked]: (about: number) => Promise<Answers[A]> } = {
    look: () => pipeline.look(),
    changed: async (since) => {
      await pipeline.changed(since)
      return null
    },
    progress: () => pipeline.progress(),
    hurry: async (ms) => {
      pipeline.hurry(ms)
      return null
    },
    stop: async () => {
      await pipeline.stop()
      await log.close()
      return null
    },
  }
  port.on('message', ({ number, ask, about }: Question) => {
    answers[ask](about)
      .then((value) => tell({ tell: 'answer', number, value }), (error: unknown) => tell({ tell: 'refusal', number, reason: reasonOf(error) }))
      .finally(() => ask === 'stop' && port.close())
  })
}
