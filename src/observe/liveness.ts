import type { PipelineProgress } from '../runtime/pipeline.ts'

interface Sign {
  state: string
  since: number
}

/**
 * Alive means that tasks move on. Each commits a tick now and then even where it has nothing to do, and counts its retries where the
 * surroundings fail; one that did neither for `stalledMs` hangs, and only a new process can help. Restoring counts as moving on.
 */
export class Liveness {
  readonly #stalledMs: number
  readonly #signs = new Map<string, Sign>()

  constructor(stalledMs: number) {
    this.#stalledMs = stalledMs
  }

  /** What else a task is seen to do, such as restoring its state. */
  moved(task: string, nowMs: number): void {
    const sign = this.#signs.get(task)
    if (sign !== undefined) sign.since = nowMs
  }

  /** The tasks that stand still, and since when; none: the process is alive. `nowMs`: of the monotonic clock. */
  stalled(tasks: readonly PipelineProgress[], nowMs: number): string[] {
    const known = new Set(tasks.map(({ task }) => task))
    for (const task of this.#signs.keys()) if (!known.has(task)) this.#signs.delete(task)
    return tasks.flatMap(({ task, offset, end, index, commits, retries, running, clockRefused }) => {
      if (!running) return [`${task} has ended`]
      if (clockRefused && offset >= end) this.#signs.delete(task) // no ticks come, and it has nothing else to do
      const state = `${offset} ${index} ${commits} ${retries}`
      const sign = this.#signs.get(task)
      if (sign?.state !== state) this.#signs.set(task, { state, since: nowMs })
      else if (nowMs - sign.since > this.#stalledMs) return [`${task} stands at offset ${offset} since ${Math.round((nowMs - sign.since) / 1_000)} s`]
      return []
    })
  }
}
