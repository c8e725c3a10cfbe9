import type { Clock } from '../runtime/clock.ts'
import type { AppReader, AppSource } from './app-reader.ts'
import type { CommandBatch, CommandQueue } from './command-queue.ts'
import { Due } from './due.ts'
import type { OnEvent } from './events.ts'
import { type Work, firstOf } from './worker.ts'

export interface AppWorkOptions {
  app: AppSource
  reader: AppReader
  commands: CommandQueue
  clock: Clock
  random: () => number
  onEvent: OnEvent
}

/** What one application asks for, in this order: commands, its snapshot when due, what changed. */
export class AppWork implements Work {
  readonly name: string
  readonly #options: AppWorkOptions
  readonly #snapshot: Due
  readonly #changes: Due
  #attempted = false
  #changesKnown = false

  constructor(options: AppWorkOptions) {
    const { app, random } = options
    this.name = app.name
    this.#options = options
    this.#snapshot = new Due(app.everySeconds * 1_000, random)
    this.#changes = new Due(app.changesEverySeconds * 1_000, random)
    if (!app.active) {
      this.#snapshot.never()
      this.#changes.never()
      this.#attempted = true
    }
  }

  async step(): Promise<void> {
    const { commands } = this.#options
    for (;;) {
      const from = commands.position
      const batch = await commands.next()
      if (batch === null) break
      try {
        await this.#obey(batch)
      } catch (error) {
        commands.rewind(from)
        throw error
      }
    }
    // Where changes begin is noted before the first snapshot: one that comes in between is then seen twice, never missed.
    if (!this.#changesKnown) await this.#pollIfDue()
    if (this.#isDue(this.#snapshot)) await this.#run(new Map())
    await this.#pollIfDue()
  }

  async wait(signal: AbortSignal): Promise<void> {
    const { clock, commands } = this.#options
    const now = clock.monotonicMs()
    const ms = Math.min(this.#snapshot.waitMs(now), this.#changes.waitMs(now))
    const waits = [(over: AbortSignal) => commands.wait(over)]
    if (ms !== Infinity) waits.push((over) => clock.sleep(ms, over))
    await firstOf(waits, signal)
  }

  async isIdle(): Promise<boolean> {
    return this.#attempted && (await this.#options.commands.isDrained())
  }

  async #obey({ commands, damaged, checkpoint }: CommandBatch): Promise<void> {
    const { app, reader, onEvent } = this.#options
    for (const reason of damaged) onEvent({ event: 'problem', source: this.name, doing: 'reading commands', reason, nextInMs: null })
    if (!app.active) {
      if (commands.length > 0) onEvent({ event: 'problem', source: this.name, doing: 'obeying commands', reason: 'the application is paused', nextInMs: null })
      await reader.note(checkpoint)
      return
    }
    const accounts = commands.flatMap(({ kind, account }) => (kind === 'reread' && account !== null ? [account] : []))
    const sync = commands.some(({ kind }) => kind === 'sync')
    if (accounts.length > 0) await reader.reread(accounts, sync ? new Map() : checkpoint)
    else if (!sync) await reader.note(checkpoint)
    if (sync) await this.#run(checkpoint)
  }

  async #run(checkpoint: ReadonlyMap<string, unknown>): Promise<void> {
    const { clock, reader, onEvent } = this.#options
    const started = clock.monotonicMs()
    const result = await reader.snapshot(checkpoint)
    const now = clock.monotonicMs()
    const nextInMs = result.error === null ? this.#snapshot.done(started, now) : this.#snapshot.failed(now)
    this.#attempted = true
    onEvent({ event: 'run', source: this.name, result, nextInMs })
  }

  async #pollIfDue(): Promise<void> {
    if (!this.#isDue(this.#changes)) return
    const { clock, reader, onEvent } = this.#options
    const started = clock.monotonicMs()
    const outcome = await reader.pollChanges()
    if (outcome === 'unable') this.#changes.never()
    else if (outcome === 'done') this.#changes.done(started, clock.monotonicMs())
    else {
      const nextInMs = this.#changes.failed(clock.monotonicMs())
      onEvent({ event: 'problem', source: this.name, doing: 'asking for changes', reason: outcome.message, nextInMs })
    }
    this.#changesKnown = outcome === 'done' || outcome === 'unable'
  }

  #isDue(due: Due): boolean {
    return due.waitMs(this.#options.clock.monotonicMs()) === 0
  }
}
