import type { Account } from '../../schemas/wire/raw.ts'
import { CommandQueue } from '../connect/command-queue.ts'
import { classesOfMap } from '../connect/declared/mapping.ts'
import { Source } from '../connect/source.ts'
import { WebhookConfig } from '../connect/webhooks/config.ts'
import { WebhookIntake } from '../connect/webhooks/intake.ts'
import { createReceiver, type Receiver } from '../connect/webhooks/receiver.ts'
import { hookSecrets, type Parcel, type Scheme, send } from '../hostile/webhook-sender.ts'
import { openPublisher } from '../runtime/publisher.ts'
import type { BenchOptions } from './bench.ts'
import { Tail } from './tail.ts'
import type { WebhookScenario } from './webhook-scenarios.ts'

/** What became of deliveries: observations and dead letters, accounts to be read again, what the sender was refused. */
interface Taken {
  accounts: Account[]
  losses: string[]
  reread: string[]
  refused: number
}

/** Whoever owns the application at the moment. */
interface Owner {
  /** takes what was delivered */
  work(): Promise<void>
  /** time goes by, and it looks for what is missing when it should */
  pass(ms: number): Promise<void>
}

/** `content`: a delivery says everything of its account. `hints`: it says which account to read again. */
export type Meaning = 'content' | 'hints'

const users = ['ann', 'a/b', '名前', 'Bob', 'ann', 'bob']

/** Six deliveries about four accounts, the third alone about its own. */
const parcelsAt = (nowMs: number): Parcel[] =>
  users.map((id, at) => ({
    id: `msg-${at}`, signedAt: nowMs,
    body: JSON.stringify({ seq: at + 1, at: new Date(nowMs + at).toISOString(), user: { id, name: `Name ${at}`, active: at % 2 === 0, groups: [`g${at}`] } }),
  }))

const lookAfterMs = 61_000

/** Runs webhook scenarios through receiver, log and intake. */
export class WebhookKit {
  readonly #options: BenchOptions
  readonly #config: WebhookConfig
  readonly #scheme: Scheme
  readonly #meaning: Meaning
  readonly #wrap: (receiver: Receiver) => Receiver
  readonly #raw: Tail<'raw'>
  readonly #letters: Tail<'dead-letters'>
  #runs = 0

  /** `wrap`: another receiver instead of the platform's */
  constructor(options: BenchOptions, scheme: Scheme, meaning: Meaning, wrap: (receiver: Receiver) => Receiver = (receiver) => receiver) {
    this.#options = options
    this.#scheme = scheme
    this.#meaning = meaning
    this.#wrap = wrap
    this.#config = configOf(scheme, meaning)
    this.#raw = new Tail(options.log, options.codec, 'raw')
    this.#letters = new Tail(options.log, options.codec, 'dead-letters')
  }

  /** What is wrong, in sentences, with what is known in the end. */
  async run(scenario: WebhookScenario | null): Promise<string[]> {
    await Promise.all([this.#raw.skip(), this.#letters.skip()])
    const parcels = parcelsAt(this.#options.clock.nowMs())
    const honest = await this.#deliver(parcels, false, lookAfterMs)
    const sent = scenario?.change(parcelsAt(this.#options.clock.nowMs())) ?? []
    const taken = scenario === null ? honest : await this.#deliver(sent, scenario.restarts === true, scenario.lookAfterMs ?? lookAfterMs)
    return this.#judge(taken, honest, scenario?.expected ?? 'exact')
  }

  #judge(taken: Taken, honest: Taken, expected: WebhookScenario['expected']): string[] {
    const missed = this.#meaning === 'content' ? differing(taken.accounts, honest.accounts) : honest.reread.filter((id) => !taken.reread.includes(id))
    const made = taken.accounts.filter((record) => !honest.accounts.some((other) => contentOf(other) === contentOf(record)))
    const wrong = made.map(({ id }) => `of ${id} something is told that the application never said`)
    const contents = taken.accounts.map(contentOf)
    if (new Set(contents).size !== contents.length) wrong.push('a delivery counted twice')
    if (missed.length > 0 && taken.losses.length === 0) wrong.push(`${missed.join(', ')} is not as the application says, and no loss is told`)
    if (expected === 'exact' && missed.length + taken.losses.length > 0) wrong.push(`something was lost: ${[...missed, ...taken.losses].join('; ')}`)
    if (expected === 'named' && taken.losses.length === 0) wrong.push('something was lost, and nobody is told')
    return wrong
  }

  async #deliver(parcels: readonly Parcel[], restarts: boolean, lookAfter: number): Promise<Taken> {
    const { log, codec, clock } = this.#options
    const app = `hooks-${this.#runs++}`
    const receiver = this.#wrap(createReceiver(app, this.#config, [hookSecrets[this.#scheme]]))
    const taken: Taken = { accounts: [], losses: [], reread: [], refused: 0 }
    const http = await openPublisher({ log, codec, clock, id: `http/${app}` })
    const owner = async (): Promise<Owner> => this.#owner(app, taken)
    let current = await owner()
    for (const [at, parcel] of parcels.entries()) {
      if (parcel.headers?.['lost'] !== undefined) continue
      if (restarts && at === Math.floor(parcels.length / 2)) current = await owner()
      await current.pass(parcel.afterMs ?? 0)
      const received = receiver.receive(send(this.#scheme, parcel), clock.nowMs())
      if ('refused' in received) taken.refused += 1
      else await http.publish([{ topic: 'commands', key: app, record: received.delivery }])
      await current.work()
    }
    await current.pass(lookAfter)
    taken.accounts.push(...(await this.#raw.news()).filter((record): record is Account => record.type === 'Account'))
    taken.losses.push(...(await this.#letters.news()).map(({ reason, place }) => `${reason} (${place})`))
    return taken
  }

  async #owner(app: string, taken: Taken): Promise<Owner> {
    const { log, codec, clock } = this.#options
    const source = new Source(app, await openPublisher({ log, codec, clock, id: `app/${app}` }), clock)
    const { map = [], expectEverySeconds } = this.#config
    const intake = new WebhookIntake({
      source, canonical: (native) => native.toLowerCase(), classes: classesOfMap(map), expectEveryMs: expectEverySeconds === null ? null : expectEverySeconds * 1_000, onEvent: () => undefined,
    })
    const queue = new CommandQueue(log, codec, source)
    const look = async (): Promise<void> => {
      if (await intake.look()) taken.losses.push('something is missing')
    }
    return {
      async work() {
        for (let batch = await queue.next(); batch !== null; batch = await queue.next()) {
          const { accounts, lost, checkpoint } = await intake.take(batch.deliveries)
          taken.reread.push(...accounts)
          if (lost) taken.losses.push('it is read whole')
          await source.publish([], new Map([...batch.checkpoint, ...checkpoint]))
        }
        await look()
      },
      async pass(ms) {
        for (let left = ms; left > 0;) {
          const part = Math.min(left, intake.waitMs() + 1)
          await clock.sleep(part, new AbortController().signal)
          await look()
          left -= part
        }
      },
    }
  }
}

function configOf(kind: Scheme, meaning: Meaning): WebhookConfig {
  const content = {
    whole: true,
    map: [
      { piece: 'account', id: 'row.user.id', display: 'row.user.name', status: 'row.user.active' },
      { piece: 'membership', for: 'row.user.groups', account: 'row.user.id', id: 'item' },
    ],
  }
  return WebhookConfig.parse({
    verify: { kind, secrets: ['env:HOOK'] }, sequence: 'body.?seq', time: 'body.at', expectEverySeconds: 900, ...(meaning === 'content' ? content : { accounts: 'body.user.id' }),
  })
}

const contentOf = ({ native, attributes, memberships }: Account): string => JSON.stringify([native, attributes, memberships])

/** Ids of accounts whose last observation is another one. */
function differing(told: readonly Account[], truth: readonly Account[]): string[] {
  const last = (records: readonly Account[]): Map<string, string> => new Map(records.map((record) => [record.id, contentOf(record)]))
  const known = last(told)
  return [...last(truth)].filter(([id, content]) => known.get(id) !== content).map(([id]) => id)
}
