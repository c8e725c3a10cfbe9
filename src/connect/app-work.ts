import type { Clock } from '../runtime/clock.ts'
import type { AppReader, AppSource } from './app-reader.ts'
import type { CommandBatch, CommandQueue } from './command-queue.ts'
import { Due } from './due.ts'
import type { OnEvent } from './events.ts'
import type { WriteExecutor } from './writes/executor.ts'
import { writesOf } from './writes/written-commands.ts'
import type { WebhookIntake } from './webhooks/intake.ts'
import { type Work, firstOf } from './worker.ts'

interface AppWorkOptions {
  app: AppSource
  reader: AppReader
  commands: CommandQueue
  writes: WriteExecutor
  /** null: the application sends no webhooks */
  webhooks: WebhookIntake | null
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
    if (!app.active || app.deliversOnly === true) {
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
    if (this.#options.app.active) await this.#options.writes.lookAgain()
    if (this.#options.app.active && (await this.#options.webhooks?.look()) === true && this.#options.app.deliversOnly !== true) this.#snapshot.now()
    // Where changes begin is noted before the first snapshot: one that comes in between is then seen twice, never missed.
    if (!this.#changesKnown) await this.#pollIfDue()
    if (this.#isDue(this.#snapshot)) await this.#run(new Map())
    await this.#pollIfDue()
  }

  async wait(signal: AbortSignal): Promise<void> {
    const { app, clock, commands, webhooks, writes } = this.#options
    const now = clock.monotonicMs()
    const ms = Math.min(this.#snapshot.waitMs(now), this.#changes.waitMs(now), app.active ? writes.waitMs() : Infinity, app.active ? (webhooks?.waitMs() ?? Infinity) : Infinity)
    const waits = [(over: AbortSignal) => commands.wait(over)]
    if (ms !== Infinity) waits.push((over) => clock.sleep(ms, over))
    await firstOf(waits, signal)
  }

  async isIdle(): Promise<boolean> {
    return this.#attempted && (await this.#options.commands.isDrained())
  }

  /** Writes first: what is taken away does not wait for what is read. */
  async #obey({ asked, deliveries, damaged, checkpoint: position }: CommandBatch): Promise<void> {
    const { app, reader, webhooks, writes, onEvent } = this.#options
    for (const reason of damaged) onEvent({ event: 'problem', source: this.name, doing: 'reading commands', reason, nextInMs: null })
    const toWrite = writesOf(asked)
    if (!app.active) {
      if (asked.length + deliveries.length > 0) onEvent({ event: 'problem', source: this.name, doing: 'obeying commands', reason: 'the application is paused', nextInMs: null })
      await reader.note(new Map<string, unknown>([...position, ...(await writes.refuse(toWrite, 'the application is paused'))]))
      return
    }
    const taken = await webhooks?.take(deliveries)
    const checkpoint = new Map<string, unknown>([...position, ...(await writes.obey(toWrite)), ...(taken?.checkpoint ?? [])])
    const told = asked.flatMap(({ command: { kind, account } }) => (kind === 'reread' && account !== null ? [account] : []))
    const accounts = [...told, ...(taken?.accounts ?? [])]
    const sync = app.deliversOnly !== true && (taken?.lost === true || asked.some(({ command }) => command.kind === 'sync'))
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
    else if (outcome === 'restarted') {
      // The next question only notes where changes begin: it comes before the snapshot that shows what was missed.
      this.#changes.now()
      this.#snapshot.now()
    } else if (outcome === 'done') this.#changes.done(started, clock.monotonicMs())
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
