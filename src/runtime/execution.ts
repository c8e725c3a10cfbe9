import type { Position } from '../../schemas/wire/common.ts'
import type { AnyRecord, RecordOf, Topic } from '../../schemas/wire/topics.ts'
import { reasonOf } from '../core/reason.ts'
import type { Foreseen } from '../ports/codec.ts'
import type { Context, Encoded, Processor, ProcessorType, State } from '../ports/processor.ts'
import type { Chunker } from './chunks.ts'
import { placeOf } from './dead-letters.ts'
import { ProcessorError } from './errors.ts'

/** What a processor's call works on. */
export interface Surroundings {
  state: State
  outputs: Chunker
  position: Position
  /** of the input message, ms */
  timestamp: number
  now: number
}

/** As processors see it, moved from call to call: they keep nothing of it. */
type MovingContext = { -readonly [K in keyof Context]: Context[K] }

/** One instance of a processor and the calls into it. What it throws comes out as a ProcessorError that names the record. */
export class Execution {
  readonly #type: ProcessorType
  readonly #processor: Processor<Topic>
  readonly #context: MovingContext
  #around: Surroundings | null = null

  constructor(type: ProcessorType, partition: number, partitions: Readonly<Record<Topic, number>>) {
    this.#type = type
    this.#processor = type.create()
    const position: Position = { topic: type.input, partition, offset: 0, index: 0 }
    this.#context = {
      now: 0, position, partition, partitions, state: unset,
      emit: (topic, key, record) => this.#put(topic, key, record),
      broadcast: (topic, record) => this.#put(topic, null, record),
    }
  }

  recognise(around: Surroundings, encoded: Encoded): boolean {
    this.#move(around)
    try {
      return this.#processor.recognise?.(this.#context, encoded) ?? false
    } catch (error) {
      throw this.#failed('recognise', around, encoded.type, error)
    }
  }

  /** For one message, before its records are processed. Null where the processor knows none by their bytes. */
  foreseen(around: Surroundings): Foreseen | null {
    if (this.#processor.recognise === undefined) return null
    this.#move(around)
    return (type, bytes, at) => {
      try {
        return this.#processor.foresee?.(this.#context, type, bytes, at) ?? -1
      } catch (error) {
        throw this.#failed('foresee', around, type, error)
      }
    }
  }

  /** `recordType`: of the first of them. */
  recogniseAll(around: Surroundings, at: number, recordType: string): number {
    this.#move(around)
    try {
      return this.#processor.recogniseAll?.(this.#context, at) ?? 0
    } catch (error) {
      throw this.#failed('recogniseAll', around, recordType, error)
    }
  }

  process(around: Surroundings, record: AnyRecord, encoded: Encoded | null): void {
    this.#move(around)
    try {
      this.#processor.process(this.#context, record, encoded ?? undefined)
    } catch (error) {
      throw this.#failed('process', around, record.type, error)
    }
  }

  /** `recordType` of the record that queued the work. */
  slice(around: Surroundings, budget: number, recordType: string): boolean {
    this.#move(around)
    try {
      return this.#processor.slice(this.#context, budget)
    } catch (error) {
      throw this.#failed('slice', around, recordType, error)
    }
  }

  /** `recordType` of the record that was processed last. */
  lags(around: Surroundings, recordType: string): boolean {
    this.#move(around)
    try {
      return this.#processor.lags?.(this.#context) ?? false
    } catch (error) {
      throw this.#failed('lags', around, recordType, error)
    }
  }

  #move(around: Surroundings): void {
    this.#around = around
    this.#context.now = around.now
    this.#context.position = around.position
    this.#context.state = around.state
  }

  #put<T extends Topic>(topic: T, key: string | null, record: RecordOf<T>): void {
    if (!this.#type.outputs.includes(topic)) throw new TypeError(`${this.#type.name} does not declare the output ${topic}`)
    const { outputs, timestamp } = this.#around!
    outputs.add(topic, key, record, timestamp)
  }

  #failed(call: string, { position }: Surroundings, recordType: string, error: unknown): ProcessorError {
    return new ProcessorError(
      `${this.#type.name}: ${call} threw at ${placeOf(position)} (topic/partition/offset/index), ` +
        `record type ${recordType}: ${reasonOf(error)}. ` +
        'This is a bug in the processor: the task stands at its last commit; run a release that has it fixed.',
      { cause: error },
    )
  }
}

/** Until the first call. */
const unset: State = { get: () => undefined, put: () => undefined, delete: () => undefined, range: () => [] }
