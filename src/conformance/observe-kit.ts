import type { Account } from '../../schemas/wire/raw.ts'
import type { Fault } from '../hostile/fault.ts'
import type { World } from '../hostile/world.ts'
import { Bench, type BenchOptions } from './bench.ts'
import { judgeChanges, judgeSingle } from './observe-judge.ts'
import type { ObserveScenario } from './observe-scenarios.ts'
import type { WriteSubject } from './write-kit.ts'

/** An application as it is written to is one whose state is set for each run. */
export type ObserveSubject = Omit<WriteSubject, 'unanswered'>

const account = 'a/b'
/** longer than changes of the subject may become visible late, and than one that fails is left alone, ms */
const pauseMs = 300_000

/** Runs scenarios of single reads and of questions for changes against one subject. */
export class ObserveKit {
  readonly #subject: ObserveSubject
  readonly #options: BenchOptions
  #runs = 0

  constructor(subject: ObserveSubject, options: BenchOptions) {
    this.#subject = subject
    this.#options = options
  }

  /** What is wrong with a single read under the faults, in sentences; and with the next one without. */
  async single(scenario: ObserveScenario): Promise<string[]> {
    const { bench, world, faults } = await this.#armed(scenario)
    try {
      this.#subject.arm([])
      const before = await this.#truthOf(bench, account)
      this.#subject.arm(faults)
      const observed = await bench.reread([account])
      this.#subject.arm([])
      await this.#pause()
      const after = await this.#truthOf(bench, account)
      const wrong = judgeSingle(account, observed, [before, after], scenario.expected)
      if (after.gone !== !world.users.has(account)) wrong.push('the next read, without faults, is not as it is')
      return [...wrong, ...idle(faults)]
    } finally {
      bench.stop()
    }
  }

  /** What is wrong with what was told of three changed accounts: under the faults, after the lag, and without faults. */
  async changes(scenario: ObserveScenario): Promise<string[]> {
    const { bench, world, faults } = await this.#armed(scenario)
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
      return [...judgeChanges({ polls, truths, caughtUp }, scenario.expected), ...idle(faults)]
    } finally {
      bench.stop()
    }
  }

  async #armed(scenario: ObserveScenario): Promise<{ bench: Bench; world: World; faults: Fault[] }> {
    const world = this.#subject.reset()
    const bench = await Bench.open(this.#options, this.#subject.app, `/observe-${this.#runs++}`)
    return { bench, world, faults: scenario.faults(world, account) }
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

const idle = (faults: readonly Fault[]): string[] => faults.filter(({ fired }) => fired === 0).map(({ name }) => `${name}: it never happened, nothing was tried`)
