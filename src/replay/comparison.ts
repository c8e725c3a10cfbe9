import type { Position } from '../../schemas/wire/common.ts'
import type { AnyRecord, Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import type { Append, Log } from '../ports/log.ts'
import { RecordReader } from '../runtime/records.ts'
import { causeOf, comparePositions, firstField, short, type Difference } from './difference.ts'
import type { Recorded, RecordedLane } from './recorded-lane.ts'

export interface ComparisonOptions {
  log: Log
  codec: Codec
  outputs: readonly Topic[]
  lane: (topic: Topic, partition: number) => RecordedLane
  /** whether a derived record is compared at all: the same question that the lanes ask of recorded ones */
  isWanted: (record: AnyRecord) => boolean
  /** the record whose slices were not all committed yet: what it gives may be recorded in part; null where there is none */
  unfinished: { offset: number; index: number } | null
}

interface Lane {
  recorded: RecordedLane
  derived: RecordReader<Topic>
}

/** What one task gives again against what is recorded of it, lane by lane (a lane: one partition of one output topic). */
export class Comparison {
  readonly #options: ComparisonOptions
  readonly #lanes = new Map<string, Lane>()
  #compared = 0
  #difference: Difference | null = null

  constructor(options: ComparisonOptions) {
    this.#options = options
  }

  /** records found equal */
  get compared(): number {
    return this.#compared
  }

  /** the first one */
  get difference(): Difference | null {
    return this.#difference
  }

  /** Messages that the re-run would have written. False once something is different. */
  async take(appends: readonly Append[]): Promise<boolean> {
    for (const { topic, partition, key, timestamp, value } of appends) {
      const lane = this.#lane(topic, partition)
      for (const { record, error } of lane.derived.read({ offset: -1, key, timestamp, value })) {
        if (record === null) throw new Error(`${topic}/${partition}: what was just written can't be read: ${error}`)
        if (!this.#options.isWanted(record)) continue
        this.#difference = await this.#compare(topic, partition, lane.recorded, record)
        if (this.#difference !== null) return false
      }
    }
    return true
  }

  /** After the last of them: nothing else may be recorded. */
  async finish(): Promise<void> {
    const { log, outputs } = this.#options
    for (const topic of outputs) {
      for (let partition = 0; partition < log.partitions[topic]; partition++) {
        const { recorded } = this.#lane(topic, partition)
        const left = await recorded.peek()
        if (left === null) continue
        this.#difference ??= { kind: 'extra', at: left.position, field: null, recorded: short(left.record), derived: null }
        return
      }
    }
  }

  async #compare(topic: Topic, partition: number, lane: RecordedLane, derived: AnyRecord): Promise<Difference | null> {
    const found = await lane.peek()
    if (found === null && lane.unreadable === null) {
      return this.#isUnfinished(derived) ? null : this.#missing(await this.#endOf(topic, partition), derived)
    }
    if (found !== null && this.#isEqual(topic, found.record, derived)) {
      lane.shift()
      this.#compared++
      return null
    }
    if (lane.unreadable !== null) {
      const { position, reason } = lane.unreadable
      return { kind: 'unreadable', at: position, field: null, recorded: reason, derived: short(derived) }
    }
    return found === null ? null : this.#different(found, derived)
  }

  #different({ position, record }: Recorded, derived: AnyRecord): Difference {
    const [then, now] = [causeOf(record), causeOf(derived)]
    const order = then === null || now === null ? 0 : comparePositions(then, now)
    if (order > 0) return this.#missing(position, derived, record)
    if (order < 0) return { kind: 'extra', at: position, field: null, recorded: short(record), derived: short(derived) }
    const field = firstField(record, derived)
    return { kind: 'changed', at: position, field, recorded: short(record), derived: short(derived) }
  }

  #missing(at: Position, derived: AnyRecord, instead: AnyRecord | null = null): Difference {
    return { kind: 'missing', at, field: null, recorded: instead === null ? null : short(instead), derived: short(derived) }
  }

  #isUnfinished(derived: AnyRecord): boolean {
    const { unfinished } = this.#options
    if (unfinished === null) return false
    const cause = causeOf(derived)
    return cause === null ? derived.type === 'SyncRun' : comparePositions(cause, unfinished) === 0
  }

  #isEqual(topic: Topic, recorded: AnyRecord, derived: AnyRecord): boolean {
    const { codec } = this.#options
    return Buffer.compare(codec.encodeRecord(topic, recorded), codec.encodeRecord(topic, derived)) === 0
  }

  async #endOf(topic: Topic, partition: number): Promise<Position> {
    return { topic, partition, offset: await this.#options.log.end(topic, partition), index: 0 }
  }

  #lane(topic: Topic, partition: number): Lane {
    const name = `${topic}/${partition}`
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = { recorded: this.#options.lane(topic, partition), derived: new RecordReader(this.#options.codec, topic, partition) }
      this.#lanes.set(name, lane)
    }
    return lane
  }
}
