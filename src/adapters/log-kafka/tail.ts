import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './internals.ts'
import { leaderOf, renew } from './leader.ts'
import { fetchedFrom, placeOf, type Reader } from './reader.ts'

interface Waiter {
  topic: string
  partition: number
  offset: number
  wake: () => void
}

/** The broker answers as soon as one of the places has more, or after this long, ms; a waiter that comes meanwhile waits as long. */
const longPollMs = 50
const retryMs = 250
/** mostly all that there is, since whoever waits has read everything before */
const peekBytes = 16 * 1024

/** of places that have no leader now: no broker has it */
const noLeader = -1

/**
 * Whoever waits for a partition to grow: one request to each of their leaders is always under way. What one leader does not answer, or answers with an
 * error, is nothing to those who wait for another.
 */
export class Tail {
  readonly #cluster: Cluster
  readonly #reader: Reader
  /** leader -> who waits for it, for as long as it is asked */
  readonly #waiters = new Map<number, Set<Waiter>>()
  #closed = false

  constructor(cluster: Cluster, reader: Reader) {
    this.#cluster = cluster
    this.#reader = reader
  }

  /** Resolves when the place may hold a record at or after `offset`, when it can't be told whether it does, when the signal aborts, or at `close`. */
  wait(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const nodeId = this.#leaderOf(topic, partition)
      const waiters = this.#waiters.get(nodeId) ?? new Set()
      const wake = (): void => {
        waiters.delete(waiter)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const waiter: Waiter = { topic, partition, offset, wake }
      waiters.add(waiter)
      signal.addEventListener('abort', wake)
      if (!this.#waiters.has(nodeId)) void this.#poll(nodeId, waiters)
    })
  }

  close(): void {
    this.#closed = true
    for (const waiters of this.#waiters.values()) wakeAll(waiters)
  }

  #leaderOf(topic: string, partition: number): number {
    try {
      return leaderOf(this.#cluster, topic, partition)
    } catch {
      return noLeader
    }
  }

  /** Until nobody waits for this leader any more. */
  async #poll(nodeId: number, waiters: Set<Waiter>): Promise<void> {
    this.#waiters.set(nodeId, waiters)
    while (waiters.size > 0) {
      const asking = [...waiters]
      try {
        await this.#ask(nodeId, asking)
      } catch (error) {
        await sleep(retryMs)
        if (!this.#closed) await renew(this.#cluster, error)
        // reading says what is wrong, and whoever then waits again does so where the leader is now
        wakeAll(asking)
      }
    }
    this.#waiters.delete(nodeId)
  }

  async #ask(nodeId: number, waiters: readonly Waiter[]): Promise<void> {
    const from = new Map<string, { topic: string; partition: number; offset: number }>()
    for (const { topic, partition, offset } of waiters) {
      const place = placeOf(topic, partition)
      const at = this.#reader.gaps.skip(place, offset)
      from.set(place, { topic, partition, offset: Math.min(at, from.get(place)?.offset ?? Infinity) })
    }
    const broker = await this.#cluster.findBroker({ nodeId })
    const topics = [...from.values()].map(({ topic, partition, offset }) => ({ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: peekBytes }] }))
    const { responses } = await broker.fetch({ maxWaitTime: longPollMs, minBytes: 1, maxBytes: peekBytes * 4, topics })
    for (const { topicName, partitions } of responses) {
      for (const response of partitions) {
        const place = placeOf(topicName, response.partition)
        const offset = from.get(place)?.offset
        if (offset === undefined) continue
        const fetched = fetchedFrom(response, offset)
        const { messages, next } = fetched
        if (messages.length === 0) this.#reader.gaps.note(place, offset, next)
        else this.#reader.hear(topicName, response.partition, offset, fetched)
        // nothing was sent though there is more: other places took the room
        const hasMore = messages.length > 0 || (next === offset && Number(response.lastStableOffset) > offset)
        if (!hasMore) continue
        for (const waiter of waiters) if (waiter.topic === topicName && waiter.partition === response.partition) waiter.wake()
      }
    }
  }
}

function wakeAll(waiters: Iterable<Waiter>): void {
  for (const { wake } of [...waiters]) wake()
}
