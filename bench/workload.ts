import type { AppSetting, PolicySetting, SourcesSetting } from '../schemas/settings.ts'
import { AppSetting as AppSettingSchema, PolicySetting as PolicySettingSchema } from '../schemas/settings.ts'
import type { ClassManifest } from '../schemas/wire/common.ts'
import type { Ref } from '../schemas/wire/raw.ts'
import { few, permissions, roles, type Assignments } from './assignments.ts'
import { canonical, digest } from '../src/core/canonical.ts'
import { accountKey } from '../src/core/keys.ts'
import { partitionOf } from '../src/core/partition.ts'
import type { Outgoing } from '../src/runtime/publisher.ts'

/** W(n) as bench/README.md has it, as the records that connectors and feeds would publish. */
export const app = 'bench'
export const permission = (k: number): string => `perm-${String(k % permissions).padStart(3, '0')}`
const role = (i: number): string => `role-${String(i).padStart(2, '0')}`

const rolePermissions = (i: number): string[] => [0, 1, 2, 3].map((k) => permission(4 * i + k))
const parentOf = (i: number): number | null => (i === 0 ? null : Math.floor((i - 1) / 3))

/** Every role stands under this one. */
export const rootRole = role(0)
export const rootChildren: Ref[] = rolePermissions(0).map((id) => ({ kind: 'entitlement', id }))

function closure(i: number): string[] {
  const parent = parentOf(i)
  return [...rolePermissions(i), ...(parent === null ? [] : closure(parent))]
}

const isPlanted = (n: number): boolean => n % 25 === 0

/** A permission that account n neither has nor should have otherwise. */
function planted(n: number, of: Assignments): number {
  const desired = new Set([...of.roles(n).flatMap(closure), ...of.direct(n).map(permission)])
  for (let k = n % permissions; ; k++) if (!desired.has(permission(k))) return k % permissions
}

export const grantsOf = (n: number, of = few): number => new Set([...of.roles(n).flatMap(closure), ...of.direct(n).map(permission), ...(isPlanted(n) ? [permission(planted(n, of))] : [])]).size
/** The findings of W(n), as `kind account entitlement`, sorted. */
export const plantedFindings = (n: number, of = few): string[] =>
  Array.from({ length: plantedCount(n) }, (_, i) => `unauthorised-grant ${accountKey(app, `a${25 * i}`)} ${permission(planted(25 * i, of))}`).sort()

export const plantedCount = (n: number): number => Math.ceil(n / 25)

export interface Partitions {
  raw: number
  intent: number
  facts: number
}

export function settings(partitions: Partitions): Outgoing[] {
  const values: [string, AppSetting | PolicySetting | SourcesSetting][] = [
    [`app/${app}`, AppSettingSchema.parse({ match: [{ space: 'no', attribute: 'no' }], identityMapping: true })],
    ['policy', PolicySettingSchema.parse({ dormantAfterDays: null })],
    ['sources', { apps: [app], feeds: feeds.map(([name, cls]) => ({ name, class: cls, brake: { maxAbsent: 50, maxAbsentShare: 0.2 } })), partitions }],
  ]
  return values.flatMap(([name, value]) => {
    const text = canonical(value)
    return (['raw', 'intent', 'facts'] as const).map((topic): Outgoing => ({ topic, key: null, record: { type: 'Setting', name, revision: 1, digest: digest(text), value: text } }))
  })
}

const feeds = [
  ['people', 'identities'],
  ['roles', 'business-roles'],
  ['assignments', 'role-assignments'],
  ['requests', 'requests'],
] as const

const startMs = Date.UTC(2026, 0, 1)
export const nowMs = Date.UTC(2026, 5, 1)

/** The governance side, complete: identities, a business role for each native role, two assignments and three requests a person. */
export function* intent(n: number, partitions: Partitions, of = few): Generator<Outgoing> {
  const observed = nowMs * 1_000
  for (const [feed, cls] of feeds) {
    const counts = new Array<number>(partitions.intent).fill(0)
    const base = { feed, run: 1, observed, valid: null, removed: false }
    const send = function* (key: string, record: Extract<Outgoing, { topic: 'intent' }>['record']): Generator<Outgoing> {
      counts[partitionOf(key, partitions.intent)]!++
      yield { topic: 'intent', key, record }
    }
    yield { topic: 'intent', key: null, record: { type: 'RunBegin', source: feed, run: 1, observed, mode: 'snapshot', classes: [cls] } }
    if (cls === 'business-roles') {
      for (let i = 0; i < roles; i++) {
        const grants = [...new Set(closure(i))].map((entitlement) => ({ app, entitlement }))
        yield { topic: 'intent', key: null, record: { type: 'BusinessRole', ...base, id: `br-${i}`, name: `Business role ${i}`, owner: null, grants, when: {} } }
      }
      counts.fill(roles)
    }
    const defined = { class: cls, verdict: 'complete' as const, reason: null, place: null, read: n, declared: null, rejected: 0, counts }
    yield { topic: 'intent', key: null, record: { type: 'DefinitionsEnd', source: feed, run: 1, observed, manifest: cls === 'business-roles' ? defined : { ...defined, class: 'definitions', counts: counts.map(() => 0) } } }
    for (let k = 0; k < n && cls !== 'business-roles'; k++) {
      const id = `p${k}`
      if (cls === 'identities') {
        yield* send(id, { type: 'Identity', ...base, id, status: 'active', display: null, start: startMs, end: null, continues: null, attributes: {}, keys: [{ space: 'no', key: String(k), since: startMs }] })
      } else if (cls === 'role-assignments') {
        for (const i of of.roles(k)) yield* send(id, { type: 'RoleAssignment', ...base, id: `${id}-${i}`, identity: id, role: `br-${i}`, from: startMs, until: null })
      } else {
        for (const [at, p] of of.direct(k).entries()) {
          yield* send(id, { type: 'AccessRequest', ...base, id: `${id}-${at}`, subject: { identity: id, app: null, account: null }, app, entitlement: permission(p), from: startMs, until: null, approvedBy: 'p0' })
        }
      }
    }
    yield { topic: 'intent', key: null, record: { type: 'RunEnd', source: feed, run: 1, observed, classes: [{ ...defined, counts: [...counts] }] } }
  }
}

const pageAccounts = 200
const pageMs = 20
/** A run begins so long before now, and run 2 so long after run 1. */
const runMs = 12 * 3_600_000

/** One complete run of the application: definitions, then every account, page by page: each page has its own stamp, as with every connector. */
export function* snapshot(n: number, run: number, partitions: Partitions, of = few): Generator<Outgoing> {
  const begun = (nowMs - (3 - run) * runMs) * 1_000
  let observed = begun
  const manifest = (cls: string, read: number, counts: number[]): ClassManifest => ({ class: cls, verdict: 'complete', reason: null, place: null, read, declared: read, rejected: 0, counts })
  const none = new Array<number>(partitions.raw).fill(0)
  yield { topic: 'raw', key: null, record: { type: 'RunBegin', source: app, run, observed, mode: 'snapshot', classes: ['accounts', 'definitions', 'grants', 'memberships'] } }
  for (let i = 0; i < roles; i++) {
    const parent = parentOf(i)
    const children: Ref[] = [...rolePermissions(i).map((id) => ({ kind: 'entitlement' as const, id })), ...(parent === null ? [] : [{ kind: 'role' as const, id: role(parent) }])]
    yield { topic: 'raw', key: null, record: { type: 'Definition', app, run, observed, valid: null, ref: { kind: 'role', id: role(i) }, name: null, whole: true, removed: false, children } }
  }
  yield { topic: 'raw', key: null, record: { type: 'DefinitionsEnd', source: app, run, observed, manifest: manifest('definitions', roles, none.map(() => roles)) } }
  const counts = [...none]
  for (let k = 0; k < n; k++) {
    const id = `a${k}`
    const key = accountKey(app, id)
    observed = begun + Math.floor(k / pageAccounts) * pageMs * 1_000
    counts[partitionOf(key, partitions.raw)]!++
    const direct = [...new Set([...of.direct(k), ...(isPlanted(k) ? [planted(k, of)] : [])].map(permission))].sort()
    yield {
      topic: 'raw',
      key,
      record: {
        type: 'Account', app, id, native: id, run, observed, valid: null, gone: false,
        attributes: { whole: true, kind: 'human', status: 'active', display: null, created: startMs, lastUsed: null, owner: null, values: { no: String(k) } },
        memberships: { whole: true, added: of.roles(k).map(role).sort().map((name) => ({ ref: { kind: 'role', id: name }, valid: null })), removed: [] },
        grants: { whole: true, added: direct.map((name) => ({ ref: { kind: 'entitlement', id: name }, valid: null })), removed: [] },
        credentials: null,
      },
    }
  }
  yield { topic: 'raw', key: null, record: { type: 'RunEnd', source: app, run, observed, classes: ['accounts', 'memberships', 'grants'].map((cls) => manifest(cls, n, counts)).concat(manifest('definitions', roles, none.map(() => roles))) } }
}

/** In transactions of a thousand records, for `Publisher.publishAll`. */
export async function* inThousands(records: Iterable<Outgoing>): AsyncGenerator<{ outgoing: Outgoing[] }> {
  let outgoing: Outgoing[] = []
  for (const record of records) {
    outgoing.push(record)
    if (outgoing.length < 1_000) continue
    yield { outgoing }
    outgoing = []
  }
  if (outgoing.length > 0) yield { outgoing }
}
