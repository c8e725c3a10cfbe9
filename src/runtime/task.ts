import type { Part, Position } from '../../schemas/wire/common.ts'
import type { AnyRecord, Topic } from '../../schemas/wire/topics.ts'
import { reach } from '../core/fault.ts'
import { reasonOf } from '../core/reason.ts'
import type { Codec, OpenChunk } from '../ports/codec.ts'
import { FencedError, type Append, type Log, type Message, type TaskStore } from '../ports/log.ts'
import type { Encoded, ProcessorType } from '../ports/processor.ts'
import { Batch } from './batch.ts'
import { Chunker } from './chunks.ts'
import type { Clock } from './clock.ts'
import { runtimeDeadLetter, type DeadLetterCode } from './dead-letters.ts'
import { EmptyTables } from './empty-tables.ts'
import { epochDue } from './epochs.ts'
import { EnvironmentError } from './errors.ts'
import { Execution, type Surroundings } from './execution.ts'
import { Input } from './input.ts'
import type { TaskLimits } from './limits.ts'
import { assemble } from './parts.ts'
import { StateTable } from './state-table.ts'
import { newTask, TaskRow, taskRowKey, type LastRecord } from './task-row.ts'
import { TickSource, type ClockLeap } from './ticks.ts'
import { Turn, turnsOfThread } from './turns.ts'
import { wholeRecord } from './whole-record.ts'

export interface TaskOptions {
  type: ProcessorType
  partition: number
  log: Log
  codec: Codec
  clock: Clock
  limits: TaskLimits
  /** of this software; travels in `Epoch` records */
  release: string
  /** hears when the wall clock becomes implausible (time stands from then on) and, with null, when it is plausible again */
  onClockLeap?: (leap: ClockLeap | null) => void
}

export interface TaskProgress {
  processor: string
  topic: Topic
  partition: number
  /** the next record's place */
  offset: number
  index: number
  /** the largest tick processed, before the first the time of the first message that has a plausible one, ms */
  now: number
  /** records processed, ticks and epochs included, by this process */
  records: number
  deadLetters: number
  commits: number
  /** the wall clock is implausible and time stands */
  clockRefused: boolean
  /** work is left that later records, ticks if nothing else, carry on */
  lagging: boolean
}

/** What a task has between opening its state and losing it. A commit error spends all of it. */
interface Hold {
  store: TaskStore
  state: StateTable
  row: TaskRow
  execution: Execution
  input: Input
  current: { message: Message; chunk: OpenChunk<Topic> } | null
  outputs: Chunker
  /** slices are due before the first record: queued work that a predecessor left */
  resuming: boolean
  /** work is left that later records carry on */
  lagging: boolean
}

/** The year 9999 ends: a later time is in another unit than milliseconds, and no tick would ever come after it. */
const latestPlausibleMs = Date.UTC(10_000, 0) - 1

export const taskId = (type: ProcessorType, partition: number): string => `task/${type.name}/${partition}`

/** One processor on one partition, moved on by `step`. While a step runs, only `atRest` and `progress` may be called. */
export class Task {
  readonly id: string
  readonly #options: TaskOptions
  readonly #ticks: TickSource
  readonly #turn = new Turn(turnsOfThread)
  #hold: Hold | null = null
  /** offsets of ticks and epochs that this process appended and has not passed yet */
  readonly #marks = new Set<number>()
  #uncommitted = false
  #work = 0
  #counted = { records: 0, deadLetters: 0, commits: 0 }
  #seen = { offset: 0, index: 0, now: 0 }
  #onHurry: (() => void) | null = null
  #isFull = false

  constructor(options: TaskOptions) {
    this.#options = options
    this.id = taskId(options.type, options.partition)
    this.#ticks = new TickSource(options.clock, options.limits, options.onClockLeap ?? (() => undefined))
  }

  /** ms until this task has to append a tick. */
  get tickDueInMs(): number {
    return this.#ticks.dueInMs()
  }

  /** The next step appends a tick, and whoever waits to take it is told so. */
  hurryTick(): void {
    this.#ticks.hurry()
    this.#onHurry?.()
  }

  /** Hears that a tick is due sooner than `tickDueInMs` said; null: nobody does. */
  set onHurry(listener: (() => void) | null) {
    this.#onHurry = listener
  }

  /** Where the task will read next. */
  get offset(): number {
    return this.#hold?.row.offset ?? 0
  }

  /** The last transaction ended because it was full: more waits. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Grows with every record but ticks and epochs, and with every commit that wrote outputs. */
  get work(): number {
    return this.#work
  }

  progress(): TaskProgress {
    const { type, partition } = this.#options
    const clockRefused = this.#ticks.refused
    return { processor: type.name, topic: type.input, partition, ...this.#seen, ...this.#counted, clockRefused, lagging: this.#hold?.lagging ?? false }
  }

  /**
   * One transaction's worth of work: `idle` where there was none. Throws EnvironmentError where the next step opens the state
   * again and resumes; FencedError, DowngradeError, StateFormatError and ProcessorError end the task.
   */
  async step(): Promise<'worked' | 'idle'> {
    try {
      await this.#turn.begin()
      const hold = (this.#hold ??= await this.#open())
      const batch = new Batch(this.#options.clock, this.#options.limits, () => hold.outputs.bytes + hold.state.bytes)
      await this.#fill(hold, batch)
      this.#isFull = batch.isFull()
      return (await this.#commit(hold, !batch.empty, [])) ? 'worked' : 'idle'
    } catch (error) {
      if (this.#hold !== null) letGo(this.#hold.store)
      this.#hold = null
      this.#uncommitted = false
      throw error
    }
  }

  /** All input is processed and committed; ticks and epochs that wait at the end of the partition are not counted as input. */
  async atRest(): Promise<boolean> {
    const hold = this.#hold
    if (hold === null || this.#uncommitted || hold.outputs.records > 0) return false
    if (hold.resuming || hold.lagging || hold.row.slicing || hold.row.index > 0) return false
    const { type, partition, log } = this.#options
    const limits = { maxMessages: this.#marks.size + 1, maxBytes: this.#options.limits.maxReadBytes }
    // once the end is known, what this process committed can be read
    await log.end(type.input, partition)
    for (let offset = hold.row.offset; ; ) {
      // what can't be read now waits: the step that reads it tells why
      const waiting = await log.read(type.input, partition, offset, limits).catch(() => null)
      if (waiting === null) return false
      const last = waiting.at(-1)
      if (last === undefined) return true
      if (waiting.some((message) => !this.#marks.has(message.offset))) return false
      offset = last.offset + 1
    }
  }

  /** Lets go of the state. */
  async close(): Promise<void> {
    const hold = this.#hold
    this.#hold = null
    await hold?.store.close()
  }

  async #open(): Promise<Hold> {
    const store = await this.#opening(this.#options.log.openTask(this.id))
    try {
      return await this.#begin(store)
    } catch (error) {
      letGo(store)
      throw error
    }
  }

  async #begin(store: TaskStore): Promise<Hold> {
    const { type, partition, log, codec, limits, release, clock } = this.#options
    const end = await this.#opening(log.end(type.input, partition))
    const state = new StateTable(store.state, new EmptyTables(store.state))
    const row = TaskRow.parse(state.getOwn(taskRowKey) ?? newTask)
    if (row.offset > end) throw this.#mismatch(row, `the log ends at ${end}`)
    const epoch = epochDue(type, partition, release, row)
    if (epoch !== null) row.epoch = { version: epoch.version, stateFormat: epoch.stateFormat, release }
    const execution = new Execution(type, partition, log.partitions)
    const hold: Hold = {
      store, state, row, execution,
      input: new Input(log, codec, type.input, partition, limits.maxReadBytes),
      current: null,
      outputs: new Chunker(codec, log.partitions, this.id),
      resuming: row.last !== null,
      lagging: false,
    }
    await this.#commit(hold, false, epoch === null ? [] : [this.#mark(epoch, clock.nowMs())])
    return hold
  }

  async #opening<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      throw this.#failed('opening the state failed', error)
    }
  }

  async #fill(hold: Hold, batch: Batch): Promise<void> {
    const { row } = hold
    if (hold.resuming || row.slicing) {
      hold.resuming = false
      if (!(await this.#slices(hold, batch))) return
    }
    while (!batch.isFull()) {
      const current = (hold.current ??= await this.#next(hold))
      if (current === null) return
      const { message, chunk } = current
      const { count } = chunk
      if (count === 0) {
        this.#leave(hold, message)
        batch.count(1, message.value.length)
      }
      while (row.index < count && row.offset === message.offset) {
        if (this.#turn.isOver) await this.#turn.goOn()
        const index = row.index
        const known = this.#recogniseAll(hold, message, chunk, index)
        const encoded = known > 0 ? null : chunk.encoded(index)
        const isKnown = known > 0 || (encoded !== null && this.#recognise(hold, message, index, encoded))
        const record = isKnown ? null : this.#whole(hold, message, index, chunk.record(index))
        const taken = Math.max(known, 1)
        if (index + taken < count) row.index += taken
        else this.#leave(hold, message)
        batch.count(taken, (message.value.length / count) * taken)
        if (record !== null) {
          reach('runtime.before-process')
          // of a record that came in parts the bytes at hand are those of its last part
          this.#process(hold, message, index, record, encoded?.type === record.type ? encoded : null)
          if (!(await this.#slices(hold, batch))) return
        }
        if (batch.isFull()) return
      }
    }
  }

  /** The next message; one that can't be decoded becomes a dead letter and has no records. */
  async #next(hold: Hold): Promise<Hold['current']> {
    const { row } = hold
    const ahead = this.#surroundings(hold, { offset: row.offset, index: 0, timestamp: 0 })
    const taken = await hold.input.take(row.offset, hold.execution.foreseen(ahead))
    if (taken === null) return null
    const { message } = taken
    const chunk = 'chunk' in taken ? taken.chunk : noRecords
    if (row.index > 0 && (message.offset !== row.offset || chunk.count <= row.index)) {
      throw this.#mismatch(row, `the log has ${chunk.count} records at ${message.offset}`)
    }
    row.offset = message.offset
    if (row.now === 0 && message.timestamp <= latestPlausibleMs) row.now = message.timestamp
    if ('undecodable' in taken) this.#deadLetter(hold, message, 0, 'undecodable-message', taken.undecodable.message)
    return { message, chunk }
  }

  #mismatch({ offset, index }: TaskRow, found: string): Error {
    return new Error(
      `${this.id}: the state stands at record ${index} of message ${offset}, but ${found}. ` +
        'Log and state do not belong together: restore both from one backup.',
    )
  }

  #leave(hold: Hold, message: Message): void {
    hold.row.offset = message.offset + 1
    hold.row.index = 0
    hold.current = null
  }

  /** The record itself, or the one that this part completes; null where there is nothing to process yet. */
  #whole(hold: Hold, message: Message, index: number, record: AnyRecord): AnyRecord | null {
    if (record.type !== 'Part') return record
    this.#touch()
    const { whole, rejected } = assemble(hold.state, record)
    if (rejected !== null) this.#deadLetter(hold, message, index, 'incomplete-parts', rejected)
    if (whole === null) return null
    const joined = this.#joined(record, message, whole)
    if (typeof joined !== 'string') return joined
    this.#deadLetter(hold, message, index, 'undecodable-record', joined)
    return null
  }

  #joined(part: Part, { value }: Message, whole: Uint8Array): AnyRecord | string {
    try {
      return wholeRecord(this.#options.codec, this.#options.type.input, part, value, whole)
    } catch (error) {
      throw this.#failed('the codec could not work', error)
    }
  }

  /** How many records from this one on were foreseen to say nothing new, and say nothing new. The processor has noted them. */
  #recogniseAll(hold: Hold, message: Message, chunk: OpenChunk<Topic>, index: number): number {
    const first = chunk.foreseen(index)
    if (first === null) return 0
    const last = { offset: message.offset, index, timestamp: message.timestamp, type: first.type }
    const known = hold.execution.recogniseAll(this.#surroundings(hold, last), first.at, first.type)
    if (known > 0) this.#recognised(hold, { ...last, index: index + known - 1 }, known)
    return known
  }

  /** The record says nothing new, and the processor has noted it: no work was queued. */
  #recognise(hold: Hold, message: Message, index: number, encoded: Encoded): boolean {
    const last = { offset: message.offset, index, timestamp: message.timestamp, type: encoded.type }
    if (!hold.execution.recognise(this.#surroundings(hold, last), encoded)) return false
    this.#recognised(hold, last, 1)
    return true
  }

  #recognised({ row }: Hold, last: LastRecord, count: number): void {
    reach('runtime.before-process')
    this.#touch()
    row.last = last
    this.#counted.records += count
  }

  #process(hold: Hold, message: Message, index: number, record: AnyRecord, encoded: Encoded | null): void {
    const { row } = hold
    if (record.type === 'Tick') row.now = Math.max(row.now, record.at)
    else if (record.type !== 'Epoch') this.#touch()
    row.last = { offset: message.offset, index, timestamp: message.timestamp, type: record.type }
    row.slicing = true
    this.#counted.records++
    hold.execution.process(this.#surroundings(hold, row.last), record, encoded)
  }

  /** Slices until the work queued by the last record is done (true) or the batch is full (false). */
  async #slices(hold: Hold, batch: Batch): Promise<boolean> {
    const { row } = hold
    const { sliceRows } = this.#options.limits
    if (row.last === null) return true
    const around = this.#surroundings(hold, row.last)
    row.slicing = true
    while (!batch.isFull()) {
      const more = hold.execution.slice(around, sliceRows, row.last.type)
      row.slicing = more
      batch.count(more ? sliceRows : 0, 0)
      if (!more) return true
      reach('runtime.between-slices')
      if (this.#turn.isOver) await this.#turn.goOn()
    }
    return false
  }

  #surroundings({ state, outputs, row }: Hold, { offset, index, timestamp }: Omit<LastRecord, 'type'>): Surroundings {
    return { state, outputs, position: this.#position(offset, index), timestamp, now: row.now }
  }

  #position(offset: number, index: number): Position {
    return { topic: this.#options.type.input, partition: this.#options.partition, offset, index }
  }

  #deadLetter(hold: Hold, message: Message, index: number, code: DeadLetterCode, reason: string): void {
    const letter = runtimeDeadLetter(this.#options.type.name, this.#position(message.offset, index), message, code, reason)
    hold.outputs.add('dead-letters', letter.source, letter, message.timestamp)
    this.#counted.deadLetters++
    this.#touch()
  }

  #touch(): void {
    this.#uncommitted = true
    this.#work++
  }

  /** A record of the runtime's own for this task's input. */
  #mark(record: Extract<AnyRecord, { type: 'Tick' | 'Epoch' }>, timestamp: number): Append {
    const { type, partition, codec } = this.#options
    return { topic: type.input, partition, key: null, timestamp, value: codec.encode(type.input, [record]) }
  }

  /**
   * Writes what there is, with a tick where one is due; false where there was nothing and the input did not move. Having passed a tick or
   * an epoch that changed nothing is not written by itself: the next commit says so, and whoever opens the state before passes it again.
   */
  async #commit(hold: Hold, moved: boolean, marks: Append[]): Promise<boolean> {
    const { row, outputs } = hold
    hold.lagging = row.last !== null && hold.execution.lags(this.#surroundings(hold, row.last), row.last.type)
    if (this.#uncommitted || outputs.records > 0) this.#ticks.worked()
    const proposed = this.#ticks.propose(row.ticked)
    const at = proposed ?? (hold.lagging && !this.#waits(row.offset) ? row.ticked : null)
    if (at !== null) marks.push(this.#mark({ type: 'Tick', at }, at))
    if (marks.length === 0 && !(moved && this.#hasNews(hold))) {
      this.#passed(row)
      return moved
    }
    const written = outputs.take()
    if (written.length > 0) this.#touch()
    row.ticked = Math.max(row.ticked, at ?? 0)
    hold.state.putOwn(taskRowKey, row)
    reach('runtime.before-commit')
    const offsets = await this.#write(hold, [...marks, ...written])
    reach('runtime.after-commit')
    this.#ticks.appended()
    for (const offset of offsets.slice(0, marks.length)) this.#marks.add(offset)
    hold.state = hold.state.next()
    this.#passed(row)
    this.#counted.commits++
    this.#uncommitted = false
    return true
  }

  /** Work in progress is news: how far it is stands in the row. */
  #hasNews({ row, outputs, state }: Hold): boolean {
    return this.#uncommitted || row.slicing || outputs.records > 0 || state.bytes > 0
  }

  #passed({ offset, index, now }: TaskRow): void {
    for (const mark of this.#marks) if (mark < offset) this.#marks.delete(mark)
    this.#seen = { offset, index, now }
  }

  /** A tick or epoch of this process's own lies before it in the log. */
  #waits(offset: number): boolean {
    for (const mark of this.#marks) if (mark >= offset) return true
    return false
  }

  async #write({ store, state, row }: Hold, appends: Append[]): Promise<number[]> {
    const { type, partition } = this.#options
    try {
      return (await store.commit({ appends, state: state.changes, input: { topic: type.input, partition, offset: row.offset } })).offsets
    } catch (error) {
      if (error instanceof FencedError) {
        throw new FencedError(
          `${this.id}: another process took this task over and nothing more can be committed here. ` +
            'Two processes must not run the same data directory or group member: stop one of them.',
          { cause: error },
        )
      }
      throw this.#failed('the commit failed, the state is opened again', error)
    }
  }

  #failed(what: string, error: unknown): EnvironmentError {
    return new EnvironmentError(`${this.id}: ${what}: ${reasonOf(error)}`, { cause: error })
  }
}

const noRecords: OpenChunk<Topic> = { count: 0, record: () => { throw new RangeError('the message has no records') }, encoded: () => null, foreseen: () => null }

/** Of a store that is no longer used, after an error. What its closing waits for holds up nobody, and what goes wrong there is of no use to anybody. */
function letGo(store: TaskStore): void {
  store.close().catch(() => undefined)
}
