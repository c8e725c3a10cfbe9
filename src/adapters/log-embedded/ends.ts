import { BroadcastChannel } from 'node:worker_threads'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { compareKeys } from '../../core/order.ts'
import { Waiters } from './waiters.ts'

/** What the threads of a process that have one log open know in common. */
export interface SharedEnds {
  cells: SharedArrayBuffer
  /** where they tell each other that partitions grew */
  channel: string
}

/** The first cell counts commits; the others hold ends. */
const COMMITS = 0
const FIRST_PLACE = 1

/** Where each partition ends: what has been acknowledged, of which a reader must not see more. */
export class Ends {
  readonly #cells: BigInt64Array
  readonly #places = new Map<string, number>()
  readonly #waiters = new Waiters()
  #channel: BroadcastChannel | null = null
  #seenCommits = 0n

  /** `shared`: of the thread that opened the log first; without it this is that one. */
  constructor(partitions: Readonly<Record<Topic, number>>, shared?: SharedEnds) {
    for (const topic of Object.keys(partitions).sort(compareKeys)) {
      for (let partition = 0; partition < partitions[topic as Topic]; partition++) this.#places.set(`${topic} ${partition}`, FIRST_PLACE + this.#places.size)
    }
    const bytes = (FIRST_PLACE + this.#places.size) * BigInt64Array.BYTES_PER_ELEMENT
    this.#cells = new BigInt64Array(shared?.cells ?? new SharedArrayBuffer(bytes))
    if (this.#cells.byteLength !== bytes) throw new Error('the log was opened with other partitions in another thread')
    if (shared !== undefined) this.#join(shared.channel)
  }

  /** From here on other threads may join. */
  share(channel: string): SharedEnds {
    if (this.#channel === null) this.#join(channel)
    return { cells: this.#cells.buffer as SharedArrayBuffer, channel }
  }

  has(topic: string, partition: number): boolean {
    return this.#places.has(`${topic} ${partition}`)
  }

  get(topic: Topic, partition: number): number {
    return Number(Atomics.load(this.#cells, this.#places.get(`${topic} ${partition}`)!))
  }

  /** A commit was acknowledged, after which these partitions end there or later: whoever waits for one hears of it, in every thread. */
  raise(grown: Iterable<{ topic: Topic; partition: number; end: number }>): void {
    const places: [Topic, number][] = []
    // before the ends: who sees one of them has news to take, so that it does not read by a view that is older
    Atomics.add(this.#cells, COMMITS, 1n)
    for (const { topic, partition, end } of grown) {
      this.#raise(this.#places.get(`${topic} ${partition}`)!, BigInt(end))
      places.push([topic, partition])
    }
    this.#wake(places)
    if (places.length > 0) this.#channel?.postMessage(places)
  }

  /** Whether a commit was acknowledged, in any thread, since this was asked last. */
  takeNews(): boolean {
    const commits = Atomics.load(this.#cells, COMMITS)
    if (commits === this.#seenCommits) return false
    this.#seenCommits = commits
    return true
  }

  wait(topic: Topic, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    return this.#waiters.wait(topic, partition, offset, signal)
  }

  close(): void {
    this.#channel?.close()
    this.#waiters.wakeAll()
  }

  #join(name: string): void {
    const channel = new BroadcastChannel(name)
    channel.onmessage = (message) => this.#wake((message as { data: [Topic, number][] }).data)
    channel.unref()
    this.#channel = channel
  }

  #wake(places: readonly [Topic, number][]): void {
    for (const [topic, partition] of places) this.#waiters.grew(topic, partition, this.get(topic, partition))
  }

  #raise(place: number, end: bigint): void {
    for (let known = Atomics.load(this.#cells, place); known < end; ) {
      const found = Atomics.compareExchange(this.#cells, place, known, end)
      if (found === known) return
      known = found
    }
  }
}
