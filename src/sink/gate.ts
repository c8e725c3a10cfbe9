/** Lets in who fits, first come, first served: bounds the bytes that are in memory. */
export class Gate {
  #free: number
  readonly #queue: { bytes: number; enter: () => void }[] = []

  constructor(bytes: number) {
    this.#free = bytes
  }

  /** `work` may take up to `bytes`, no more than there are in all; `keep` says how many it does. */
  async pass<T>(bytes: number, work: (keep: (bytes: number) => void) => Promise<T>): Promise<T> {
    if (this.#queue.length === 0 && this.#free >= bytes) this.#free -= bytes
    else await new Promise<void>((enter) => this.#queue.push({ bytes, enter }))
    let kept = bytes
    const keep = (left: number): void => {
      const released = kept - left
      kept = left
      this.#release(released)
    }
    try {
      return await work(keep)
    } finally {
      keep(0)
    }
  }

  #release(bytes: number): void {
    this.#free += bytes
    for (let first = this.#queue[0]; first !== undefined && first.bytes <= this.#free; first = this.#queue[0]) {
      this.#queue.shift()
      this.#free -= first.bytes
      first.enter()
    }
  }
}
