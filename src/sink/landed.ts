interface Waiter {
  offset: number
  resolve: () => void
  reject: (error: Error) => void
}

/** Up to which offset everything is in the tables, and who waits for it. */
export class Landed {
  #offset = 0
  #ended: Error | null = null
  #waiters: Waiter[] = []

  get offset(): number {
    return this.#offset
  }

  raise(offset: number): void {
    this.#offset = Math.max(this.#offset, offset)
    const due = this.#waiters.filter((waiter) => waiter.offset <= this.#offset)
    this.#waiters = this.#waiters.filter((waiter) => waiter.offset > this.#offset)
    for (const { resolve } of due) resolve()
  }

  /** Nothing more will land: whoever waits or comes to wait is told so. */
  end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#waiters.splice(0)) reject(this.#ended)
  }

  /** Resolves when everything below `offset` has landed. */
  async reached(offset: number): Promise<void> {
    if (offset <= this.#offset) return
    if (this.#ended !== null) throw this.#ended
    await new Promise<void>((resolve, reject) => this.#waiters.push({ offset, resolve, reject }))
  }
}
