import type { WriteCommand } from '../connect/writes/journal.ts'
import { WriteExecutor } from '../connect/writes/executor.ts'
import type { AppSource } from '../connect/app-reader.ts'
import { createPlatform, withPriority } from '../connect/platform.ts'
import { Source } from '../connect/source.ts'
import { canonicalId } from '../core/canonical-id.ts'
import { armFaults } from '../core/fault.ts'
import type { Operation } from '../../schemas/wire/operations.ts'
import type { Ref } from '../../schemas/wire/raw.ts'
import type { Fault } from '../hostile/fault.ts'
import type { World } from '../hostile/world.ts'
import { openPublisher } from '../runtime/publisher.ts'
import type { BenchOptions } from './bench.ts'
import { Tail } from './tail.ts'
import { judgeWrite } from './write-judge.ts'
import type { Order } from './write-order.ts'
import type { Situation, WriteScenario } from './write-scenario.ts'

/** An application that takes writes and misbehaves on demand, and the connector that writes to it. */
export interface WriteSubject {
  readonly name: string
  readonly app: AppSource
  /** What the connector calls a group of the corpus; absent: a group of its id. */
  called?(group: string): Ref
  /** The application's data is as it was at the beginning: this. */
  reset(): World
  /** These faults from now on. */
  arm(faults: readonly Fault[]): void
  /** calls that it has neither answered nor seen given up */
  unanswered(): number
}

interface WriteOutcome {
  /** how often each fault was really done to something */
  fired: number
  /** what is wrong, in sentences; none: passed */
  wrong: string[]
  /** the verdicts that were told, with the reason of the last */
  said: string
}

const visibilityMs = 30_000
const callMs = 30_000

/** Runs write scenarios against one subject, each with journal, lease, read-back and verdict of the platform. */
export class WriteKit {
  readonly #subject: WriteSubject
  readonly #options: BenchOptions
  readonly #actions: Tail<'actions'>
  readonly #raw: Tail<'raw'>
  #runs = 0

  constructor(subject: WriteSubject, options: BenchOptions) {
    this.#subject = subject
    this.#options = options
    this.#actions = new Tail(options.log, options.codec, 'actions')
    this.#raw = new Tail(options.log, options.codec, 'raw')
  }

  /** One order under the faults of a scenario; null: under none. */
  async run(scenario: WriteScenario | null, given: Order): Promise<WriteOutcome> {
    await Promise.all([this.#actions.skip(), this.#raw.skip()])
    const world = this.#subject.reset()
    const untouched = world.copy()
    const others = (act: (world: World) => void): void => [world, untouched].forEach(act)
    const order = scenario?.account === undefined ? given : moved(given, scenario.account, others)
    const faults = scenario?.faults({ order, world, others }) ?? []
    this.#subject.arm(faults)
    await this.#carryOut(order, scenario)
    const results = (await this.#actions.news()).filter((record) => record.type === 'WriteResult')
    const marks = (await this.#raw.news()).filter((record) => record.type === 'Written')
    const wrong = judgeWrite({ order, native: this.#native, results, marks, untouched, after: world, unanswered: await this.#unanswered() }, scenario?.expected ?? ['applied'])
    for (const fault of faults) if (fault.fired === 0) wrong.push(`${fault.name}: it never happened, nothing was tried`)
    return { fired: Math.min(...faults.map(({ fired }) => fired)), wrong, said: `${results.map(({ verdict }) => verdict).join(', ')}: ${results.at(-1)?.reason ?? ''}` }
  }

  readonly #native = (operation: Operation): Operation => {
    const { ref } = operation
    return ref === null || this.#subject.called === undefined ? operation : { ...operation, ref: this.#subject.called(ref.id) }
  }

  /** After a moment for the ends of answers that were read already. */
  async #unanswered(): Promise<number> {
    for (let waits = 0; waits < 20 && this.#subject.unanswered() > 0; waits++) await new Promise((done) => setTimeout(done, 10))
    return this.#subject.unanswered()
  }

  async #carryOut({ operations, account }: Order, scenario: WriteScenario | null): Promise<void> {
    const { clock } = this.#options
    const id = `write-${this.#runs++}`
    const command: WriteCommand = { id, account, operations: operations.map(this.#native), finding: id, version: '1', position: { topic: 'commands', partition: 0, offset: this.#runs, index: 0 } }
    const controller = new AbortController()
    const owner = (): Promise<WriteExecutor> => this.#owner(id, scenario?.callMs ?? callMs, controller.signal)
    let executor = await owner()
    if (scenario?.again === 'dies') {
      await dying(executor.obey([command]))
      executor = await owner()
    }
    await executor.obey(scenario?.again === 'twice' ? [command, command] : [command])
    if (scenario?.again === 'later') {
      executor = await owner()
      await executor.obey([command])
    }
    for (let looks = 0; looks < 100 && executor.waitMs() !== Infinity; looks++) {
      await clock.sleep(executor.waitMs(), controller.signal)
      await executor.lookAgain()
    }
  }

  /** Takes the application over from whoever had it. */
  async #owner(id: string, leaseMs: number, signal: AbortSignal): Promise<WriteExecutor> {
    const { log, codec, clock, env, baseDir } = this.#options
    const { app } = this.#subject
    const source = new Source(app.name, await openPublisher({ log, codec, clock, id: `app/${app.name}/${id}` }), clock)
    const platform = createPlatform({ app: app.name, config: app.config, clock, signal, env, baseDir })
    return new WriteExecutor({
      source, open: () => app.open(withPriority(platform, 'urgent')), canonical: (native) => canonicalId(app.ids, native),
      visibilityMs, leaseMs, takeoverMs: 0, signal, onEvent: () => undefined,
    })
  }
}

/** The same order about another user, who is there as the first one is. */
function moved({ name, account, operations }: Order, to: string, others: Situation['others']): Order {
  others((world) => world.put({ ...world.users.get(account)!, id: to }))
  return { name, account: to, operations: operations.map((operation) => ({ ...operation, account: to })) }
}

/** The process ends when its first call has returned. */
async function dying(work: Promise<unknown>): Promise<void> {
  const ended = new Error('the process ended')
  armFaults((point) => {
    if (point === 'write.after-call') throw ended
  })
  try {
    await work
  } catch (error) {
    if (error !== ended) throw error
  } finally {
    armFaults(null)
  }
}
