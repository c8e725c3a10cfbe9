import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from './hot-rows.ts'
import { ordered } from './rows.ts'

/**
 * Work that grows with the state, queued by `process` and continued by `slice` in the order of queueing. A job is a JSON value
 * with its own progress in it; what it does in one step must not depend on the budget, only how far it gets.
 */
export class Jobs<J> {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  push(job: J): void {
    const next = this.#next()
    this.#state.put('jobs', ordered(next), job)
    putHot(this.#state, 'job-queue', 'next', next + 1)
  }

  /**
   * Runs about `budget` rows of work; true while some is left. `step` does at most `budget` rows of one job and answers how many,
   * and the job as it goes on, or null when it is finished. A job that does nothing still costs one row.
   */
  run(budget: number, step: (job: J, budget: number) => { job: J | null; spent: number }): boolean {
    let left = budget
    for (;;) {
      const head = this.#head()
      if (head === undefined) return false
      if (left <= 0) return true
      const { job, spent } = step(head.job, left)
      left -= Math.max(1, spent)
      if (job === null) this.#finish(head.key)
      else this.#state.put('jobs', head.key, job)
    }
  }

  #head(): { key: string; job: J } | undefined {
    if (this.#next() === 0) return undefined
    for (const [key, job] of this.#state.range<J>('jobs')) return { key, job }
    return undefined
  }

  #finish(key: string): void {
    this.#state.delete('jobs', key)
    for (const _ of this.#state.range('jobs')) return
    this.#state.delete('job-queue', 'next')
  }

  /** Number of the next job; back to 0 whenever the queue runs empty. */
  #next(): number {
    return getHot<number>(this.#state, 'job-queue', 'next') ?? 0
  }
}
