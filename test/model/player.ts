import type { AppSetting, Brake } from '../../schemas/settings.ts'
import type { Ruling } from '../../schemas/wire/common.ts'
import { flawless, type Change, type History, type How, type Name, type Step } from './history.ts'
import { Reading, type Desk, type Publication } from './reading.ts'
import { accountRecord, classOfFeed, deltaRecord, definitionRecord, feedOf, goneRecord, intentRecord, type Moment } from './records.ts'
import { appSettingOf, openBrake, settingRecord, sourcesOf } from './settings.ts'
import { Topology, type TopologyOptions } from './topology.ts'
import { Truth } from './truth.ts'
import type { World, WorldAccount } from './world.ts'

export const startOfTime = Date.UTC(2026, 0, 1)
const HOUR_MS = 3_600_000

/** Plays a history: the world changes, its sources tell of it, and the three processors work. */
export class Player implements Desk {
  readonly topology: Topology
  readonly truth: Truth
  readonly #history: History
  readonly #stamps = new Map<string, number>()
  readonly #runs = new Map<string, number>()
  readonly #revisions = new Map<string, number>()
  readonly #brakes = new Map<string, Brake>()
  #answered = 0
  /** takes flickers back */
  readonly #owed: Change[] = []
  /** every change of the world is told at once */
  #telling = false

  constructor(history: History, options: Omit<TopologyOptions, 'seed'>) {
    this.#history = history
    this.topology = new Topology({ ...options, seed: history.seed })
    this.truth = new Truth(history, startOfTime)
    this.#set('policy', history.policy)
    for (const [name, { setting }] of Object.entries(this.world.apps)) this.#set(`app/${name}`, setting)
    this.#setSources()
    this.wait(0)
  }

  get world(): World {
    return this.truth.world
  }

  get partitions(): number {
    return this.topology.partitions
  }

  /** All of it: the steps, a complete run of everything, the tail, and a last tick. */
  play(): void {
    this.steps(this.#history.steps)
    this.readAll()
    this.#telling = true
    this.steps(this.#history.tail)
    this.#telling = false
    this.wait(1)
    this.settle()
  }

  steps(steps: readonly Step[]): void {
    for (const step of steps) this.#step(step)
  }

  /** Complete runs of everything that is read, with no brake and nothing that is referred to and not defined. */
  readAll(order: readonly string[] = this.#history.order): void {
    this.#brakes.clear()
    this.#setSources()
    for (const app of Object.keys(this.world.apps)) {
      this.#setApp(app, { brake: openBrake })
      for (const name of this.truth.dangling(app)) this.truth.apply({ do: 'put-definition', app, name, children: [] })
    }
    for (const source of order) this.read(source, flawless)
  }

  /** Everything is processed, and what was asked of applications is answered. */
  settle(): void {
    do this.topology.drain()
    while (this.#answer())
  }

  wait(hours: number): void {
    this.world.now += hours * HOUR_MS
    for (const topic of ['intent', 'raw', 'facts'] as const) this.topology.publish(topic, null, { type: 'Tick', at: this.world.now })
  }

  /** A run that another of the same source overtakes is abandoned. */
  read(source: string, how: How, during: readonly Step[] = []): void {
    const app = this.world.apps[source]
    if (app === undefined ? classOfFeed[source] === undefined : app.setting.state === 'retired') return
    const run = (this.#runs.get(source) ?? 0) + 1
    this.#runs.set(source, run)
    let next = 0
    for (const _page of new Reading(this, source, run, how).pages()) {
      this.#turnBack()
      if (next < during.length) this.#step(during[next++]!)
      if (this.#runs.get(source) !== run) break
    }
    this.#turnBack()
    this.steps(during.slice(next))
    this.#turnBack()
  }

  stamp(source: string): number {
    const stamp = Math.max(this.world.now * 1_000, (this.#stamps.get(source) ?? 0) + 1)
    this.#stamps.set(source, stamp)
    return stamp
  }

  validOf(name: Name): number | null {
    return this.#history.dated ? this.truth.changedAt(name) : null
  }

  publish({ topic, key, record }: Publication): void {
    if (record.type === 'Identity') this.truth.tell(record)
    this.topology.publish(topic, key, record)
  }

  #step(step: Step): void {
    switch (step.do) {
      case 'run':
        this.read(step.source, step.how, step.during)
        return
      case 'flicker': {
        const back = this.truth.inverse(step.change)
        if (back !== null && this.truth.apply(step.change) !== null) this.#owed.push(back)
        return
      }
      case 'tell':
        this.#tell(step.object, null)
        return
      case 'wait':
        this.wait(step.hours)
        return
      case 'setting':
        if (this.world.apps[step.app] !== undefined) this.#setApp(step.app, step.value)
        return
      case 'brake':
        if (classOfFeed[step.source] === undefined) this.#setApp(step.source, { brake: step.brake })
        else {
          this.#brakes.set(step.source, step.brake)
          this.#setSources()
        }
        return
      case 'rule':
        this.#rule(step.source, step.kind)
        return
      case 'work':
        this.topology.work(step.records)
        this.#answer()
        return
      default:
        this.#change(step)
    }
  }

  #turnBack(): void {
    for (const change of this.#owed.splice(0).reverse()) this.#change(change)
  }

  #change(change: Change): void {
    const before = change.do === 'put-account' ? this.truth.account(change.app, change.value.id) : undefined
    const dropped = change.do === 'drop' ? this.truth.object(change.object.of, change.object.id) : undefined
    const name = this.truth.apply(change)
    if (!this.#telling || name === null) return
    if (change.do === 'drop') {
      if (dropped === undefined) return
      const { key, record } = intentRecord(dropped, this.#moment(feedOf[dropped.of], name), true)
      this.publish({ topic: 'intent', key, record })
      return
    }
    if ('app' in name) for (const missing of this.truth.dangling(name.app)) this.#change({ do: 'put-definition', app: name.app, name: missing, children: [] })
    this.#tell(name, before ?? null)
  }

  /** An event. `before`: what is known of the account for certain, so that the difference is enough. */
  #tell(name: Name, before: WorldAccount | null): void {
    if ('app' in name) {
      const app = this.world.apps[name.app]
      if (app === undefined || app.setting.state === 'retired') return
      const moment = this.#moment(name.app, name)
      if (name.of === 'definition') this.publish({ topic: 'raw', ...definitionRecord(name.app, name.id, app.definitions[name.id], moment) })
      else this.#tellAccount(name.app, name.id, before, moment)
      return
    }
    const object = this.truth.object(name.of, name.id)
    if (object !== undefined) this.publish({ topic: 'intent', ...intentRecord(object, this.#moment(feedOf[name.of], name)) })
  }

  #tellAccount(app: string, id: string, before: WorldAccount | null, moment: Moment): void {
    const account = this.truth.account(app, id)
    if (account === undefined) this.publish({ topic: 'raw', ...goneRecord(app, id, moment) })
    else if (before === null || moment.observed % 2 === 0) this.publish({ topic: 'raw', ...accountRecord(app, account, moment) })
    else this.publish({ topic: 'raw', ...deltaRecord(app, before, account, moment) })
  }

  #moment(source: string, name: Name): Moment {
    return { run: null, observed: this.stamp(source), valid: this.validOf(name) }
  }

  /** Reads each account singly that was asked for since the last time; true if any was. */
  #answer(): boolean {
    const asked = this.topology.outputs.slice(this.#answered).flatMap(({ record }) => (record.type === 'Command' ? [record] : []))
    this.#answered = this.topology.outputs.length
    for (const { app, account } of asked) if (account !== null) this.#tell({ of: 'account', app, id: account }, null)
    return asked.length > 0
  }

  #rule(source: string, kind: Ruling['kind']): void {
    if (kind === 'retire') this.truth.steady = false
    const ruling = { type: 'Ruling', source, kind, run: this.#runs.get(source) ?? null, by: 'ann', reason: 'seen', at: this.world.now } as const
    for (const topic of ['intent', 'raw', 'facts'] as const) this.topology.publish(topic, null, ruling)
  }

  #setApp(app: string, change: Partial<AppSetting>): void {
    const of = this.world.apps[app]
    if (of === undefined) return
    of.setting = appSettingOf({ ...of.setting, ...change })
    this.#set(`app/${app}`, of.setting)
  }

  #setSources(): void {
    this.#set('sources', sourcesOf(Object.keys(this.world.apps), this.partitions, this.#brakes))
  }

  #set(name: string, value: unknown): void {
    const revision = (this.#revisions.get(name) ?? 0) + 1
    this.#revisions.set(name, revision)
    for (const topic of ['intent', 'raw', 'facts'] as const) this.topology.publish(topic, null, settingRecord(name, revision, value))
  }
}
