import { setTimeout as delay } from 'node:timers/promises'
import type { Topic } from '../../schemas/wire/topics.ts'
import type { Owned, Share } from '../../src/ports/assignment.ts'

/** A share that a test changes; a process hears of it at once. */
export class HandShare implements Share {
  owned: Owned
  readonly graceMs: number
  readonly #topics: readonly Topic[]
  #next = Promise.withResolvers<Owned>()

  /** Of each topic the same partitions. */
  constructor(partitions: number[], graceMs = 0, topics: readonly Topic[] = ['raw']) {
    this.#topics = topics
    this.owned = this.#own(0, partitions)
    this.graceMs = graceMs
  }

  next(): Promise<Owned> {
    return this.#next.promise
  }

  async give(...partitions: number[]): Promise<void> {
    this.owned = this.#own(this.owned.generation + 1, partitions)
    const { resolve } = this.#next
    this.#next = Promise.withResolvers()
    resolve(this.owned)
    await delay(1)
  }

  expel(error: Error): void {
    this.#next.reject(error)
  }

  leave(): Promise<void> {
    return Promise.resolve()
  }

  #own(generation: number, partitions: number[]): Owned {
    return { generation, partitions: new Map(this.#topics.map((topic) => [topic, partitions])) }
  }
}
