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

/** Whoever waits for a partition to grow: one request for all of them is always under way. */
export class Tail {
  readonly #cluster: Cluster
  readonly #reader: Reader
  readonly #waiters = new Set<Waiter>()
  #polling = false
  #closed = false

  constructor(cluster: Cluster, reader: Reader) {
    this.#cluster = cluster
    this.#reader = reader
  }

  /** Resolves when the place may hold a record at or after `offset`, when the signal aborts, or at `close`. */
  wait(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const waiter: Waiter = { topic, partition, offset, wake }
      this.#waiters.add(waiter)
      signal.addEventListener('abort', wake)
      if (!this.#polling) void this.#poll()
    })
  }

  close(): void {
    this.#closed = true
    for (const waiter of [...this.#waiters]) waiter.wake()
  }

  async #poll(): Promise<void> {
    this.#polling = true
    while (this.#waiters.size > 0) {
      try {
        await Promise.all([...this.#byLeader()].map(([nodeId, waiters]) => this.#ask(nodeId, waiters)))
      } catch (error) {
        // whoever waits reads when the partition can be read again: it is not told of this
        await sleep(retryMs)
        if (!this.#closed) await renew(this.#cluster, error)
      }
    }
    this.#polling = false
  }

  #byLeader(): Map<number, Waiter[]> {
    const groups = new Map<number, Waiter[]>()
    for (const waiter of this.#waiters) {
      const leader = leaderOf(this.#cluster, waiter.topic, waiter.partition)
      groups.set(leader, [...(groups.get(leader) ?? []), waiter])
    }
    return groups
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
