import { setTimeout as sleep } from 'node:timers/promises'
import { errorType } from './error-type.ts'
import { Gaps } from './gaps.ts'
import { filterAborted, type Cluster, type PartitionResponse, type RawMessage } from './internals.ts'
import { askLeader } from './leader.ts'

export interface Fetched {
  /** committed records, in order */
  messages: RawMessage[]
  /** where to go on: everything before it was in this answer */
  next: number
  /** of what is visible, when the leader answered */
  end: number
  /** the leader refused the offset, which is further on than anything that it has */
  isBeyondEnd?: boolean
}

/**
 * How long a read waits for what is there, ms. What this process committed itself is not visible while another's open transaction stands before it:
 * whoever then reads nothing waits for the partition to grow; whoever has to know asks for the end. What a leader has told to be visible is read.
 */
const readWaitsMs = 10_000
const visiblePollMs = 3

export const placeOf = (topic: string, partition: number): string => `${topic}/${partition}`

/** Committed records of any partition from any offset, without a consumer group. Topics by their names on the brokers. */
export class Reader {
  readonly gaps = new Gaps()
  readonly #cluster: Cluster
  readonly #longestTransactionMs: number
  /** place -> the end that it has at least, since this process committed so much */
  readonly #committed = new Map<string, number>()
  /** place -> the furthest end that a leader has told, of what is visible */
  readonly #told = new Map<string, number>()
  /** place -> the last answer with records that came while it was waited for, until it is read past */
  readonly #heard = new Map<string, Fetched & { from: number }>()

  constructor(cluster: Cluster, longestTransactionMs: number) {
    this.#cluster = cluster
    this.#longestTransactionMs = longestTransactionMs
  }

  /** The brokers answer a commit before its records are visible: readers here wait for those. */
  noteCommitted(topic: string, partition: number, end: number): void {
    const place = placeOf(topic, partition)
    this.#committed.set(place, Math.max(end, this.#committed.get(place) ?? 0))
  }

  /** What a leader answered from `from` on to whoever waited for the place: what is committed stays so, and need not be asked for again. */
  hear(topic: string, partition: number, from: number, fetched: Fetched): void {
    this.#heard.set(placeOf(topic, partition), { ...fetched, from })
  }

  /**
   * Records from `offset` on, at least one if there is one; empty at the end. About `maxBytes`, but never less than one batch. Throws where a leader sends
   * nothing of what was told to be there: an answer without records is not the end (Kafka's LocalLog.read gives one where it knows the last stable offset
   * but not yet its place in a segment, KAFKA-16452; a new leader may not know yet how far it goes), and where it went on before to where it ends no more.
   */
  async read(topic: string, partition: number, offset: number, maxBytes: number): Promise<RawMessage[]> {
    const place = placeOf(topic, partition)
    const deadline = performance.now() + readWaitsMs
    for (let at = this.gaps.skip(place, offset); ; ) {
      const { messages, next, end, isBeyondEnd = false } = await this.fetch(topic, partition, at, maxBytes)
      const last = messages.at(-1)
      this.gaps.note(place, last === undefined ? at : Number(last.offset) + 1, next)
      if (last !== undefined) return messages
      if (next === at) {
        const told = this.#told.get(place) ?? 0
        if (isBeyondEnd && at <= told) throw new Error(`${place} ends at offset ${end}, though it went on to ${told} before: its topic was made anew, or the brokers lost what they had acknowledged`)
        const isLate = performance.now() > deadline
        if (at >= told && (isLate || at >= (this.#committed.get(place) ?? 0))) return []
        if (isLate) throw new Error(`${place} goes on to offset ${told}, but its leader has sent nothing from offset ${at} on for ${readWaitsMs / 1_000} s`)
        await sleep(visiblePollMs)
      }
      at = next
    }
  }

  /** One answer of the leader, if need be one that came to whoever waited. An offset that retention removed is taken for the first that is left. */
  async fetch(topic: string, partition: number, offset: number, maxBytes: number): Promise<Fetched> {
    const place = placeOf(topic, partition)
    const heard = this.#heardFrom(place, offset)
    if (heard !== null) return heard
    const fetched = await this.#ask(topic, partition, offset, maxBytes)
    this.#tell(place, fetched.end)
    return fetched
  }

  async #ask(topic: string, partition: number, offset: number, maxBytes: number): Promise<Fetched> {
    try {
      const response = await askLeader(this.#cluster, topic, partition, (broker) =>
        broker.fetch({ maxWaitTime: 0, minBytes: 1, maxBytes, topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes }] }] }),
      )
      return fetchedFrom(response.responses[0]?.partitions[0], offset)
    } catch (error) {
      if (errorType(error) !== 'OFFSET_OUT_OF_RANGE') throw error
      const [first, end] = [await this.#offset(topic, partition, true), await this.#offset(topic, partition, false)]
      return { messages: [], next: Math.max(first, offset), end, isBeyondEnd: end < offset }
    }
  }

  #tell(place: string, end: number): void {
    this.#told.set(place, Math.max(end, this.#told.get(place) ?? 0))
  }

  #heardFrom(place: string, at: number): Fetched | null {
    const heard = this.#heard.get(place)
    if (heard === undefined || at < heard.from) return null
    const messages = heard.messages.filter(({ offset }) => Number(offset) >= at)
    if (messages.length > 0) return { ...heard, messages }
    this.#heard.delete(place)
    return null
  }

  /** The end of what is visible, once everything is that this process committed. Throws where that takes longer than any transaction. */
  async end(topic: string, partition: number): Promise<number> {
    const place = placeOf(topic, partition)
    for (const deadline = performance.now() + this.#longestTransactionMs + readWaitsMs; ; await sleep(visiblePollMs)) {
      const end = await this.#offset(topic, partition, false)
      const committed = this.#committed.get(place) ?? 0
      if (end >= committed) {
        this.#tell(place, end)
        return end
      }
      if (performance.now() > deadline) throw new Error(`${place} is visible up to ${end} only, though this process committed up to ${committed}: a transaction before it does not end, or its topic was made anew`)
    }
  }

  async #offset(topic: string, partition: number, fromBeginning: boolean): Promise<number> {
    const answer = await askLeader(this.#cluster, topic, partition, () => this.#cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning }]))
    return Number(answer[0]?.partitions[0]?.offset)
  }
}

/** What is visible of an answer; whole batches are sent, so records before `offset` may be among them. */
export function fetchedFrom(response: PartitionResponse | undefined, offset: number): Fetched {
  if (response === undefined) return { messages: [], next: offset, end: offset }
  const messages = response.messages.filter((message) => Number(message.offset) >= offset)
  const last = messages.at(-1)
  const { abortedTransactions, lastStableOffset } = response
  return {
    messages: filterAborted({ messages, abortedTransactions }).filter(({ isControlRecord }) => !isControlRecord),
    next: last === undefined ? offset : Number(last.offset) + 1,
    end: Number(lastStableOffset),
  }
}
