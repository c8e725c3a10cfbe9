import type { Position } from '../../schemas/wire/common.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../../src/ports/codec.ts'
import type { Log } from '../../src/ports/log.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import { HandClock } from '../../src/runtime/clock.ts'
import { defaultLimits, type TaskLimits } from '../../src/runtime/limits.ts'
import { openPublisher, type Outgoing, type Publisher } from '../../src/runtime/publisher.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { Task } from '../../src/runtime/task.ts'

export interface TopologyOptions {
  types: readonly ProcessorType[]
  log: Log
  codec: Codec
  clock?: HandClock
  limits?: Partial<TaskLimits>
  release?: string
}

export interface OutputRecord<T extends Topic> {
  position: Position
  key: string | null
  timestamp: number
  record: RecordOf<T>
}

/** 2026-01-01T00:00:00Z */
export const startOfTime = Date.UTC(2026, 0, 1)

/**
 * Real tasks over a log, stepped one after another in one thread of execution, with a clock that only `advance` moves: what a
 * test sees never depends on timing. Crashes are whatever `drain` throws; `restart` then opens every task anew from the log.
 */
export class Topology {
  readonly clock: HandClock
  readonly log: Log
  readonly codec: Codec
  readonly #options: TopologyOptions
  #tasks: Task[]
  #publisher: Promise<Publisher> | null = null

  constructor(options: TopologyOptions) {
    this.#options = options
    this.log = options.log
    this.codec = options.codec
    this.clock = options.clock ?? new HandClock(startOfTime)
    this.#tasks = this.#create()
  }

  get tasks(): readonly Task[] {
    return this.#tasks
  }

  /** All of it in one transaction; nothing is processed yet. */
  async publish(...outgoing: Outgoing[]): Promise<void> {
    const { log, codec, clock } = this
    this.#publisher ??= openPublisher({ log, codec, clock, id: 'topology' })
    await (await this.#publisher).publish(outgoing)
  }

  /** Steps every task in turn until none has anything left to do. */
  async drain(): Promise<void> {
    for (let busy = true; busy; ) {
      busy = false
      for (const task of this.#tasks) if ((await task.step()) === 'worked') busy = true
    }
  }

  /** Time passes, ticks are appended and all that they cause is done. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms)
    await this.drain()
  }

  /** As if the process had been killed: only the log and its states remain. */
  restart(): void {
    this.#tasks = this.#create()
  }

  /** Every record of a topic by partition and offset, parts put together; ticks and epochs are left out. */
  async outputs<T extends Topic>(topic: T): Promise<OutputRecord<T>[]> {
    const found: OutputRecord<T>[] = []
    for (let partition = 0; partition < this.log.partitions[topic]; partition++) {
      for await (const { position, message, record, error } of readPartition(this.log, this.codec, topic, partition)) {
        if (record === null) throw new Error(`${topic}/${partition}/${position.offset}/${position.index}: ${error}`)
        if (record.type === 'Tick' || record.type === 'Epoch') continue
        found.push({ position, key: message.key, timestamp: message.timestamp, record })
      }
    }
    return found
  }

  /**
   * The logical records of a topic as their own bytes (hex), by `<input partition> > <output partition>`: what has to be equal
   * however often and wherever a run was interrupted.
   */
  async lanes(topic: Topic): Promise<Record<string, string[]>> {
    const lanes: Record<string, string[]> = {}
    for (const { position, record } of await this.outputs(topic)) {
      const from = 'cause' in record && record.cause !== null ? record.cause.partition : -1
      const lane = (lanes[`${from} > ${position.partition}`] ??= [])
      lane.push(Buffer.from(this.codec.encodeRecord(topic, record)).toString('hex'))
    }
    return lanes
  }

  #create(): Task[] {
    const { types, log, codec, limits, release = '0.0.0' } = this.#options
    return types.flatMap((type) =>
      Array.from(
        { length: log.partitions[type.input] },
        (_, partition) => new Task({ type, partition, log, codec, clock: this.clock, limits: { ...defaultLimits, ...limits }, release }),
      ),
    )
  }
}
