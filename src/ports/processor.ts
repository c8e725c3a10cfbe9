import type { Position } from '../../schemas/wire/common.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'

/**
 * A processor is a pure, synchronous function (state, record) -> outputs + state changes. No clock, randomness, IO or ambient
 * config: time is `context.now`, settings are records. Anything it keeps outside `state` is a cache that a reload may drop at
 * any record without changing an output.
 */
export interface Processor<In extends Topic> {
  /**
   * One record of the input. Work that grows with the state is not done here but queued in the state for `slice`. `encoded`: the
   * record's bytes, where they are known; no output may depend on whether they are.
   */
  process(context: Context, record: RecordOf<In>, encoded?: Encoded): void
  /**
   * Whether the record of these bytes says what is known already. Then all that `process` would have done is done here, no work is
   * queued, and the record is not decoded. Where the answer is false nothing was changed.
   */
  recognise?(context: Context, encoded: Encoded): boolean
  /**
   * Of a message whose records are about to be handed over, in their order: where the record ends whose first field is at byte `at`, if `recogniseAll`
   * will probably know it; else -1. The state is read only.
   */
  foresee?(context: Context, type: string, bytes: Uint8Array, at: number): number
  /**
   * As `recognise`, of the record at byte `at` of the message that was foreseen last and all that follow it, as far as they were foreseen as one. Answers
   * how many that is; 0: nothing was changed.
   */
  recogniseAll?(context: Context, at: number): number
  /**
   * Continues queued work, touching about `budget` rows; true while some is left. The runtime calls it until false before the
   * next record, each call possibly in its own transaction, and once when a task starts.
   */
  slice(context: Context, budget: number): boolean
  /**
   * Whether work is left that later records may overtake: each of them carries some of it on, as much as follows from the record alone.
   * While it is so, the runtime lets ticks follow one another without a pause, so that it goes on where no other record comes.
   */
  lags?(context: Context): boolean
}

/** A record's own Avro bytes, of today's schema, where they lie in a message. Valid during the call only. */
export interface Encoded {
  readonly type: string
  readonly bytes: Uint8Array
  /** of the record's first field, without the index of its branch */
  readonly from: number
  /** where each field ends, in the order of the schema; the last ends the record */
  readonly ends: ArrayLike<number>
}

export interface ProcessorType<In extends Topic = Topic> {
  readonly name: string
  readonly input: In
  readonly outputs: readonly Topic[]
  /** Raised when the same input may give other outputs. */
  readonly version: number
  /** Raised when rows of the state are laid out otherwise. A state of another format is refused: whoever raises it sees to a way over. */
  readonly stateFormat: number
  create(): Processor<In>
}

export interface Context {
  /** The largest tick of this task's partition, before the first the time of its first message, ms. */
  readonly now: number
  /** Of the record in hand (in `slice`: of the record that queued the work in progress). */
  readonly position: Position
  readonly partition: number
  readonly partitions: Readonly<Record<Topic, number>>
  readonly state: State
  /** To the partition that `key` hashes to. */
  emit<T extends Topic>(topic: T, key: string, record: RecordOf<T>): void
  /** To every partition of the topic. */
  broadcast<T extends Topic>(topic: T, record: RecordOf<T>): void
}

/**
 * Tables of JSON values by string key. Reads see this record's own writes. Iteration is in code point order of the keys and may
 * be stopped at any row; rows changed while iterating are not promised to be seen. Bytes that `get` and `range` answer must not be changed, and
 * are copied by whoever keeps them beyond the record.
 */
export interface State {
  get<V>(table: string, key: string): V | undefined
  put(table: string, key: string, value: unknown): void
  delete(table: string, key: string): void
  range<V>(table: string, options?: { prefix?: string; after?: string }): Iterable<readonly [key: string, value: V]>
}

/**
 * For the few rows that nearly every record reads or writes: values that nobody changes once they were handed over, so that they
 * need not be copied. They are rows of the state like any other, and `get`, `delete` and `range` see them as they stand.
 */
export interface SharedState extends State {
  /** As `get`; what is answered may be answered again, and must not be changed. */
  getShared<V>(table: string, key: string): V | undefined
  /** As `put`; the value must not be changed any more. */
  putShared(table: string, key: string, value: unknown): void
  /** The row itself, for its owner to change at once and in place: this counts as `put`. For rows that nothing else hands out. */
  editShared<V>(table: string, key: string): V | undefined
}
