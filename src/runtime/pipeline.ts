import { reasonOf } from '../core/reason.ts'
import type { Owned, Share } from '../ports/assignment.ts'
import type { Codec } from '../ports/codec.ts'
import { FencedError, type Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import type { Clock } from './clock.ts'
import { untilDrained, type Look, type Part } from './drained.ts'
import { Holdings, type Holding, type Planned } from './holdings.ts'
import type { TaskLimits } from './limits.ts'
import { shareOfAll } from './own-everything.ts'
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
  /** the partitions that are this process's; default: all of them */
  share?: Share
  onRetry?: (retry: Retry) => void
  onClockLeap?: (task: string, leap: ClockLeap | null) => void
  /** a task ended with this error; the others go on */
  onTaskFailed?: (task: string, error: unknown) => void
  /** no partition will be given to this process any more */
  onLost?: (error: unknown) => void
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

/** One task and what became of it. */
class Lane implements Holding {
  readonly task: Task
  readonly #options: Omit<LoopOptions, 'signal'>
  readonly #changed: () => void
  retries = 0
  trouble: string | null = null
  failure: unknown = null
  running = true

  constructor(options: Omit<LoopOptions, 'signal'>, onRetry: (retry: Retry) => void, changed: () => void) {
    this.task = new Task(options)
    this.#changed = changed
    this.#options = {
      ...options,
      onProgress: () => {
        this.trouble = null
        changed()
      },
      onRetry: (retry) => {
        this.retries++
        this.trouble = retry.error.message
        onRetry(retry)
      },
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await runLoop(this.task, { ...this.#options, signal })
    } catch (error) {
      this.failure = error
      this.trouble = reasonOf(error)
      throw error
    } finally {
      this.running = false
      await this.task.close()
      this.#changed()
    }
  }
}

/** Every task (processor × partition of its input) of one process. */
export class Pipeline implements Part {
  readonly #options: PipelineOptions
  readonly #lanes: Holdings<Lane>
  /** see `Look` */
  #changes = 0
  #waiting: (() => void)[] = []

  /** Starts them all. A task that ends with an error leaves the others running. */
  constructor(options: PipelineOptions) {
    this.#options = options
    refuseTwins(options.types)
    this.#lanes = new Holdings<Lane>({
      share: options.share ?? shareOfAll(options.log.partitions, options.types.map(({ input }) => input)),
      plan: (owned) => this.#plan(owned),
      isFence: (error) => error instanceof FencedError,
      onFailed: ({ task }, error) => options.onTaskFailed?.(task.id, error),
      onLost: (error) => options.onLost?.(error),
    })
  }

  /** Each task commits what it has in hand and ends. Resolves when all have ended. */
  async stop(): Promise<void> {
    await this.#lanes.stop()
    this.#changed()
  }

  /**
   * Resolves when every task has processed all its input and no output of one is left for another (`untilDrained`). A task that was
   * taken over is waited for until it is another process's or runs here again. Rejects where a task has failed or the pipeline is stopped.
   */
  drained(): Promise<void> {
    return untilDrained([this])
  }

  async look(): Promise<Look> {
    await this.#lanes.explained()
    const changes = this.#changes
    const work = this.#work()
    const resting = (await this.#areAtRest()) && work === this.#work()
    const standing = this.#lanes.current.map(({ task }) => task.progress())
    return {
      resting, work, changes,
      latestMs: Math.min(this.#options.clock.nowMs(), Math.max(...standing.map(({ now }) => now))),
      earliestMs: Math.min(...standing.map(({ now, clockRefused }) => (clockRefused ? Infinity : now))),
    }
  }

  hurry(ms: number): void {
    for (const { task } of this.#lanes.current) if (task.progress().now < ms) task.hurryTick()
  }

  async changed(since: number): Promise<void> {
    while (this.#changes === since && this.#lanes.isExplained) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async progress(): Promise<PipelineProgress[]> {
    return Promise.all(
      this.#lanes.current.map(async ({ task, retries, trouble, running }) => {
        const progress = task.progress()
        const end = await this.#options.log.end(progress.topic, progress.partition)
        return { task: task.id, ...progress, end, retries, trouble, running }
      }),
    )
  }

  #plan({ partitions }: Owned): Planned<Lane>[] {
    return this.#options.types.flatMap((type) =>
      (partitions.get(type.input) ?? []).map((partition) => ({ name: taskId(type, partition), create: () => this.#create(type, partition) })),
    )
  }

  #create(type: ProcessorType, partition: number): Lane {
    const { log, codec, clock, limits, release } = this.#options
    const id = taskId(type, partition)
    const options = { type, partition, log, codec, clock, limits, release, onClockLeap: (leap: ClockLeap | null) => this.#options.onClockLeap?.(id, leap) }
    return new Lane(options, (retry) => this.#options.onRetry?.(retry), () => this.#changed())
  }

  async #areAtRest(): Promise<boolean> {
    for (const lane of this.#lanes.current) {
      if (!lane.running) {
        const why = lane.failure === null ? 'the pipeline was stopped' : `${lane.task.id} failed: ${lane.trouble}`
        throw new Error(`not drained: ${why}`, { cause: lane.failure })
      }
      if (!(await lane.task.atRest())) return false
    }
    return this.#lanes.isExplained
  }

  #work(): number {
    return this.#lanes.current.reduce((sum, { task }) => sum + task.work, 0)
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
