import type { AppSource } from '../connect/app-reader.ts'
import type { Fault } from '../hostile/fault.ts'
import type { World } from '../hostile/world.ts'
import type { Clock } from '../runtime/clock.ts'
import { Bench, type BenchOptions } from './bench.ts'
import { judge } from './judge.ts'
import type { Reading } from './reading.ts'
import type { Scenario, Trait } from './scenario.ts'

/** An application that misbehaves on demand, and the connector that reads it. */
export interface Subject {
  readonly name: string
  readonly traits: ReadonlySet<Trait>
  readonly app: AppSource
  /** The application's data is as it was at the beginning; these faults from now on. */
  arm(make: (world: World) => readonly Fault[]): readonly Fault[] | Promise<readonly Fault[]>
  /** No faults any more; the data stays as it is now. */
  heal(): void | Promise<void>
  stop(): Promise<void>
}

export interface Result {
  scenario: string
  /** how often its faults were really done to something */
  fired: number
  /** what is wrong, in sentences; none: passed */
  wrong: string[]
  /** what the faulted run said of itself: `complete`, or the first loss */
  said: string
}

/** longer than an application that fails is left alone, ms */
const pauseMs = 300_000

/** Runs scenarios against one subject. */
export class Kit {
  readonly #subject: Subject
  readonly #bench: Bench
  readonly #honest: Reading
  readonly #clock: Clock

  private constructor(subject: Subject, bench: Bench, honest: Reading, clock: Clock) {
    this.#subject = subject
    this.#bench = bench
    this.#honest = honest
    this.#clock = clock
  }

  /** Reads the application once as it is: throws where not even that is complete. */
  static async open(subject: Subject, options: BenchOptions): Promise<Kit> {
    const bench = await Bench.open(options, subject.app)
    await subject.arm(() => [])
    const honest = await bench.run()
    const problem = lossOf(honest)
    if (problem !== null) throw new Error(`${subject.name} can't be read whole even without faults: ${problem}`)
    return new Kit(subject, bench, honest, options.clock)
  }

  /** What the application holds when nothing goes wrong. */
  get honest(): Reading {
    return this.#honest
  }

  /** A run with the faults, then one without: the first must be exact or say what it lost, the second exact. */
  async run(scenario: Scenario): Promise<Result> {
    const faults = await this.#subject.arm((world) => scenario.faults(world))
    const faulted = await this.#bench.run()
    await this.#subject.heal()
    await this.#clock.sleep(pauseMs, new AbortController().signal)
    const healed = await this.#bench.run()
    const fired = faults.reduce((sum, fault) => sum + fault.fired, 0)
    const wrong = judge(faulted, { before: this.#honest, after: healed }, scenario.expected)
    const left = lossOf(healed)
    if (left !== null && scenario.lasting !== true) wrong.push(`without faults the next run is still not complete: ${left}`)
    if (!scenario.needs.includes('world')) wrong.push(...judge(healed, { before: this.#honest, after: this.#honest }, 'exact').map((what) => `the next run: ${what}`))
    if (fired === 0) wrong.push('the fault never happened: nothing was tried')
    return { scenario: scenario.name, fired, wrong, said: lossOf(faulted) ?? 'complete' }
  }

  stop(): void {
    this.#bench.stop()
  }
}

function lossOf({ classes }: Reading): string | null {
  for (const [name, { verdict, reason, place }] of classes) if (verdict !== 'complete') return `${name} ${verdict}: ${reason} (${place})`
  return classes.size === 0 ? 'nothing was read' : null
}
