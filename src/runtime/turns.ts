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
