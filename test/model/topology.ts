import type { Position } from '../../schemas/wire/common.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import { partitionOf } from '../../src/core/partition.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import { ProcessorDriver, type Output } from '../support/processor-driver.ts'

export type Input = 'intent' | 'raw' | 'facts'
export type Stages = { readonly [T in Input]: ProcessorType<T> }

export interface TopologyOptions {
  stages: Stages
  /** of each topic */
  partitions?: number
  /** chooses which task works next, how far each falls behind, and the rows of each slice */
  seed: number
  /** a new processor instance after every record and slice */
  reload?: boolean
}

interface Lane {
  readonly queue: RecordOf<Input>[]
  /** what was worked, by offset */
  readonly log: RecordOf<Input>[]
  /** how eagerly it is chosen: a task of small weight falls far behind */
  readonly weight: number
  work(record: RecordOf<Input>): Output[]
  lags(): boolean
}

const inputs: readonly Input[] = ['intent', 'raw', 'facts']
const weights = [1, 1, 1, 8, 0.02]

/**
 * The three stages over partitions that are queues: whatever one gives is appended to the next one's input at once, as a
 * transaction does. Between tasks any order may happen and the seed chooses it; within a partition order is kept.
 */
export class Topology {
  readonly partitions: number
  /** in the order of their making */
  readonly outputs: Output[] = []
  readonly #lanes: Readonly<Record<Input, readonly Lane[]>>
  readonly #random: () => number

  constructor({ stages, partitions = 2, seed, reload = false }: TopologyOptions) {
    this.partitions = partitions
    this.#random = randomOf(seed)
    const budgets = randomOf(seed + 1)
    const options = { partitions, reload, budget: () => 1 + Math.floor(budgets() * 5) }
    const lanesOf = <T extends Input>(type: ProcessorType<T>): Lane[] => Array.from({ length: partitions }, (_, partition) => {
      const driver = new ProcessorDriver(type, { ...options, partition })
      return { queue: [], log: [], weight: this.#pick(weights), work: (record) => driver.push(record as RecordOf<T>), lags: () => driver.lags }
    })
    this.#lanes = { intent: lanesOf(stages.intent), raw: lanesOf(stages.raw), facts: lanesOf(stages.facts) }
  }

  /** Appends to the partition that the key hashes to, or to each where it is null. */
  publish<T extends Input>(topic: T, key: string | null, record: RecordOf<T>): void {
    const lanes = this.#lanes[topic]
    const chosen = key === null ? lanes : [lanes[partitionOf(key, this.partitions)]!]
    for (const { queue } of chosen) queue.push(record)
  }

  /** Processes up to `records` records, each of whichever task has one. */
  work(records: number): void {
    for (let left = records; left > 0; left--) {
      const busy = inputs.flatMap((topic) => this.#lanes[topic].filter(({ queue }) => queue.length > 0))
      if (busy.length === 0) return
      this.#step(this.#weighted(busy))
    }
  }

  /** Until nothing is left to do. */
  drain(): void {
    this.work(Infinity)
  }

  recordAt({ topic, partition, offset }: Position): RecordOf<Input> | undefined {
    return this.#lanes[topic as Input][partition]?.log[offset]
  }

  #step(lane: Lane): void {
    const next = lane.queue.shift()!
    lane.log.push(next)
    for (const output of lane.work(next)) {
      this.outputs.push(output)
      const { topic, key, record } = output
      if (isInput(topic)) this.publish(topic, key, record as RecordOf<Input>)
    }
    // as the runtime does at the end of the log; what time it is has been told before
    if (lane.queue.length === 0 && lane.lags()) lane.queue.push({ type: 'Tick', at: 0 })
  }

  #weighted(lanes: readonly Lane[]): Lane {
    let at = this.#random() * lanes.reduce((sum, { weight }) => sum + weight, 0)
    for (const lane of lanes) if ((at -= lane.weight) < 0) return lane
    return lanes.at(-1)!
  }

  #pick<V>(values: readonly V[]): V {
    return values[Math.floor(this.#random() * values.length)]!
  }
}

const isInput = (topic: Topic): topic is Input => inputs.some((name) => name === topic)

/** Uniform in [0, 1), a fixed sequence for each seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
