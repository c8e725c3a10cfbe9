import type { Clock } from '../runtime/clock.ts'
import { EnvironmentError } from '../runtime/errors.ts'
import type { Holding } from '../runtime/holdings.ts'
import type { OnEvent } from './events.ts'
import { backoffMs } from './retry.ts'
import type { Source } from './source.ts'
import type { Worker } from './worker.ts'

const retry = { baseMs: 1_000, maxMs: 60_000 }

interface Working {
  source: Source
  worker: Worker
}

/** One application or feed of this process: taken over first, then worked on; from its checkpoint anew where it is not known what was published last. */
export class SourceHolding implements Holding {
  readonly name: string
  readonly #open: () => Promise<Source>
  readonly #worker: (source: Source, signal: AbortSignal) => Worker
  readonly #clock: Clock
  readonly #onEvent: OnEvent
  #working = workingLater()

  constructor(name: string, open: () => Promise<Source>, worker: (source: Source, signal: AbortSignal) => Worker, clock: Clock, onEvent: OnEvent) {
    this.name = name
    this.#open = open
    this.#worker = worker
    this.#clock = clock
    this.#onEvent = onEvent
  }

  /** The source that is worked on, or the next one. Rejects where the place went to another process before. */
  async opened(): Promise<Source> {
    return (await this.#working.promise).source
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 1; !signal.aborted; failures++) {
      let worker: Worker | null = null
      try {
        const source = await this.#open()
        worker = this.#worker(source, signal)
        this.#working.resolve({ source, worker })
        return await worker.run(signal)
      } catch (error) {
        if (!(error instanceof EnvironmentError)) {
          this.#working.reject(error)
          throw error
        }
        if (worker !== null) this.#working = workingLater()
        if (worker?.hasWorked === true) failures = 1
        const nextInMs = backoffMs(retry, failures, 0)
        this.#onEvent({ event: 'problem', source: this.name, doing: worker === null ? 'taking over' : 'working', reason: error.message, nextInMs })
        await this.#clock.sleep(nextInMs, signal)
      }
    }
    this.#working.reject(new Error(`${this.name} was given up before it was taken over`))
  }

  /** Resolves when everything asked so far is done; rejects where another process took it over. */
  async idle(): Promise<void> {
    for (;;) {
      const { worker } = await this.#working.promise
      try {
        return await worker.idle()
      } catch (error) {
        if (!(error instanceof EnvironmentError)) throw error // another worker follows that one
      }
    }
  }
}

function workingLater(): PromiseWithResolvers<Working> {
  const working = Promise.withResolvers<Working>()
  working.promise.catch(() => undefined) // whoever needs the source hears of it
  return working
}
