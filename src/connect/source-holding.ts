import type { Clock } from '../runtime/clock.ts'
import { EnvironmentError } from '../runtime/errors.ts'
import type { Holding } from '../runtime/holdings.ts'
import type { OnEvent } from './events.ts'
import { backoffMs } from './retry.ts'
import type { Source } from './source.ts'
import type { Worker } from './worker.ts'

const retry = { baseMs: 1_000, maxMs: 60_000 }

/** One application or feed of this process: taken over first, then worked on. */
export class SourceHolding implements Holding {
  /** Rejects where the place went to another process before. */
  readonly opened: Promise<Source>
  readonly name: string
  readonly #open: () => Promise<Source>
  readonly #worker: (source: Source, signal: AbortSignal) => Worker
  readonly #clock: Clock
  readonly #onEvent: OnEvent
  readonly #working = Promise.withResolvers<{ source: Source; worker: Worker }>()

  constructor(name: string, open: () => Promise<Source>, worker: (source: Source, signal: AbortSignal) => Worker, clock: Clock, onEvent: OnEvent) {
    this.name = name
    this.#open = open
    this.#worker = worker
    this.#clock = clock
    this.#onEvent = onEvent
    this.opened = this.#working.promise.then(({ source }) => source)
    this.opened.catch(() => undefined) // whoever needs the source hears of it
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const source = await this.#open()
        const worker = this.#worker(source, signal)
        this.#working.resolve({ source, worker })
        return await worker.run(signal)
      } catch (error) {
        if (!(error instanceof EnvironmentError)) {
          this.#working.reject(error)
          throw error
        }
        const nextInMs = backoffMs(retry, failures, 0)
        this.#onEvent({ event: 'problem', source: this.name, doing: 'taking over', reason: error.message, nextInMs })
        await this.#clock.sleep(nextInMs, signal)
      }
    }
    this.#working.reject(new Error(`${this.name} was given up before it was taken over`))
  }

  /** Resolves when everything asked so far is done; rejects where another process took it over. */
  async idle(): Promise<void> {
    await (await this.#working.promise).worker.idle()
  }
}
