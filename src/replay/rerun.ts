import type { Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import type { Append, Log, Message, ReadLimits, TaskStore } from '../ports/log.ts'
import type { Context, Encoded, ProcessorType } from '../ports/processor.ts'
import { HandClock } from '../runtime/clock.ts'
import { defaultLimits } from '../runtime/limits.ts'
import { Task } from '../runtime/task.ts'

export interface RerunOptions {
  type: ProcessorType
  partition: number
  /** what was recorded: only read */
  log: Log
  codec: Codec
  /** takes the state; must know nothing of this task yet, and is spent for it afterwards */
  scratch: Log
  /** input from this offset on is not there */
  end: number
  /** asked before each record, perhaps twice; from the first `false` on nothing more is processed */
  admit: (context: Context) => boolean
  /** whether a record that was admitted is done with by its bytes, and not handed over. Asked where these are known; default: none is */
  passes?: (encoded: Encoded) => boolean
  /** the messages that one transaction would have written; `false` ends the re-run */
  onDerived: (appends: readonly Append[]) => Promise<boolean>
  /** after each transaction: the offset that is read next */
  onProgress: (offset: number) => void
}

/** Transactions of a re-run, so that what waits to be looked at stays small. */
const limits = { ...defaultLimits, maxBatchRecords: 4_000, maxBatchBytes: 8 * 1024 * 1024, maxBatchMs: Number.POSITIVE_INFINITY }

/**
 * Runs a processor once more over its recorded input, from its begin and from an empty state, by the same code that ran it live.
 * Ticks and epochs are those recorded: the clock stands, so none is added, and nothing is written anywhere but to `scratch`.
 * Throws what the processor throws (ProcessorError), and EnvironmentError.
 */
export async function rerun(options: RerunOptions): Promise<void> {
  const { partition, codec } = options
  const input = new RecordedInput(options)
  const type = admitting(options.type, (context) => input.isRunning && options.admit(context), () => input.stop(), options.passes)
  const task = new Task({ type, partition, log: input, codec, clock: new HandClock(0), limits, release: 'replay' })
  while ((await task.step()) === 'worked') {
    options.onProgress(task.offset)
    if (!input.isRunning) return
  }
}

/** The same processor, which does nothing any more once a record was not admitted. */
function admitting(type: ProcessorType, admit: RerunOptions['admit'], onEnd: () => void, passes: RerunOptions['passes']): ProcessorType {
  let ended = false
  const isAdmitted = (context: Context): boolean => {
    if (!ended && !admit(context)) {
      ended = true
      onEnd()
    }
    return !ended
  }
  return {
    name: type.name, input: type.input, outputs: type.outputs, version: type.version, stateFormat: type.stateFormat,
    create: () => {
      const processor = type.create()
      return {
        process(context, record) {
          if (isAdmitted(context)) processor.process(context, record)
        },
        slice: (context, budget) => !ended && processor.slice(context, budget),
        ...(passes === undefined ? {} : { recognise: (context: Context, encoded: Encoded) => isAdmitted(context) && passes(encoded) }),
      }
    },
  }
}

/** The recorded log as its task sees it, with another place for the state and nowhere to append to. */
class RecordedInput implements Log {
  readonly id: string
  readonly partitions: Readonly<Record<Topic, number>>
  readonly commitGapMs = 0
  readonly #options: RerunOptions
  #running = true

  constructor(options: RerunOptions) {
    this.#options = options
    this.id = options.log.id
    this.partitions = options.log.partitions
  }

  get isRunning(): boolean {
    return this.#running
  }

  stop(): void {
    this.#running = false
  }

  async read(topic: Topic, partition: number, offset: number, readLimits: ReadLimits): Promise<Message[]> {
    const { log, end } = this.#options
    if (offset >= end) return []
    const messages = await log.read(topic, partition, offset, readLimits)
    return messages.filter((message) => message.offset < end)
  }

  end(topic: Topic, partition: number): Promise<number> {
    return this.#options.log.end(topic, partition)
  }

  waitFor(): Promise<void> {
    return Promise.reject(new Error('a re-run does not wait: its input is what is recorded'))
  }

  async openTask(id: string): Promise<TaskStore> {
    const { scratch, type, onDerived } = this.#options
    const store = await scratch.openTask(id)
    for (const [key] of store.state.range('')) throw new Error(`the scratch log knows ${id} already (${key}): give each re-run an empty one`)
    return {
      id,
      state: store.state,
      commit: async ({ appends, state }) => {
        await store.commit({ appends: [], state })
        // marks of the task's own for its input: the recorded ones are there already
        const derived = appends.filter(({ topic }) => topic !== type.input)
        if (derived.length > 0 && !(await onDerived(derived))) this.#running = false
        return { offsets: appends.map(() => -1) }
      },
      isTakenOver: () => store.isTakenOver(),
      close: () => store.close(),
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
