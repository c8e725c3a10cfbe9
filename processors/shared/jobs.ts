import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from './hot-rows.ts'
import { ordered } from './rows.ts'

/** Numbers of the job that is next to be run, and of the one that is queued next. There is no row where none is queued. */
interface Queue {
  readonly first: number
  readonly next: number
}

const empty: Queue = { first: 0, next: 0 }

/**
 * Work that grows with the state, queued by `process` and continued by `slice` in the order of queueing. A job is a JSON value
 * with its own progress in it, which is replaced and never changed; what it does in one step must not depend on the budget, only
 * how far it gets.
 */
export class Jobs<J> {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  push(job: J): void {
    const { first, next } = this.#queue()
    putHot(this.#state, 'jobs', ordered(next), job)
    putHot(this.#state, 'job-queue', 'queue', { first, next: next + 1 } satisfies Queue)
  }

  /**
   * Runs about `budget` rows of work; true while some is left. `step` does at most `budget` rows of one job and answers how many,
   * and the job as it goes on, or null when it is finished. A job that does nothing still costs one row.
   */
  run(budget: number, step: (job: J, budget: number) => { job: J | null; spent: number }): boolean {
    let left = budget
    for (;;) {
      const { first, next } = this.#queue()
      if (first === next) return false
      if (left <= 0) return true
      const key = ordered(first)
      const { job, spent } = step(getHot<J>(this.#state, 'jobs', key)!, left)
      left -= Math.max(1, spent)
      if (job === null) this.#finish(key)
      else putHot(this.#state, 'jobs', key, job)
    }
  }

  #finish(key: string): void {
    this.#state.delete('jobs', key)
    const { first, next } = this.#queue()
    if (first + 1 === next) this.#state.delete('job-queue', 'queue')
    else putHot(this.#state, 'job-queue', 'queue', { first: first + 1, next } satisfies Queue)
  }

  #queue(): Queue {
    return getHot<Queue>(this.#state, 'job-queue', 'queue') ?? empty
  }
}
