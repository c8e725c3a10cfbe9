import { renameSync, writeFileSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { z } from 'zod'
import { armFaults, faultPoints, type FaultPoint } from '../../src/core/fault.ts'

/**
 * Where a process kills itself: at the nth time that a point is reached, counted since `after` was reached where that is given. `how`: by SIGKILL, or
 * by keeping more and more memory from there on, until there is none left and it dies wherever it is by then.
 */
export const Fault = z.strictObject({
  point: z.enum([...faultPoints, 'variant']), nth: z.int().min(1), after: z.enum(faultPoints).nullable().default(null), how: z.enum(['kill', 'exhaust']).default('kill'),
})
export type Fault = z.input<typeof Fault>

/** The variable in which a process tells its threads what they need to know. */
export const threadOrders = 'GRANTLINE_TEST_THREAD_ORDERS'

/** Numbers kept at each point that is reached: 2 MB. */
const hoarded = 250_000

/** What the process leaves behind; `fired`: it killed itself at this fault, or began to. */
export interface Marker {
  fired: Fault | null
  reached: readonly (FaultPoint | 'variant')[]
}

/** Arms the thread that calls it. */
export class Killer {
  readonly #fault: Fault | null
  readonly #marker: string
  readonly #reached: Marker['reached'][number][] = []
  readonly #hoard: number[][] = []
  #counts: boolean
  #hoards = false
  #times = 0

  constructor(fault: Fault | null, marker: string) {
    this.#fault = fault
    this.#marker = marker
    this.#counts = fault === null || (fault.after ?? null) === null
    armFaults((point) => this.reach(point))
  }

  reach(point: Marker['reached'][number]): void {
    const fault = this.#fault
    this.#reached.push(point)
    if (this.#hoards) this.#hoard.push(new Array<number>(hoarded).fill(0.5))
    this.#counts ||= point === fault?.after
    if (point !== fault?.point || !this.#counts || ++this.#times !== fault.nth) return
    this.mark(fault)
    if (fault.how === 'exhaust') this.#hoards = true
    else process.kill(process.pid, 'SIGKILL')
  }

  mark(fired: Fault | null): void {
    // another thread may kill the process at any moment of this
    const unfinished = `${this.#marker}.${threadId}`
    writeFileSync(unfinished, JSON.stringify({ fired, reached: this.#reached } satisfies Marker))
    renameSync(unfinished, this.#marker)
  }
}
