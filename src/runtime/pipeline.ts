import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import type { Clock } from './clock.ts'
import { reasonOf } from './errors.ts'
import type { TaskLimits } from './limits.ts'
import { runLoop, type LoopOptions, type Retry } from './run-task.ts'
import { Task, taskId, type TaskProgress } from './task.ts'
import type { ClockLeap } from './ticks.ts'

export interface PipelineOptions {
  types: readonly ProcessorType[]
  log: Log
  codec: Codec
  clock: Clock
  limits: TaskLimits
  release: string
  onRetry?: (retry: Retry) => void
  onClockLeap?: (task: string, leap: ClockLeap | null) => void
  /** a task ended with this error; the others go on */
  onTaskFailed?: (task: string, error: unknown) => void
}

export interface PipelineProgress extends TaskProgress {
  task: string
  /** the offset that the next message of the input gets */
  end: number
  retries: number
  /** why the task ended, or failed last and tries again; null while all is well */
  trouble: string | null
  running: boolean
}

interface Lane {
  task: Task
  retries: number
  trouble: string | null
  failure: unknown
  running: boolean
  ended: Promise<void>
}

/** Every task (processor × partition of its input) of one process. */
export class Pipeline {
  readonly #options: PipelineOptions
  readonly #stopping = new AbortController()
  readonly #lanes: Lane[]
  /** grows with everything that could make a look at the pipeline turn out otherwise */
  #changes = 0
  #waiting: (() => void)[] = []

  /** Starts them all. A task that ends with an error leaves the others running. */
  constructor(options: PipelineOptions) {
    this.#options = options
    refuseTwins(options.types)
    this.#lanes = options.types.flatMap((type) =>
      Array.from({ length: options.log.partitions[type.input] }, (_, partition) => this.#start(type, partition)),
    )
  }

  /** Each task commits what it has in hand and ends. Resolves when all have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#changed()
    await Promise.all(this.#lanes.map(({ ended }) => ended))
  }

  /**
   * Resolves when every task has processed all its input and no output of one is left for another, in two looks without any work
   * between them; ticks and epochs are not counted as work. Rejects where a task has failed or the pipeline is stopped.
   */
  async drained(): Promise<void> {
    let rested = -1
    for (;;) {
      const before = this.#changes
      const work = this.#work()
      const resting = await this.#look()
      if (resting && work === this.#work()) {
        if (rested === work) return
        rested = work
        continue
      }
      rested = -1
      if (before === this.#changes) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async progress(): Promise<PipelineProgress[]> {
    return Promise.all(
      this.#lanes.map(async ({ task, retries, trouble, running }) => {
        const progress = task.progress()
        const end = await this.#options.log.end(progress.topic, progress.partition)
        return { task: task.id, ...progress, end, retries, trouble, running }
      }),
    )
  }

  #start(type: ProcessorType, partition: number): Lane {
    const { log, codec, clock, limits, release } = this.#options
    const id = taskId(type, partition)
    const options: LoopOptions = {
      type, partition, log, codec, clock, limits, release,
      signal: this.#stopping.signal,
      onClockLeap: (leap) => this.#options.onClockLeap?.(id, leap),
      onProgress: () => {
        lane.trouble = null
        this.#changed()
      },
      onRetry: (retry) => {
        lane.retries++
        lane.trouble = retry.error.message
        this.#options.onRetry?.(retry)
      },
    }
    const lane: Lane = { task: new Task(options), retries: 0, trouble: null, failure: null, running: true, ended: Promise.resolve() }
    lane.ended = this.#run(lane, options)
    return lane
  }

  async #run(lane: Lane, options: LoopOptions): Promise<void> {
    try {
      await runLoop(lane.task, options)
    } catch (error) {
      lane.failure = error
      lane.trouble = reasonOf(error)
      this.#options.onTaskFailed?.(lane.task.id, error)
    } finally {
      lane.running = false
      this.#changed()
    }
  }

  async #look(): Promise<boolean> {
    for (const lane of this.#lanes) {
      if (!lane.running) {
        const why = lane.failure === null ? 'the pipeline was stopped' : `${lane.task.id} failed: ${lane.trouble}`
        throw new Error(`not drained: ${why}`, { cause: lane.failure })
      }
      if (!(await lane.task.atRest())) return false
    }
    return true
  }

  #work(): number {
    return this.#lanes.reduce((sum, { task }) => sum + task.work, 0)
  }

  #changed(): void {
    this.#changes++
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }
}

/** Two processors of one topic are fine; two of one name would fence each other. */
function refuseTwins(types: readonly ProcessorType[]): void {
  const twin = types.find(({ name }, i) => types.findIndex((other) => other.name === name) < i)
  if (twin !== undefined) throw new Error(`processor ${twin.name} is given twice; each name stands for one processor`)
}
