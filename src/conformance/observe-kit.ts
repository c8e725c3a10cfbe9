import type { Account } from '../../schemas/wire/raw.ts'
import type { Fault } from '../hostile/fault.ts'
import type { World } from '../hostile/world.ts'
import { Bench, type BenchOptions } from './bench.ts'
import { judgeChanges, judgeSingle } from './observe-judge.ts'
import type { ObserveScenario } from './observe-scenarios.ts'
import type { WriteSubject } from './write-kit.ts'

/** An application that misbehaves on demand, and the connector that reads it. */
export interface ObserveSubject extends Pick<WriteSubject, 'name' | 'app' | 'reset' | 'arm'> {
  /** native id of the account that is read singly; absent: one of the corpus */
  readonly account?: string
}

export interface ObserveOutcome {
  /** how often the faults were really done to something; 0: nothing was tried */
  fired: number
  /** what is wrong, in sentences; none: passed */
  wrong: string[]
  said: string
}

/** longer than changes of the subject may become visible late, and than one that fails is left alone, ms */
const pauseMs = 300_000

/** Runs scenarios of single reads and of questions for changes against one subject. */
export class ObserveKit {
  readonly #subject: ObserveSubject
  readonly #options: BenchOptions
  readonly #account: string
  #runs = 0

  constructor(subject: ObserveSubject, options: BenchOptions) {
    this.#subject = subject
    this.#options = options
    this.#account = subject.account ?? 'a/b'
  }

  /** A single read under the faults, and the next one without. */
  async single(scenario: ObserveScenario): Promise<ObserveOutcome> {
    const { bench, faults } = await this.#armed(scenario)
    const account = this.#account
    try {
      this.#subject.arm([])
      const before = await this.#truthOf(bench, account)
      this.#subject.arm(faults)
      const observed = await bench.reread([account])
      this.#subject.arm([])
      await this.#pause()
      const after = await this.#truthOf(bench, account)
      const wrong = judgeSingle(before.id, observed, [before, after], scenario.expected)
      if (!scenario.needs.includes('world')) wrong.push(...judgeSingle(before.id, { accounts: [after], letters: [], problems: [] }, [before], 'exact').map((what) => `the next read: ${what}`))
      return { wrong, fired: firedOf(faults), said: observed.problems[0] ?? observed.letters[0]?.reason ?? 'read' }
    } finally {
      bench.stop()
    }
  }

  /** What is told of three changed accounts of the corpus: under the faults, after the lag, and without faults. */
  async changes(scenario: ObserveScenario): Promise<ObserveOutcome> {
    const { bench, world, faults } = await this.#armed(scenario)
    const account = this.#account
    try {
      this.#subject.arm([])
      const polls = [await bench.changes()]
      world.put({ ...world.users.get(account)!, name: 'Changed' })
      world.put({ ...world.users.get('50%')!, active: false })
      world.remove('000123')
      this.#subject.arm(faults)
      polls.push(await bench.changes(), await bench.changes())
      await this.#pause()
      polls.push(await bench.changes())
      this.#subject.arm([])
      await this.#pause()
      polls.push(await bench.changes(), await bench.changes())
      // What a lost cursor hides is shown by the snapshot that is due then.
      const caughtUp = polls.some(({ outcome }) => outcome === 'restarted')
      const truths = new Map<string, Account>()
      for (const id of [account, '50%', '000123']) truths.set(id, await this.#truthOf(bench, id))
      return { wrong: judgeChanges({ polls, truths, caughtUp }, scenario.expected), fired: firedOf(faults), said: polls.map(({ outcome }) => outcome).join(', ') }
    } finally {
      bench.stop()
    }
  }

  async #armed(scenario: ObserveScenario): Promise<{ bench: Bench; world: World; faults: Fault[] }> {
    const world = this.#subject.reset()
    const bench = await Bench.open(this.#options, this.#subject.app, `/observe-${this.#runs++}`)
    return { bench, world, faults: scenario.faults(world, this.#account) }
  }

  async #pause(): Promise<void> {
    await this.#options.clock.sleep(pauseMs, new AbortController().signal)
  }

  async #truthOf(bench: Bench, id: string): Promise<Account> {
    const { accounts, problems } = await bench.reread([id])
    const [told] = accounts
    if (told === undefined) throw new Error(`${this.#subject.name}: ${id} can't be read even without faults: ${problems.join('; ')}`)
    return told
  }
}

/** How often the least of them was done to something. */
const firedOf = (faults: readonly Fault[]): number => Math.min(...faults.map(({ fired }) => fired))
