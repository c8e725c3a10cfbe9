import type { FeedConfig } from '../../schemas/config.ts'
import type { Clock } from '../runtime/clock.ts'
import { Due } from './due.ts'
import type { OnEvent } from './events.ts'
import type { RunResult } from './run-result.ts'
import type { Work } from './worker.ts'

const longestWaitMs = 86_400_000

interface FeedWorkOptions {
  name: string
  feed: Pick<FeedConfig, 'path' | 'everySeconds'>
  run(): Promise<RunResult>
  clock: Clock
  random: () => number
  onEvent: OnEvent
}

/** A feed's file, read again and again; a feed without a file has nothing to do. */
export class FeedWork implements Work {
  readonly name: string
  readonly #options: FeedWorkOptions
  readonly #due: Due
  #attempted: boolean

  constructor(options: FeedWorkOptions) {
    this.name = options.name
    this.#options = options
    this.#due = new Due(options.feed.everySeconds * 1_000, options.random)
    this.#attempted = options.feed.path === null
    if (options.feed.path === null) this.#due.never()
  }

  async step(): Promise<void> {
    const { clock, onEvent } = this.#options
    const started = clock.monotonicMs()
    if (this.#due.waitMs(started) > 0) return
    const result = await this.#options.run()
    const now = clock.monotonicMs()
    const nextInMs = result.error === null ? this.#due.done(started, now) : this.#due.failed(now)
    this.#attempted = true
    onEvent({ event: 'run', source: this.name, result, nextInMs })
  }

  async wait(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const ms = this.#due.waitMs(clock.monotonicMs())
    // Without a file there is nothing to wait for but the end: any long time will do, the worker asks again.
    await clock.sleep(Math.min(ms, longestWaitMs), signal)
  }

  isIdle(): Promise<boolean> {
    return Promise.resolve(this.#attempted)
  }
}
