/**
 * Lets one of those who ask work in each turn of the event loop, in the order they ask: however long each works, input and output of
 * everything else gets on between two of them.
 */
export class Turns {
  readonly #waiting: (() => void)[] = []
  #isDue = false

  take(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#next()
    })
  }

  /** For who works and is not done: the next turn, before all who wait. */
  again(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.unshift(resolve)
      this.#next()
    })
  }

  #next(): void {
    if (this.#isDue || this.#waiting.length === 0) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#waiting.shift()?.()
      this.#next()
    })
  }
}

/** How long a task works before input and output of everything else get on, ms. */
const turnMs = 5

/** The turns of one task. */
export class Turn {
  readonly #turns: Turns
  #endsMs = 0

  constructor(turns: Turns) {
    this.#turns = turns
  }

  async begin(): Promise<void> {
    await this.#turns.take()
    this.#endsMs = performance.now() + turnMs
  }

  get isOver(): boolean {
    return performance.now() > this.#endsMs
  }

  async goOn(): Promise<void> {
    await this.#turns.again()
    this.#endsMs = performance.now() + turnMs
  }
}

/** Of all tasks of a thread. */
export const turnsOfThread = new Turns()
