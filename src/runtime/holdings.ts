import type { Owned, Share } from '../ports/assignment.ts'

/** Work that belongs to a place and runs for as long as this process owns it. */
export interface Holding {
  /** Resolves after the signal aborted; rejects where it can't go on. */
  run(signal: AbortSignal): Promise<void>
}

export interface Planned<H extends Holding> {
  /** the same name stands for the same work */
  name: string
  create: () => H
}

interface HoldingsOptions<H extends Holding> {
  share: Share
  plan: (owned: Owned) => readonly Planned<H>[]
  /** another owner took the place over */
  isFence: (error: unknown) => boolean
  /** work that ended with an error, while its place is this process's; the rest runs on */
  onFailed: (holding: H, error: unknown) => void
  /** this process can't take part any more: nothing new will be given to it */
  onLost: (error: unknown) => void
}

interface Entry<H> {
  holding: H
  controller: AbortController
  ended: Promise<void>
}

/**
 * Runs what the places of this process ask for: starts what is new, ends what went to others. A fence may come before the news
 * that the place is another's, so it is an error only where no such news follows.
 */
export class Holdings<H extends Holding> {
  readonly #options: HoldingsOptions<H>
  readonly #entries = new Map<string, Entry<H>>()
  /** ending still, though the place is no longer ours; the same work does not begin again before */
  readonly #leaving = new Map<string, Promise<void>>()
  #generation = -1
  #stopped = false
  /** while places were taken over that no assignment explains yet */
  #unexplained: PromiseWithResolvers<null> | null = null

  constructor(options: HoldingsOptions<H>) {
    this.#options = options
    this.#apply(options.share.owned)
    void this.#follow()
  }

  /** What runs, has failed or was stopped: what this process answers for. */
  get current(): H[] {
    return [...this.#entries.values()].map(({ holding }) => holding)
  }

  find(name: string): H | undefined {
    return this.#entries.get(name)?.holding
  }

  /** No place is in doubt: each one that was taken over went to another process, or is worked on here again. */
  get isExplained(): boolean {
    return this.#unexplained === null
  }

  /** Resolves when it is so, and where all is stopped; rejects where a place was taken over and stays this process's. */
  async explained(): Promise<void> {
    await this.#unexplained?.promise
  }

  /** Resolves when all has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#noDoubt()
    for (const { controller } of this.#entries.values()) controller.abort()
    await Promise.all([...[...this.#entries.values()].map(({ ended }) => ended), ...this.#leaving.values()])
  }

  async #follow(): Promise<void> {
    try {
      for (;;) {
        const owned = await this.#options.share.next(this.#generation)
        if (this.#stopped) return
        this.#apply(owned)
      }
    } catch (error) {
      if (!this.#stopped) this.#options.onLost(error)
    }
  }

  #apply(owned: Owned): void {
    this.#generation = owned.generation
    const plan = this.#options.plan(owned)
    const names = new Set(plan.map(({ name }) => name))
    for (const [name, entry] of this.#entries) {
      if (names.has(name)) continue
      this.#entries.delete(name)
      entry.controller.abort()
      const left = entry.ended.then(() => {
        if (this.#leaving.get(name) === left) this.#leaving.delete(name)
      })
      this.#leaving.set(name, left)
    }
    for (const planned of plan) if (!this.#entries.has(planned.name)) this.#start(planned)
    this.#noDoubt()
  }

  #noDoubt(): void {
    this.#unexplained?.resolve(null)
    this.#unexplained = null
  }

  #start({ name, create }: Planned<H>): void {
    const entry: Entry<H> = { holding: create(), controller: new AbortController(), ended: Promise.resolve() }
    this.#entries.set(name, entry)
    entry.ended = this.#run(name, entry)
  }

  async #run(name: string, entry: Entry<H>): Promise<void> {
    const { signal } = entry.controller
    try {
      const before = this.#leaving.get(name)
      if (before !== undefined) await before
      if (!signal.aborted) await entry.holding.run(signal)
    } catch (error) {
      // of what was told to end, nobody needs to know how it did
      if (!signal.aborted) this.#failed(name, entry, error)
    }
  }

  #failed(name: string, entry: Entry<H>, error: unknown): void {
    const { share, isFence, onFailed } = this.#options
    if (!isFence(error) || share.graceMs === 0) return onFailed(entry.holding, error)
    const generation = this.#generation
    this.#entries.delete(name)
    const doubt = (this.#unexplained ??= Promise.withResolvers<null>())
    doubt.promise.catch(() => undefined) // whoever waits hears of it; nobody has to
    const timer = setTimeout(() => {
      if (this.#stopped || this.#generation !== generation) return
      onFailed(entry.holding, error)
      doubt.reject(error)
    }, share.graceMs)
    timer.unref()
  }
}
