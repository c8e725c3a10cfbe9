import type { Account, Assignment, Ref } from '../../../schemas/wire/raw.ts'
import { digest } from '../../core/canonical.ts'
import { accountKey } from '../../core/keys.ts'
import type { Mapped, ObservedClass } from '../../ports/connector.ts'
import type { Outgoing } from '../../runtime/publisher.ts'
import { type PlacedPiece, assembleAccount } from '../assemble.ts'
import type { Delivery } from '../command-queue.ts'
import type { OnEvent } from '../events.ts'
import { type LetterContent, deadLetter } from '../letters.ts'
import { accountOf, checkPieces, classOf } from '../pieces.ts'
import type { Source } from '../source.ts'
import { Seen } from './seen.ts'

interface IntakeOptions {
  source: Source
  canonical(native: string): string
  /** classes that a delivery tells of */
  classes: readonly ObservedClass[]
  /** longer silence than this is a loss, ms; null: nothing is expected */
  expectEveryMs: number | null
  onEvent: OnEvent
}

interface Taken {
  /** native ids, to be read again */
  accounts: string[]
  /** something was lost: the application should be read whole, where it can */
  lost: boolean
  /** marks of what is read again: goes into the transaction that carries the result */
  checkpoint: ReadonlyMap<string, unknown>
}

interface Watch {
  /** ms, of the last delivery; of the first look where there was none */
  last: number
  silent: boolean
  sequence: number | null
  /** the first number that came, and when, ms: lower ones may have been overtaken by it */
  begun?: { sequence: number; at: number }
  /** deliveries that were overtaken, with the time they were missed, ms */
  missing: { sequence: number; since: number }[]
}

const watchKey = 'webhook'
/** a delivery that others overtook may still come for so long */
const overtakenMs = 60_000
const maxMissing = 1_000
const passed = 'its number was passed already: it came under another id before, was given up, or the application counts anew; where it is older it changed nothing'

/**
 * Deliveries as their application's owner takes them: each once, however often it came; none that is older than what is known of its
 * account; and what is missing, or a silence, told as a loss.
 */
export class WebhookIntake {
  readonly #options: IntakeOptions
  readonly #seen: Seen
  #told = ''

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#seen = new Seen(options.source)
  }

  /** What content deliveries say is published here, with the marks that keep it from being said twice. */
  async take(deliveries: readonly Delivery[]): Promise<Taken> {
    const { source } = this.#options
    if (deliveries.length === 0) return { accounts: [], lost: false, checkpoint: new Map() }
    const now = source.clock.nowMs()
    const watch = this.#watch(now)
    const hints = deliveries.filter(isHint)
    const others = deliveries.filter((delivery) => !isHint(delivery))
    for (const { received } of deliveries) watch.last = Math.max(watch.last, received)
    watch.silent = false
    const said = await this.#say(others, watch, now)
    const checkpoint = new Map<string, unknown>()
    const fresh = hints.filter(({ id }) => this.#seen.first(id, now, checkpoint))
    for (const delivery of fresh) this.#order(watch, delivery, now)
    checkpoint.set(watchKey, watch)
    this.#tell(watch, fresh.length + said.taken)
    return { accounts: fresh.flatMap(({ accounts }) => accounts), lost: said.lost, checkpoint }
  }

  /** What is known of a delivery alone is published with its mark, in one transaction. A process that begins anew reads the application whole anyway. */
  async #say(deliveries: readonly Delivery[], watch: Watch, now: number): Promise<{ taken: number; lost: boolean }> {
    const checkpoint = new Map<string, unknown>()
    const fresh = deliveries.filter(({ id }) => this.#seen.first(id, now, checkpoint))
    if (fresh.length === 0) return { taken: 0, lost: false }
    const outgoing = fresh.flatMap((delivery) => [
      ...(this.#order(watch, delivery, now) ? [] : [this.#letter('webhook-order', passed, `delivery ${delivery.id}, sequence ${delivery.sequence ?? ''}`)]),
      ...(delivery.rejected === null ? this.#content(delivery, checkpoint) : [this.#letter('webhook', delivery.rejected, `delivery ${delivery.id}`)]),
    ])
    checkpoint.set(watchKey, watch)
    await this.#options.source.publish(outgoing, checkpoint)
    return { taken: fresh.length, lost: fresh.some(({ rejected }) => rejected !== null) }
  }

  /** Tells whoever watches, where it is not what was told last. */
  #tell({ last, silent, missing }: Watch, taken: number): void {
    const { source, onEvent } = this.#options
    const telling = `${last} ${silent} ${missing.length}`
    if (taken === 0 && telling === this.#told) return
    this.#told = telling
    onEvent({ event: 'deliveries', source: source.name, taken, lastAt: last, silent, missing: missing.length })
  }

  /** Looks for what did not come; answers whether something was lost. */
  async look(): Promise<boolean> {
    const { source, expectEveryMs, onEvent } = this.#options
    const now = source.clock.nowMs()
    const watch = this.#watch(now)
    const letters: Outgoing[] = []
    const late = watch.missing.filter(({ since }) => now - since >= overtakenMs)
    if (late.length > 0) {
      watch.missing = watch.missing.filter((one) => !late.includes(one))
      const [first, last] = [late[0]!.sequence, late.at(-1)!.sequence]
      letters.push(this.#letter('webhook-gap', `${late.length} deliveries never came`, `sequence ${first}${last === first ? '' : ` to ${last}`}`))
    }
    if (expectEveryMs !== null && !watch.silent && now - watch.last > expectEveryMs) {
      watch.silent = true
      letters.push(this.#letter('webhook-silence', `nothing was delivered for ${Math.round((now - watch.last) / 1_000)} s`, `since ${new Date(watch.last).toISOString()}`))
    }
    this.#tell(watch, 0)
    if (letters.length === 0 && source.kept(watchKey) !== undefined) return false
    for (const { record } of letters) {
      if (record.type === 'DeadLetter') onEvent({ event: 'problem', source: source.name, doing: 'waiting for webhooks', reason: `${record.reason} (${record.place})`, nextInMs: null })
    }
    await source.publish(letters, new Map([[watchKey, watch]]))
    return letters.length > 0
  }

  /** ms until `look` may find something; Infinity where nothing is expected. */
  waitMs(): number {
    const { source, expectEveryMs } = this.#options
    const now = source.clock.nowMs()
    const watch = this.#watch(now)
    const missed = watch.missing.map(({ since }) => since + overtakenMs - now)
    const silence = expectEveryMs === null || watch.silent ? Infinity : watch.last + expectEveryMs + 1 - now
    return Math.max(0, Math.min(silence, ...missed))
  }

  #watch(now: number): Watch {
    return structuredClone(this.#options.source.kept<Watch>(watchKey)) ?? { last: now, silent: false, sequence: null, missing: [] }
  }

  /** False where its number was passed already and nobody misses it. */
  #order(watch: Watch, { sequence }: Delivery, now: number): boolean {
    if (sequence === null) return true
    watch.begun ??= { sequence, at: now }
    const isEarly = sequence < watch.begun.sequence && now - watch.begun.at < overtakenMs
    const isExpected = watch.sequence === null || sequence > watch.sequence || isEarly || watch.missing.some((one) => one.sequence === sequence)
    watch.missing = watch.missing.filter((one) => one.sequence !== sequence)
    if (watch.sequence !== null) {
      for (let missing = watch.sequence + 1; missing < sequence && watch.missing.length < maxMissing; missing++) watch.missing.push({ sequence: missing, since: now })
    }
    watch.sequence = Math.max(watch.sequence ?? sequence, sequence)
    return isExpected
  }

  #content(delivery: Delivery, checkpoint: Map<string, unknown>): Outgoing[] {
    const { source } = this.#options
    const canonical = (native: string): string => this.#options.canonical(native)
    const pieces = checkPieces(JSON.parse(delivery.pieces))
    const removed = checkPieces(JSON.parse(delivery.removed))
    const natives = new Map<string, string>()
    for (const native of [...[...pieces, ...removed].map(accountOf), delivery.gone]) if (native !== null) natives.set(canonical(native), native)
    return [...natives].flatMap(([id, native]): Outgoing[] => {
      if (!this.#isNewest(id, delivery, checkpoint)) return []
      const of = (all: readonly Mapped[]): Mapped[] => all.filter((piece) => canonical(accountOf(piece) ?? '') === id)
      const gone = delivery.gone !== null && canonical(delivery.gone) === id
      const record = gone ? goneAccount(source, id, native) : this.#account(id, native, of(pieces), of(removed), delivery)
      return [{ topic: 'raw', key: accountKey(source.name, id), record }]
    })
  }

  /** By the application's own order where it gives one, else by arrival. */
  #isNewest(id: string, { sequence, time }: Delivery, checkpoint: Map<string, unknown>): boolean {
    const order = sequence ?? time
    if (order === null) return true
    const key = `webhook/account/${digest(id)}`
    const known = checkpoint.get(key) ?? this.#options.source.kept<number>(key)
    if (typeof known === 'number' && (known > order || (known === order && sequence !== null))) return false
    checkpoint.set(key, order)
    return true
  }

  #account(id: string, native: string, pieces: readonly Mapped[], removed: readonly Mapped[], { whole, id: delivery }: Delivery): Account {
    const { source, classes } = this.#options
    const stamp = source.stamp()
    const told = new Set<ObservedClass>(whole ? classes : pieces.map(({ piece }) => classOf[piece]))
    const placed = pieces.map((piece): PlacedPiece => ({ native: accountOf(piece) ?? native, stamp, place: `delivery ${delivery}`, piece }))
    const frame = { app: source.name, run: null, has: told, whole: whole ? told : new Set<ObservedClass>(), asOf: stamp }
    const record = assembleAccount(id, placed, frame).record ?? { ...goneAccount(source, id, native), gone: false, observed: stamp }
    return { ...record, memberships: without(record.memberships, refsOf(removed, 'membership')), grants: without(record.grants, refsOf(removed, 'grant')) }
  }

  #letter(code: string, reason: string, place: string): Outgoing {
    const { source } = this.#options
    const content: LetterContent = { stage: code === 'webhook' ? 'map' : 'read', code, reason, place, record: null, payload: '' }
    return deadLetter(source, null, content)
  }
}

/** It says what to look at, not what is so: it is done when that was read. */
const isHint = ({ accounts, rejected }: Delivery): boolean => rejected === null && accounts.length > 0

type Facet = { whole: boolean; added: Assignment[]; removed: Ref[] }

const without = (facet: Facet | null, removed: Ref[]): Facet | null =>
  removed.length === 0 ? facet : { whole: facet?.whole ?? false, added: facet?.added ?? [], removed }

const refsOf = (pieces: readonly Mapped[], piece: 'membership' | 'grant'): Ref[] =>
  pieces.flatMap((one): Ref[] => {
    if (one.piece !== piece) return []
    return [one.piece === 'membership' ? one.ref : { kind: 'entitlement', id: one.entitlement }]
  })

const goneAccount = (source: Source, id: string, native: string): Account => ({
  type: 'Account', app: source.name, id, native, run: null, observed: source.stamp(), valid: null, gone: true,
  attributes: null, memberships: null, grants: null, credentials: null,
})
