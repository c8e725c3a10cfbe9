import { entitle } from '../../processors/entitle/entitle.ts'
import { normalise } from '../../processors/normalise/normalise.ts'
import { reconcile } from '../../processors/reconcile/reconcile.ts'
import { remediate } from '../../processors/remediate/remediate.ts'
import { AppSetting, PolicySetting, RemedySetting, type IntentClass } from '../../schemas/settings.ts'
import type { ClassManifest, Ruling } from '../../schemas/wire/common.ts'
import type { IntentRecord } from '../../schemas/wire/intent.ts'
import type { Account, Definition } from '../../schemas/wire/raw.ts'
import type { SyncRun } from '../../schemas/wire/results.ts'
import type { Topic } from '../../schemas/wire/topics.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import { accountKey } from '../../src/core/keys.ts'
import { partitionOf } from '../../src/core/partition.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import type { Outgoing } from '../../src/runtime/publisher.ts'
import type { Topology } from '../support/topology.ts'

/** The real processors, and what connectors, feeds and people would publish to them. */
export const types: readonly ProcessorType[] = [entitle, normalise, reconcile, remediate]

/** Days on the topology's clock. */
export const dayMs = 86_400_000

export interface Person {
  id: string
  end?: number
}

export interface Holder {
  id: string
  roles?: string[]
  direct?: string[]
  mail?: string
  kind?: 'human' | 'service'
  owner?: string
}

type IntentObject = Exclude<IntentRecord, { type: 'Tick' | 'Epoch' | 'Part' | 'Setting' | 'Ruling' | 'RunBegin' | 'RunEnd' | 'DefinitionsEnd' | 'IntentSeen' }>

/** Publishes to a topology as the surroundings of a real installation do: runs with manifests that count what was sent. */
export class Surroundings {
  readonly #topology: Topology
  readonly #runs = new Map<string, number>()
  #settings = 0

  constructor(topology: Topology) {
    this.#topology = topology
  }

  /** ms */
  get now(): number {
    return this.#topology.clock.nowMs()
  }

  async settings(apps: Record<string, Partial<AppSetting>>, feeds: [string, IntentClass][]): Promise<void> {
    const { raw, intent, facts } = this.#topology.log.partitions
    const brake = { maxAbsent: 1_000, maxAbsentShare: 1 }
    const values: [string, unknown][] = [
      ...Object.entries(apps).map(([name, value]): [string, unknown] => [
        `app/${name}`, AppSetting.parse({ match: [{ space: 'mail', attribute: 'mail' }], ownerSpace: 'mail', identityMapping: true, brake, ...value }),
      ]),
      ['policy', PolicySetting.parse({ dormantAfterDays: null })],
      ['sources', { apps: Object.keys(apps), feeds: feeds.map(([name, of]) => ({ name, class: of, brake })), partitions: { raw, intent, facts } }],
    ]
    const revision = ++this.#settings
    const corrected = Object.entries(apps).filter(([, { corrections }]) => (corrections ?? null) !== null)
    const setting = (topic: 'raw' | 'intent' | 'facts' | 'actions', name: string, value: unknown): Outgoing => {
      const text = canonical(value)
      return { topic, key: null, record: { type: 'Setting', name, revision, digest: digest(text), value: text } }
    }
    await this.#topology.publish(
      ...values.flatMap(([name, value]) => (['raw', 'intent', 'facts'] as const).map((topic) => setting(topic, name, value))),
      ...corrected.map(([name]) => setting('actions', `remedy/${name}`, RemedySetting.parse({ policy: { otherwise: 'auto' } }))),
    )
  }

  /** A complete run of an application. */
  async snapshot(app: string, roles: Record<string, string[]>, holders: readonly Holder[]): Promise<void> {
    const { run, observed } = this.#begin(app)
    const count = this.#topology.log.partitions.raw
    const counts = new Array<number>(count).fill(0)
    const classes = ['accounts', 'definitions', 'grants', 'memberships']
    const out: Outgoing[] = [this.#syncRun(app, run, 'begin'), { topic: 'raw', key: null, record: { type: 'RunBegin', source: app, run, observed, mode: 'snapshot', classes } }]
    for (const [id, children] of Object.entries(roles)) {
      const record: Definition = {
        type: 'Definition', app, run, observed, valid: null, ref: { kind: 'role', id }, name: null, whole: true, removed: false,
        children: children.map((child) => ({ kind: child.startsWith('role-') ? 'role' : 'entitlement', id: child })),
      }
      out.push({ topic: 'raw', key: null, record })
    }
    const definitions = manifest('definitions', Object.keys(roles).length, counts.map(() => Object.keys(roles).length))
    out.push({ topic: 'raw', key: null, record: { type: 'DefinitionsEnd', source: app, run, observed, manifest: definitions } })
    for (const holder of holders) {
      const key = accountKey(app, holder.id)
      counts[partitionOf(key, count)]!++
      out.push({ topic: 'raw', key, record: accountOf(app, holder, run, observed) })
    }
    const ends = [...['accounts', 'memberships', 'grants'].map((name) => manifest(name, holders.length, counts)), definitions]
    out.push({ topic: 'raw', key: null, record: { type: 'RunEnd', source: app, run, observed, classes: ends } }, this.#syncRun(app, run, 'end', ends))
    await this.#topology.publish(...out)
  }

  /** A change event. */
  async change(app: string, holder: Holder): Promise<void> {
    await this.#topology.publish({ topic: 'raw', key: accountKey(app, holder.id), record: accountOf(app, holder, null, this.now * 1_000) })
  }

  /** A person's ruling. */
  async retire(source: string): Promise<void> {
    const record: Ruling = { type: 'Ruling', source, kind: 'retire', run: null, by: 'eve', reason: 'it was none', at: this.now }
    await this.#topology.publish(...(['raw', 'intent', 'facts'] as const).map((topic): Outgoing => ({ topic, key: null, record })), { topic: 'rulings', key: source, record })
  }

  /** A complete run of a feed. */
  async feed(name: string, of: IntentClass, objects: (base: Facet) => { key: string | null; record: IntentObject }[]): Promise<void> {
    const { run, observed } = this.#begin(name)
    const sent = objects({ feed: name, run, observed, valid: null, removed: false })
    const count = this.#topology.log.partitions.intent
    const counts = new Array<number>(count).fill(0)
    for (const { key } of sent) for (let p = 0; p < count; p++) if (key === null || partitionOf(key, count) === p) counts[p]!++
    const own = manifest(of, sent.length, counts)
    const definitions = of === 'business-roles' ? own : manifest('definitions', 0, counts.map(() => 0))
    await this.#topology.publish(
      this.#syncRun(name, run, 'begin'),
      { topic: 'intent', key: null, record: { type: 'RunBegin', source: name, run, observed, mode: 'snapshot', classes: [of] } },
      ...(of === 'business-roles' ? outgoing(sent) : []),
      { topic: 'intent', key: null, record: { type: 'DefinitionsEnd', source: name, run, observed, manifest: definitions } },
      ...(of === 'business-roles' ? [] : outgoing(sent)),
      { topic: 'intent', key: null, record: { type: 'RunEnd', source: name, run, observed, classes: [own] } },
      this.#syncRun(name, run, 'end', [own]),
    )
  }

  async people(people: readonly Person[]): Promise<void> {
    await this.feed('people', 'identities', (base) =>
      people.map(({ id, end }) => ({
        key: id,
        record: {
          type: 'Identity', ...base, id, status: 'active', display: id, start: 0, end: end ?? null, continues: null, attributes: {},
          keys: [{ space: 'mail', key: `${id}@acme.example`, since: 0 }],
        },
      })),
    )
  }

  async requests(wanted: readonly { id: string; identity: string; app: string; entitlement: string; until?: number }[]): Promise<void> {
    await this.feed('requests', 'requests', (base) =>
      wanted.map(({ id, identity, app, entitlement, until }) => ({
        key: identity,
        record: {
          type: 'AccessRequest', ...base, id, subject: { identity, app: null, account: null }, app, entitlement, from: 0,
          until: until ?? null, approvedBy: 'boss',
        },
      })),
    )
  }

  async businessRoles(roles: readonly { id: string; grants: { app: string; entitlement: string }[] }[]): Promise<void> {
    await this.feed('roles', 'business-roles', (base) =>
      roles.map(({ id, grants }) => ({ key: null, record: { type: 'BusinessRole', ...base, id, name: id, owner: null, grants, when: {} } })),
    )
  }

  #begin(source: string): { run: number; observed: number } {
    const run = (this.#runs.get(source) ?? 0) + 1
    this.#runs.set(source, run)
    return { run, observed: this.now * 1_000 + run }
  }

  #syncRun(source: string, run: number, phase: SyncRun['phase'], classes: ClassManifest[] = []): Outgoing {
    const verdict = phase === 'end' ? 'complete' : null
    const counts = { pages: 1, read: 0, rejected: 0, changed: 0, absent: 0, held: 0 }
    const record: SyncRun = { type: 'SyncRun', source, run, phase, partition: null, verdict, reason: null, place: null, at: this.now, ...counts, classes, schemaChanges: null, unknownApps: null, unresolved: null }
    return { topic: 'sync-runs', key: source, record }
  }
}

interface Facet {
  feed: string
  run: number
  observed: number
  valid: null
  removed: false
}

const outgoing = (sent: { key: string | null; record: IntentObject }[]): Outgoing[] => sent.map(({ key, record }) => ({ topic: 'intent', key, record }))

const manifest = (name: string, read: number, counts: number[]): ClassManifest => (
  { class: name, verdict: 'complete', reason: null, place: null, read, declared: read, rejected: 0, counts: [...counts] }
)

function accountOf(app: string, { id, roles = [], direct = [], mail, kind = 'human', owner }: Holder, run: number | null, observed: number): Account {
  return {
    type: 'Account', app, id, native: id, run, observed, valid: null, gone: false,
    attributes: {
      whole: true, kind, status: 'active', display: null, created: 0, lastUsed: null, owner: owner ?? null,
      values: { mail: mail ?? `${id}@acme.example` },
    },
    memberships: { whole: true, added: [...roles].sort().map((role) => ({ ref: { kind: 'role', id: role }, valid: null })), removed: [] },
    grants: { whole: true, added: [...direct].sort().map((one) => ({ ref: { kind: 'entitlement', id: one }, valid: null })), removed: [] },
    credentials: null,
  }
}

export const feeds: [string, IntentClass][] = [['people', 'identities'], ['roles', 'business-roles'], ['requests', 'requests']]
const names = ['ann', 'bob', 'cy', 'dee', 'eve', 'fay', 'gil', 'hal']

/**
 * Two applications and three feeds over five days: people join, change and leave, requests expire, accounts move between homes and
 * vanish, an application is unknown for a while and retired, corrections of one are asked for, and nothing is left to do at the end.
 */
export async function record(topology: Topology): Promise<void> {
  const world = new Surroundings(topology)
  const { clock } = topology
  const crmRoles = { 'role-clerk': ['orders:read'], 'role-chief': ['role-clerk', 'orders:write'] }
  const start = clock.nowMs()
  await topology.drain()
  await world.settings({ crm: { corrections: { assign: {}, newAccount: null, staleCredential: 'disable' } }, billing: { allowedDelaySeconds: 3_600 } }, feeds)
  await world.change('ghost', { id: 'nobody' })
  await world.snapshot('billing', {}, names.map((id) => ({ id, direct: ['invoices:read'] })))
  await topology.drain()
  await world.people(names.map((id, i) => (i === 5 ? { id, end: start + 2 * dayMs + 1 } : { id })))
  await world.businessRoles([{ id: 'br-sales', grants: [{ app: 'crm', entitlement: 'orders:read' }] }])
  await world.requests(names.slice(0, 6).map((identity, i) => (
    { id: `r-${identity}`, identity, app: 'billing', entitlement: 'invoices:read', ...(i < 3 ? { until: start + (i + 1) * dayMs } : {}) }
  )))
  await topology.advance(60_000)
  await world.snapshot('crm', crmRoles, names.map((id, i) => ({ id, roles: [i % 2 ? 'role-clerk' : 'role-chief'], ...(i === 7 ? { mail: 'elsewhere' } : {}) })))
  await topology.advance(60_000)
  await world.change('crm', { id: 'robot', kind: 'service', owner: 'ann@acme.example', direct: ['orders:read'] })
  await topology.advance(dayMs)
  await world.change('billing', { id: 'ann' })
  await world.change('crm', { id: 'bob', roles: ['role-chief'], direct: ['orders:delete'] })
  await world.change('billing', { id: 'cy', mail: 'dee@acme.example', direct: ['invoices:read', 'invoices:write'] })
  topology.restart()
  await topology.advance(dayMs)
  await world.change('billing', { id: 'bob' })
  await world.people(names.filter((name) => name !== 'eve').map((id, i) => (i === 4 ? { id, end: start + 3 * dayMs } : { id })))
  await world.snapshot('crm', { ...crmRoles, 'role-clerk': ['orders:read', 'orders:list'] }, names.slice(0, 6).map((id, i) => ({ id, roles: [i % 2 ? 'role-clerk' : 'role-chief'] })))
  await topology.advance(dayMs)
  await world.snapshot('billing', {}, names.map((id) => ({ id, direct: ['invoices:read'] })))
  await world.retire('ghost')
  await topology.advance(dayMs)
}

export const partitionsOf = (counts: Partial<Record<Topic, number>>, count: number): Record<Topic, number> => ({
  raw: count, intent: count, facts: count, access: count, findings: count, lag: count, 'sync-runs': count, 'dead-letters': count,
  rulings: count, commands: count, actions: count, 'action-log': count, ...counts,
})
