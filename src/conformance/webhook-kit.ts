import type { Account } from '../../schemas/wire/raw.ts'
import { CommandQueue } from '../connect/command-queue.ts'
import { classesOfMap } from '../connect/declared/mapping.ts'
import { Source } from '../connect/source.ts'
import { WebhookConfig } from '../connect/webhooks/config.ts'
import { WebhookIntake } from '../connect/webhooks/intake.ts'
import { createReceiver, type Receiver } from '../connect/webhooks/receiver.ts'
import { eventOf, hookSettings, type Meaning, missedOf, parcelsAt, type Said, truthOf } from '../hostile/webhook-events.ts'
import { departures, hookSecrets, type Parcel, type Scheme } from '../hostile/webhook-sender.ts'
import { openPublisher } from '../runtime/publisher.ts'
import type { BenchOptions } from './bench.ts'
import { Tail } from './tail.ts'
import type { WebhookScenario } from './webhook-scenarios.ts'

/** What became of deliveries: observations and dead letters, accounts to be read again, and where the receiver took or refused the wrong ones. */
interface Taken {
  accounts: Account[]
  losses: string[]
  reread: string[]
  wrong: string[]
  /** came as the application sent it; at: ms */
  sound: { parcel: Parcel; at: number }[]
}

/** Whoever owns the application at the moment. */
interface Owner {
  /** takes what was delivered */
  work(): Promise<void>
  /** time goes by, and it looks for what is missing when it should */
  pass(ms: number): Promise<void>
}

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
    this.#config = WebhookConfig.parse(hookSettings(scheme, meaning))
    this.#raw = new Tail(options.log, options.codec, 'raw')
    this.#letters = new Tail(options.log, options.codec, 'dead-letters')
  }

  /** What is wrong, in sentences, with what is known in the end. */
  async run(scenario: WebhookScenario | null): Promise<string[]> {
    await Promise.all([this.#raw.skip(), this.#letters.skip()])
    const honest = parcelsAt(this.#options.clock.nowMs())
    const taken = await this.#deliver(scenario?.change(honest) ?? honest, scenario ?? {})
    return this.#judge(taken, honest, scenario?.expected ?? 'exact')
  }

  #judge(taken: Taken, honest: readonly Parcel[], expected: WebhookScenario['expected']): string[] {
    const { wrong, losses } = taken
    const contents = taken.accounts.map(contentOf)
    const said = new Set(honest.map((parcel) => JSON.stringify(eventOf(parcel).user)))
    for (const [at, { id }] of taken.accounts.entries()) if (!said.has(contents[at] ?? '')) wrong.push(`of ${id} something is told that the application never said`)
    if (new Set(contents).size !== contents.length) wrong.push('a delivery counted twice')
    const known = this.#meaning === 'content' ? new Map(taken.accounts.map((record, at) => [record.id, contents[at]])) : null
    const isKnown = (id: string, user: Said): boolean => (known === null ? taken.reread.includes(id) : known.get(id) === JSON.stringify(user))
    const missed = [...truthOf(honest)].filter(([id, user]) => !isKnown(id, user)).map(([id]) => id)
    if (missed.length > 0 && losses.length === 0) wrong.push(`${missed.join(', ')} is not as the application says, and no loss is told`)
    const { numbers } = missedOf(honest, taken.sound)
    if (numbers.length > 0 && losses.length === 0) wrong.push(`number ${numbers.join(', ')} never came, and no loss is told`)
    if (expected === 'exact' && missed.length + losses.length > 0) wrong.push(`something was lost: ${[...missed, ...losses].join('; ')}`)
    if (expected === 'named' && losses.length === 0) wrong.push('something was lost, and nobody is told')
    return wrong
  }

  async #deliver(parcels: readonly Parcel[], { restarts = false, lookAfterMs = 61_000 }: Partial<WebhookScenario>): Promise<Taken> {
    const { log, codec, clock } = this.#options
    const app = `hooks-${this.#runs++}`
    const receiver = this.#wrap(createReceiver(app, this.#config, [hookSecrets[this.#scheme]]))
    const taken: Taken = { accounts: [], losses: [], reread: [], wrong: [], sound: [] }
    const http = await openPublisher({ log, codec, clock, id: `http/${app}` })
    const owner = async (): Promise<Owner> => this.#owner(app, taken)
    let current = await owner()
    let left = 0
    for await (const { parcel, sent, forged } of departures(this.#scheme, parcels, { nowMs: () => clock.nowMs(), pass: (ms) => current.pass(ms) })) {
      if (restarts && left++ === parcels.length >> 1) current = await owner()
      const received = receiver.receive(sent, clock.nowMs())
      if ('refused' in received === !forged) taken.wrong.push(`${parcel.id} ${forged ? 'was taken, and is forged' : 'was refused, and is the application’s'}`)
      if (!forged) taken.sound.push({ parcel, at: clock.nowMs() })
      if ('delivery' in received) await http.publish([{ topic: 'commands', key: app, record: received.delivery }])
      await current.work()
    }
    await current.pass(lookAfterMs)
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
          taken.reread.push(...accounts.map((id) => id.toLowerCase()))
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

const contentOf = ({ native, attributes, memberships }: Account): string => {
  const said: Said = { id: native, name: attributes?.display ?? '', active: attributes?.status === 'active', groups: memberships?.added.map(({ ref }) => ref.id) ?? [] }
  return JSON.stringify(said)
}
