import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { partitionOf } from '../../src/core/partition.ts'
import type { How, Name } from './history.ts'
import {
  accountRecord, classOfFeed, definitionRecord, feedOf, idOf, intentKinds, intentRecord, objectsOf, type IntentObject, type Keyed, type Moment,
} from './records.ts'
import type { World, WorldAccount } from './world.ts'

/** What a source's run publishes to: an application's to raw, a feed's to intent. */
export type Publication = { topic: 'raw'; key: string | null; record: RecordOf<'raw'> } | { topic: 'intent'; key: string | null; record: RecordOf<'intent'> }

export interface Desk {
  readonly world: World
  readonly partitions: number
  /** of the source's own clock, microseconds */
  stamp(source: string): number
  /** when this became so, if the source says, ms */
  validOf(name: Name): number | null
  publish(publication: Publication): void
}

const accountClasses = ['accounts', 'memberships', 'grants', 'credentials']

/** One run of one source, page by page; what the caller does between two steps happens between two pages. */
export class Reading {
  readonly #desk: Desk
  readonly #source: string
  readonly #run: number
  readonly #how: How
  readonly #isApp: boolean
  readonly #spool: Publication[] = []
  readonly #counts = new Map<string, number[]>()
  #page = 0
  #object = 0

  constructor(desk: Desk, source: string, run: number, how: How) {
    this.#desk = desk
    this.#source = source
    this.#run = run
    this.#how = how
    this.#isApp = classOfFeed[source] === undefined
  }

  *pages(): Generator<void> {
    const { loss, spooled } = this.#how
    const mark = { source: this.#source, run: this.#run }
    const mode = loss === 'filtered' ? 'filtered' : 'snapshot'
    this.#send({ type: 'RunBegin', ...mark, observed: this.#stamp(), mode, classes: this.#isApp ? ['definitions', ...accountClasses] : [this.#class] })
    yield
    if (this.#isApp) yield* this.#definitions()
    else if (this.#class === 'business-roles') yield* this.#objects(this.#class)
    const first = this.#isApp ? 'definitions' : 'business-roles'
    this.#send({ type: 'DefinitionsEnd', ...mark, observed: this.#stamp(), manifest: this.#manifest(first) })
    if (this.#isApp) yield* this.#accounts()
    else if (this.#class !== 'business-roles') yield* this.#objects(this.#class)
    const classes = this.#isApp ? ['definitions', ...accountClasses] : [this.#class]
    const end = { type: 'RunEnd', ...mark, observed: this.#stamp(), classes: classes.map((name) => this.#manifest(name)) } as const
    if (loss !== 'abandoned') this.#send(end)
    if (!spooled) return
    yield
    for (const publication of this.#spool) this.#desk.publish(publication)
  }

  *#definitions(): Generator<void> {
    const listed = (): string[] => Object.keys(this.#desk.world.apps[this.#source]!.definitions).sort()
    yield* this.#paged(listed, (name) => name, 'definitions', (name) => {
      const valid = this.#desk.validOf({ of: 'definition', app: this.#source, id: name })
      return definitionRecord(this.#source, name, this.#desk.world.apps[this.#source]!.definitions[name], this.#moment(valid))
    })
  }

  *#accounts(): Generator<void> {
    const listed = (): WorldAccount[] => [...this.#desk.world.apps[this.#source]!.accounts].sort((a, b) => (a.id < b.id ? -1 : 1))
    yield* this.#paged(listed, ({ id }) => id, 'accounts', (account) => {
      const valid = this.#desk.validOf({ of: 'account', app: this.#source, id: account.id })
      return accountRecord(this.#source, account, this.#moment(valid))
    })
  }

  *#objects(name: string): Generator<void> {
    const kind = intentKinds.find((of) => feedOf[of] === this.#source)!
    yield* this.#paged(() => objectsOf(this.#desk.world, kind), idOf, name, (object: IntentObject) => {
      return intentRecord(object, this.#moment(this.#desk.validOf({ of: kind, id: idOf(object) })))
    })
  }

  /** Each page is read from the world as it is then: all of a page has one stamp. */
  *#paged<T>(list: () => T[], nameOf: (item: T) => string, of: string, spell: (item: T) => Keyed<RecordOf<'raw' | 'intent'>>): Generator<void> {
    const { pageSize, loss, at } = this.#how
    if (loss === 'blind') return
    const lostHere = loss === (of === 'definitions' ? 'definitions' : 'page')
    for (let after = '', page = 0; ; page++) {
      const items = list().filter((item) => nameOf(item) > after).slice(0, pageSize)
      if (items.length === 0) return
      after = nameOf(items.at(-1)!)
      this.#page = this.#stamp()
      for (const item of items) {
        if (lostHere && page === at % 3) continue
        this.#show(of, nameOf(item), spell(item))
      }
      yield
    }
  }

  #show(of: string, id: string, { key, record }: Keyed<RecordOf<'raw' | 'intent'>>): void {
    const { loss, at, rejected } = this.#how
    const n = this.#object++
    if (loss === 'filtered' && n % 2 === at % 2) return
    const counts = this.#counts.get(of) ?? Array.from({ length: this.#desk.partitions }, () => 0)
    this.#counts.set(of, counts)
    counts.forEach((_, p) => {
      if (key === null || p === partitionOf(key, counts.length)) counts[p]! += 1
    })
    if (loss === 'record' && n === at) return
    if (n !== rejected || of === 'definitions') this.#send(record, key)
    else if (this.#isApp) this.#send({ type: 'Seen', app: this.#source, id, run: this.#run }, key)
    else this.#send({ type: 'IntentSeen', feed: this.#source, run: this.#run, class: this.#class, id }, key)
  }

  #manifest(name: string): ClassManifest {
    const { loss } = this.#how
    const partial = loss === 'abandoned' || (name === 'definitions' ? loss === 'definitions' : loss === 'page' || (!this.#isApp && loss === 'definitions'))
    const counts = this.#counts.get(accountClasses.includes(name) ? 'accounts' : name) ?? Array.from({ length: this.#desk.partitions }, () => 0)
    const verdict = partial ? 'partial' : loss === 'unknown' ? 'unknown' : 'complete'
    const reason = verdict === 'complete' ? null : `${loss} lost`
    return { class: name, verdict, reason, place: null, read: 0, declared: null, rejected: 0, counts: [...counts] }
  }

  #send(record: RecordOf<'raw' | 'intent'>, key: string | null = null): void {
    const publication = { topic: this.#isApp ? 'raw' : 'intent', key, record } as Publication
    if (this.#how.spooled) this.#spool.push(publication)
    else this.#desk.publish(publication)
  }

  #moment(valid: number | null): Moment {
    return { run: this.#run, observed: this.#page, valid }
  }

  #stamp(): number {
    return this.#desk.stamp(this.#source)
  }

  get #class(): string {
    return classOfFeed[this.#source] ?? 'accounts'
  }
}
