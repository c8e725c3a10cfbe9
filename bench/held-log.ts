import type { Topic } from '../schemas/wire/topics.ts'
import type { Log } from '../src/ports/log.ts'

/** A log of which some topics can be kept from their readers for a while. */
export interface HeldLog {
  log: Log
  /** From now on they have nothing for whoever reads on. */
  hold(): void
  /** What came meanwhile is all there at once. */
  letGo(): void
}

/** So that tasks which run on, with their code compiled, begin with what is published when a clock starts, and not before. */
export function heldLog(log: Log, topics: readonly Topic[]): HeldLog {
  let held: PromiseWithResolvers<void> | null = null
  return {
    log: {
      id: log.id,
      partitions: log.partitions,
      commitGapMs: log.commitGapMs,
      read: async (of, partition, offset, limits) => (held !== null && topics.includes(of) ? [] : await log.read(of, partition, offset, limits)),
      end: (of, partition) => log.end(of, partition),
      waitFor: async (of, partition, offset, signal) => {
        while (held !== null && topics.includes(of) && !signal.aborted) await Promise.race([held.promise, aborted(signal)])
        await log.waitFor(of, partition, offset, signal)
      },
      openTask: (id) => log.openTask(id),
      close: () => log.close(),
    },
    hold: () => {
      held = Promise.withResolvers()
    },
    letGo: () => {
      held?.resolve()
      held = null
    },
  }
}

const aborted = (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
