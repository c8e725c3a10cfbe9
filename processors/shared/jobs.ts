import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from './hot-rows.ts'
import { ordered } from './rows.ts'

/** Numbers of the job that is next to be run, and of the one that is queued next. There is no row where none is queued. */
interface Queue {
  readonly first: number
  readonly next: number
}

const empty: Queue = { first: 0, next: 0 }

/** Does about `budget` rows of one job. */
type Step<J> = (job: J, budget: number) => { job: J | null; spent: number }

/**
 * Work that grows with the state, queued by `process` and continued by `slice` in the order of queueing. A job is a JSON value
 * with its own progress in it, which is replaced and never changed; what it does in one step must not depend on the budget, only
 * how far it gets.
 */
export class Jobs<J> {
  readonly #state: State
  readonly #table: string
  readonly #name: string

  /** `table` holds the jobs; `name` is the queue's own, where a processor has several. */
  constructor(state: State, table = 'jobs', name = 'queue') {
    this.#state = state
    this.#table = table
    this.#name = name
  }

  get isEmpty(): boolean {
    const { first, next } = this.#queue()
    return first === next
  }

  /** The job that is run next, as far as it has got. */
  get current(): J | undefined {
    const { first, next } = this.#queue()
    return first === next ? undefined : getHot<J>(this.#state, this.#table, ordered(first))
  }

  push(job: J): void {
    const { first, next } = this.#queue()
    putHot(this.#state, this.#table, ordered(next), job)
    putHot(this.#state, 'job-queue', this.#name, { first, next: next + 1 } satisfies Queue)
  }

  /**
   * Runs about `budget` rows of work; true while some is left. `step` does at most `budget` rows of one job and answers how many,
   * and the job as it goes on, or null when it is finished. A job that does nothing still costs one row.
   */
  run(budget: number, step: Step<J>): boolean {
    this.spend(budget, step)
    return !this.isEmpty
  }

  /** As `run`; answers the rows of work that were done, which may be a little more than the budget. */
  spend(budget: number, step: Step<J>): number {
    let spent = 0
    while (spent < budget) {
      const { first, next } = this.#queue()
      if (first === next) return spent
      const key = ordered(first)
      const { job, spent: rows } = step(getHot<J>(this.#state, this.#table, key)!, budget - spent)
      spent += Math.max(1, rows)
      if (job === null) this.#finish(key)
      else putHot(this.#state, this.#table, key, job)
    }
    return spent
  }

  #finish(key: string): void {
    this.#state.delete(this.#table, key)
    const { first, next } = this.#queue()
    if (first + 1 === next) this.#state.delete('job-queue', this.#name)
    else putHot(this.#state, 'job-queue', this.#name, { first: first + 1, next } satisfies Queue)
  }

  #queue(): Queue {
    return getHot<Queue>(this.#state, 'job-queue', this.#name) ?? empty
  }
}
