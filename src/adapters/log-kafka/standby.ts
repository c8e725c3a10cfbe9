import { reach } from '../../core/fault.ts'
import { reasonOf } from '../../core/reason.ts'
import { pause } from '../../runtime/pause.ts'
import type { StateTable } from '../log-embedded/state-table.ts'
import { BrokersClock } from './brokers-clock.ts'
import { changesOf, type RestoreProgress } from './changelog.ts'
import type { LogLine } from './client.ts'
import type { RawMessage } from './internals.ts'
import type { Reader } from './reader.ts'
import { isFresh, type Mark, type StateCache } from './state-cache.ts'
import type { Tail } from './tail.ts'
import type { Changelog } from './topics.ts'

export interface StandbyParts {
  cache: Pick<StateCache, 'task' | 'wipe' | 'apply'>
  reader: Pick<Reader, 'fetch' | 'end'>
  tail: Pick<Tail, 'wait'>
  deleteRetentionMs: number
  /** after each answer; `rows`: since this process follows the task */
  onProgress: (progress: RestoreProgress) => void
  log: LogLine
}

interface Copy {
  table: StateTable
  /** null: it has to be made anew */
  mark: Mark | null
}

/** One task that this process does not hold. */
interface Follower {
  changelog: Changelog
  left: AbortController
  /** null until it is asked for */
  copy: Copy | null
  /** of the local copy, under way */
  writing: Promise<unknown>
  ended: Promise<void>
  rows: number
}

/** Of one answer, packed; never less than a batch. */
const fetchBytes = 256 * 1024
/** Rows that are written at once: for so many may a commit of this process's own have to wait. */
const pieceRows = 1_000
/** A changelog that was read to its end and goes on is left alone for so long, ms. */
const restMs = 1_000
const retryMs = 2_000
const openingPollMs = 50
/** How often a copy that is far behind is told of, ms. */
const tellMs = 10_000

/**
 * Keeps the local copies of the states that other processes own, so that taking one over is reading what came last. One changelog is read
 * at a time, never while this process opens a task of its own, and for at most half of the time. A failure costs nothing but age.
 */
export class Standby {
  readonly #parts: StandbyParts
  readonly #changelogs: ReadonlyMap<string, Changelog>
  readonly #followers = new Map<string, Follower>()
  /** by task, how many have it or are about to; their commits write the copy */
  readonly #holders = new Map<string, number>()
  #openings = 0
  readonly #clock = new BrokersClock()
  readonly #stopping = new AbortController()
  #begun = false
  #turn: Promise<unknown> = Promise.resolve()
  #inTrouble = false

  /** `changelogs`: of the tasks to follow, by their ids. Nothing is followed before the first `told`. */
  constructor(parts: StandbyParts, changelogs: ReadonlyMap<string, Changelog>) {
    this.#parts = parts
    this.#changelogs = changelogs
  }

  /** Resolves when nothing writes the copy of the task any more, until what it resolves with is called. */
  async hold(id: string): Promise<() => void> {
    this.#holders.set(id, (this.#holders.get(id) ?? 0) + 1)
    const follower = this.#followers.get(id)
    this.#followers.delete(id)
    follower?.left.abort()
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      this.#holders.set(id, this.#holders.get(id)! - 1)
      this.#start(id)
    }
    await follower?.writing.catch(() => undefined)
    return release
  }

  /** Nothing is read until `opening` has settled. */
  async after<T>(opening: Promise<T>): Promise<T> {
    this.#openings++
    try {
      return await opening
    } finally {
      this.#openings--
    }
  }

  /** What the brokers' clock said just now, ms. */
  told(ms: number): void {
    this.#clock.told(ms)
    if (this.#begun) return
    this.#begun = true
    for (const id of this.#changelogs.keys()) this.#start(id)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    const followers = [...this.#followers.values()]
    for (const { left } of followers) left.abort()
    await Promise.all(followers.map(({ ended }) => ended))
    await this.#turn
  }

  #start(id: string): void {
    const changelog = this.#changelogs.get(id)
    if (changelog === undefined || !this.#begun || this.#stopping.signal.aborted || (this.#holders.get(id) ?? 0) > 0) return
    const follower: Follower = { changelog, left: new AbortController(), copy: null, writing: Promise.resolve(), ended: Promise.resolve(), rows: 0 }
    this.#followers.set(id, follower)
    follower.ended = this.#follow(id, follower)
  }

  async #follow(id: string, follower: Follower): Promise<void> {
    const { tail, log } = this.#parts
    const { changelog: { topic, partition }, left: { signal } } = follower
    let toldAtMs = performance.now()
    while (!signal.aborted) {
      try {
        const before = follower.copy?.mark?.offset
        const behind = await this.#inTurn(signal, () => this.#step(id, follower))
        if (behind > 0) {
          // nothing was sent though there is more: whoever waits for the end may not hear of it
          if (follower.copy?.mark?.offset === before) await pause(restMs, signal)
          if (performance.now() - toldAtMs < tellMs) continue
          log('info', `the standby copy of ${id} is ${behind} messages behind`, { rows: follower.rows })
          toldAtMs = performance.now()
          continue
        }
        await tail.wait(topic, partition, follower.copy?.mark?.offset ?? 0, signal)
        await pause(restMs, signal)
      } catch (error) {
        this.#failed(error)
        follower.copy = null
        await pause(retryMs, signal)
      }
    }
  }

  /** One answer of the changelog's leader, written. Resolves with how many messages are left. */
  async #step(id: string, follower: Follower): Promise<number> {
    const { cache, reader, deleteRetentionMs, onProgress } = this.#parts
    const { changelog: { topic, partition }, left: { signal } } = follower
    const copy = (follower.copy ??= await written(follower, () => cache.task(id, `${topic}/${partition}`)))
    if (copy.mark === null) {
      if (signal.aborted) return 0
      await written(follower, () => cache.wipe(id))
      copy.mark = { offset: 0, atMs: this.#clock.nowMs() }
    }
    const { offset } = copy.mark
    const { messages, next, end } = await reader.fetch(topic, partition, offset, fetchBytes)
    // a mark beyond the end is of another changelog; a new leader may not know yet how far it goes, but says so when it is asked
    const isOther = end < offset && (await reader.end(topic, partition)) < offset
    if (signal.aborted) return 0
    if (isOther || !isFresh(copy.mark, this.#clock.nowMs(), deleteRetentionMs)) {
      copy.mark = null
      return 1
    }
    if (next > offset) await this.#write(id, follower, copy, messages, next)
    this.#works()
    onProgress({ task: id, offset: next, end, rows: follower.rows })
    return Math.max(0, end - next)
  }

  async #write(id: string, follower: Follower, copy: Copy, messages: readonly RawMessage[], next: number): Promise<void> {
    const changes = changesOf(messages, id)
    const mark = { offset: next, atMs: Math.max(copy.mark?.atMs ?? 0, Number(messages.at(-1)?.timestamp ?? 0)) }
    for (let first = 0; first === 0 || first < changes.length; first += pieceRows) {
      if (follower.left.signal.aborted) return
      const piece = changes.slice(first, first + pieceRows)
      const isLast = first + pieceRows >= changes.length
      await written(follower, () => this.#parts.cache.apply(id, copy.table, piece, isLast ? mark : null))
      follower.rows += piece.length
      reach('kafka.mid-standby')
    }
    copy.mark = mark
  }

  /** One at a time, and after each a rest as long as it took. */
  async #inTurn(signal: AbortSignal, step: () => Promise<number>): Promise<number> {
    const turn = this.#turn.then(async () => {
      while (this.#openings > 0 && !signal.aborted) await pause(openingPollMs, signal)
      if (signal.aborted) return 0
      const began = performance.now()
      try {
        return await step()
      } finally {
        await pause(performance.now() - began, this.#stopping.signal)
      }
    })
    this.#turn = turn.catch(() => undefined)
    return await turn
  }

  #failed(error: unknown): void {
    if (this.#inTrouble || this.#stopping.signal.aborted) return
    this.#inTrouble = true
    this.#parts.log('warn', `standby copies of states fall behind: ${reasonOf(error)}; tries again`, {})
  }

  #works(): void {
    if (!this.#inTrouble) return
    this.#inTrouble = false
    this.#parts.log('info', 'standby copies of states go on', {})
  }
}

/** A change of the local copy, which whoever takes the task over waits for. */
function written<T>(follower: Follower, write: () => Promise<T>): Promise<T> {
  const writing = write()
  follower.writing = writing
  return writing
}
