import type { Position } from '../../schemas/wire/common.ts'
import type { AnyRecord, RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Context, Processor, ProcessorType, State } from '../ports/processor.ts'
import type { Chunker } from './chunks.ts'
import { placeOf } from './dead-letters.ts'
import { ProcessorError, reasonOf } from './errors.ts'

/** What a processor's call works on. */
export interface Surroundings {
  state: State
  outputs: Chunker
  position: Position
  /** of the input message, ms */
  timestamp: number
  now: number
}

/** One instance of a processor and the calls into it. What it throws comes out as a ProcessorError that names the record. */
export class Execution {
  readonly #type: ProcessorType
  readonly #partition: number
  readonly #partitions: Readonly<Record<Topic, number>>
  readonly #processor: Processor<Topic>

  constructor(type: ProcessorType, partition: number, partitions: Readonly<Record<Topic, number>>) {
    this.#type = type
    this.#partition = partition
    this.#partitions = partitions
    this.#processor = type.create()
  }

  process(around: Surroundings, record: AnyRecord): void {
    this.#guard('process', around.position, record.type, () => this.#processor.process(this.#context(around), record))
  }

  /** `recordType` of the record that queued the work. */
  slice(around: Surroundings, budget: number, recordType: string): boolean {
    return this.#guard('slice', around.position, recordType, () => this.#processor.slice(this.#context(around), budget))
  }

  #guard<R>(call: string, position: Position, recordType: string, run: () => R): R {
    try {
      return run()
    } catch (error) {
      throw new ProcessorError(
        `${this.#type.name}: ${call} threw at ${placeOf(position)} (topic/partition/offset/index), ` +
          `record type ${recordType}: ${reasonOf(error)}. ` +
          'This is a bug in the processor: the task stands at its last commit; run a release that has it fixed.',
        { cause: error },
      )
    }
  }

  #context({ state, outputs, position, timestamp, now }: Surroundings): Context {
    const put = <T extends Topic>(topic: T, key: string | null, record: RecordOf<T>): void => {
      if (!this.#type.outputs.includes(topic)) throw new TypeError(`${this.#type.name} does not declare the output ${topic}`)
      outputs.add(topic, key, record, timestamp)
    }
    return {
      now,
      position,
      partition: this.#partition,
      partitions: this.#partitions,
      state,
      emit: (topic, key, record) => put(topic, key, record),
      broadcast: (topic, record) => put(topic, null, record),
    }
  }
}
