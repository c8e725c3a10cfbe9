/** Lets at most `width` callers in at a time, first come, first served: bounds the batches that are in memory. */
export class Gate {
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(width: number) {
    this.#free = width
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#queue.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
