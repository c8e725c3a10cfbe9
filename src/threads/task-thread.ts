import { extname } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { MeasuredCommit } from '../observe/measured-log.ts'
import type { Look, Part } from '../runtime/drained.ts'
import type { PipelineProgress } from '../runtime/pipeline.ts'
import type { Answers, Asked, Question, ThreadOrders, Told } from './messages.ts'
import type { Hearers } from './open-pipeline.ts'

/** So many threads, each of them this module, which calls `serveTasks`. */
export interface Threads {
  count: number
  entry: URL
}

export const threadEntry = new URL(`entry${extname(import.meta.url)}`, import.meta.url)

type ThreadHearers = Hearers & { onCommit: (commit: MeasuredCommit) => void }

/** More than any machine has, MB. */
const noLimit = 16 * 1024 * 1024

/**
 * A thread whose heap is full is ended by Node wherever it is, in the midst of a commit too, and LMDB commits the part that is written. So threads have no
 * limit of their own, whatever `--max-old-space-size` says of the main one: where the machine has no more memory, the system ends the process, at once and whole.
 */
export function tasksInThreads({ count, entry }: Threads, orders: Omit<ThreadOrders, 'thread' | 'threads'>, hears: ThreadHearers): TaskThread[] {
  setFlagsFromString(`--max-old-space-size=${noLimit}`)
  return Array.from({ length: count }, (_, thread) => new TaskThread(entry, { ...orders, thread, threads: count }, hears))
}

/** A share of the tasks, in a thread of its own, on the log that this process has open. */
export class TaskThread implements Part {
  readonly #name: string
  readonly #worker: Worker
  readonly #hears: ThreadHearers
  readonly #asked = new Map<number, PromiseWithResolvers<Answers[Asked]>>()
  readonly #ended: Promise<void>
  #questions = 0
  #stopping = false
  #death: Error | null = null

  constructor(entry: URL, orders: ThreadOrders, hears: ThreadHearers) {
    this.#name = `thread ${orders.thread} of the tasks`
    this.#hears = hears
    this.#worker = new Worker(entry, { workerData: orders, name: this.#name })
    this.#worker.on('message', (told: Told) => this.#hear(told))
    this.#worker.on('error', (error) => this.#died(error instanceof Error ? error : new Error(String(error))))
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        if (!this.#stopping) this.#died(new Error(`it ended with ${code}`))
        resolve()
      })
    })
  }

  look(): Promise<Look> {
    return this.#ask('look')
  }

  hurry(ms: number): void {
    this.#ask('hurry', ms).catch(() => undefined) // whoever looks hears of it
  }

  async changed(since: number): Promise<void> {
    await this.#ask('changed', since)
  }

  progress(): Promise<PipelineProgress[]> {
    return this.#ask('progress')
  }

  /** Each task commits what it has in hand and ends. Resolves when the thread has ended. */
  async stop(): Promise<void> {
    if (this.#death === null && !this.#stopping) {
      const stopped = this.#ask('stop')
      this.#stopping = true
      await stopped
    }
    await this.#ended
  }

  async #ask<A extends Asked>(ask: A, about = 0): Promise<Answers[A]> {
    if (this.#death !== null) throw this.#death
    const answer = Promise.withResolvers<Answers[Asked]>()
    const number = this.#questions++
    this.#asked.set(number, answer)
    this.#worker.postMessage({ number, ask, about } satisfies Question)
    return (await answer.promise) as Answers[A]
  }

  #hear(told: Told): void {
    if (told.tell === 'commit') return this.#hears.onCommit(told.commit)
    if (told.tell === 'trouble') return this.#hears.onTrouble(told.what)
    if (told.tell === 'failed') return this.#hears.onFailed(told.task, new Error(told.reason))
    const answer = this.#asked.get(told.number)
    this.#asked.delete(told.number)
    if (told.tell === 'answer') answer?.resolve(told.value)
    else answer?.reject(new Error(told.reason))
  }

  #died(error: Error): void {
    if (this.#death !== null) return
    this.#death = new Error(`${this.#name} died: ${error.message}`, { cause: error })
    for (const { reject } of this.#asked.values()) reject(this.#death)
    this.#asked.clear()
    this.#hears.onFailed(this.#name, error)
  }
}
