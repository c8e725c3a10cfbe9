interface Step {
  /** what is waited for, as a message says it */
  what: string
  end: () => Promise<void>
}

/** What has to be ended, the last begun first. */
export class Stops {
  readonly #steps: Step[] = []
  readonly #onWait: (what: string) => void
  readonly #tellEveryMs: number

  /** `onWait` hears what has not ended `tellEveryMs` after it was told to, over and over. */
  constructor(onWait: (what: string) => void, tellEveryMs: number) {
    this.#onWait = onWait
    this.#tellEveryMs = tellEveryMs
  }

  push(what: string, end: () => Promise<void>): void {
    this.#steps.push({ what, end })
  }

  /** What one step can't do keeps none of the others from being done; the first such error is thrown. */
  async run(): Promise<void> {
    const errors: unknown[] = []
    for (const { what, end } of this.#steps.splice(0).reverse()) {
      const timer = setInterval(() => this.#onWait(what), this.#tellEveryMs)
      await end()
        .catch((error: unknown) => errors.push(error))
        .finally(() => clearInterval(timer))
    }
    if (errors.length > 0) throw errors[0]
  }
}
