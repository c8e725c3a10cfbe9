import { canonical, digest } from '../../../src/core/canonical.ts'
import type { IntentClass, SourcesSetting } from '../../../schemas/settings.ts'
import type { ClassManifest, DesiredEntry, LapsedEntry, Setting } from '../../../schemas/wire/common.ts'
import type { Desired } from '../../../schemas/wire/facts.ts'
import type {
  AccessRequest, AccountLink, BusinessRole, Decision, Identity, IntentRecord, RoleAssignment,
} from '../../../schemas/wire/intent.ts'
import type { AccountIntent, KeyBook } from '../../../schemas/wire/raw.ts'
import type { RecordOf, Topic } from '../../../schemas/wire/topics.ts'
import { entitle } from '../../../processors/entitle/entitle.ts'
import type { IntentObject } from '../../../processors/entitle/objects.ts'
import { classOf } from '../../../processors/entitle/objects.ts'
import type { DriverOptions, Output } from '../../support/processor-driver.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'

export type Driver = ProcessorDriver<'intent'>

export const feedOf: Record<IntentObject['type'], string> = {
  Identity: 'hr', BusinessRole: 'roles', RoleAssignment: 'assignments', AccessRequest: 'requests', Decision: 'reviews', AccountLink: 'links',
}

/** A pushed record observed at 1,000 ms of its feed's clock. */
const facet = (type: IntentObject['type']) => ({ feed: feedOf[type], run: null, observed: 1_000_000, valid: null, removed: false })

export const person = (id: string, change: Partial<Identity> = {}): Identity => ({
  type: 'Identity', ...facet('Identity'), id, status: 'active', display: null, start: 100, end: null, continues: null, attributes: {}, keys: [],
  ...change,
})
export const role = (id: string, grants: string[], change: Partial<BusinessRole> = {}): BusinessRole => ({
  type: 'BusinessRole', ...facet('BusinessRole'), id, name: id, owner: null, grants: grants.map(entitlementRef), when: {}, ...change,
})
export const assignment = (id: string, identity: string, roleId: string, change: Partial<RoleAssignment> = {}): RoleAssignment => ({
  type: 'RoleAssignment', ...facet('RoleAssignment'), id, identity, role: roleId, from: 200, until: null, ...change,
})
export const request = (id: string, identity: string, entitlement: string, change: Partial<AccessRequest> = {}): AccessRequest => ({
  type: 'AccessRequest', ...facet('AccessRequest'), id, subject: { identity, app: null, account: null }, ...entitlementRef(entitlement),
  from: 200, until: null, approvedBy: 'boss', ...change,
})
export const decision = (
  id: string, identity: string, entitlement: string, verdict: Decision['verdict'], at: number, change: Partial<Decision> = {},
): Decision => ({
  type: 'Decision', ...facet('Decision'), id, campaign: 'spring', subject: { identity, app: null, account: null },
  ...entitlementRef(entitlement), verdict, by: 'auditor', at, ...change,
})
export const link = (id: string, account: string, identity: string, change: Partial<AccountLink> = {}): AccountLink => ({
  type: 'AccountLink', ...facet('AccountLink'), id, app: 'erp', account, identity, relation: 'holder', ...change,
})
export const aboutAccount = (account: string) => ({ subject: { identity: null, app: 'erp', account } })
export const tick = (at: number): IntentRecord => ({ type: 'Tick', at })

/** `erp:post` is the entitlement post of erp. */
function entitlementRef(text: string): { app: string; entitlement: string } {
  const [app = '', entitlement = ''] = text.split(':')
  return { app, entitlement }
}

export function sources(feeds: Record<string, { class: IntentClass; maxAbsent?: number; maxAbsentShare?: number }>, revision = 1): Setting {
  const value: SourcesSetting = {
    apps: [],
    feeds: Object.entries(feeds).map(([name, { class: of, maxAbsent = 1_000, maxAbsentShare = 1 }]) => ({ name, class: of, brake: { maxAbsent, maxAbsentShare } })),
    partitions: { raw: 1, intent: 1, facts: 1 },
  }
  const text = canonical(value)
  return { type: 'Setting', name: 'sources', revision, digest: digest(text), value: text }
}
export const noBrake = sources(Object.fromEntries(
  Object.entries(feedOf).map(([type, name]) => [name, { class: classOf[type as IntentObject['type']] }]),
))

export interface RunOptions {
  feed?: string
  run: number
  /** of the run's begin, microseconds; objects follow at one microsecond each */
  begin?: number
  verdict?: ClassManifest['verdict']
  mode?: 'snapshot' | 'filtered'
  /** what the manifest says was sent, if not what was */
  counts?: number[]
  partition?: number
}

/** A whole run of a feed that holds one class. */
export function runOf(name: IntentClass, objects: IntentObject[], { run, feed, begin = run * 10_000_000, verdict = 'complete', mode = 'snapshot', counts, partition = 0 }: RunOptions): IntentRecord[] {
  const source = feed ?? feedNamed(name)
  const sent = counts ?? [...Array.from({ length: partition }, () => 0), objects.length]
  const manifest: ClassManifest = { class: name, verdict, reason: verdict === 'complete' ? null : 'page 3 was lost', place: null, read: objects.length, declared: null, rejected: 0, counts: sent }
  const observed = begin + objects.length + 1
  const records = objects.map((object, i): IntentRecord => ({ ...object, feed: source, run, observed: begin + i + 1 }))
  const definitions = name === 'business-roles'
  const end: IntentRecord = { type: 'RunEnd', source, run, observed, classes: [manifest] }
  const definitionsEnd: IntentRecord = { type: 'DefinitionsEnd', source, run, observed, manifest: definitions ? manifest : { ...manifest, class: 'business-roles', read: 0, counts: sent.map(() => 0) } }
  const begun: IntentRecord = { type: 'RunBegin', source, run, observed: begin, mode, classes: [name] }
  return definitions ? [begun, ...records, definitionsEnd, end] : [begun, definitionsEnd, ...records, end]
}

function feedNamed(name: IntentClass): string {
  const found = Object.entries(classOf).find(([, of]) => of === name)?.[0] as IntentObject['type']
  return feedOf[found]
}

/** A driver that has the settings without brakes and a first tick at 1,000 ms. */
export function started(options: DriverOptions = {}, type = entitle): Driver {
  const driver = new ProcessorDriver(type, options)
  driver.push(noBrake, tick(1_000))
  return driver
}

export const of = <T extends RecordOf<Topic>['type']>(outputs: readonly Output[], type: T): Extract<RecordOf<Topic>, { type: T }>[] =>
  outputs.flatMap(({ record }) => (record.type === type ? [record as Extract<RecordOf<Topic>, { type: T }>] : []))
export const types = (outputs: readonly Output[]): string[] => outputs.map(({ record }) => record.type)

export function desired(driver: Driver, identity: string): Desired {
  const found = of(driver.outputs, 'Desired').findLast((record) => record.identity === identity)
  if (found === undefined) throw new Error(`no Desired of ${identity} was sent`)
  return found
}
export function keyBook(driver: Driver, identity: string): KeyBook {
  const found = of(driver.outputs, 'KeyBook').findLast((record) => record.identity === identity)
  if (found === undefined) throw new Error(`no KeyBook of ${identity} was sent`)
  return found
}
export function accountIntent(driver: Driver, account: string): AccountIntent {
  const found = of(driver.outputs, 'AccountIntent').findLast((record) => record.id === account)
  if (found === undefined) throw new Error(`no AccountIntent of ${account} was sent`)
  return found
}
/** `erp:post from-until by kind:id kind:id` */
export const brief = (entries: readonly DesiredEntry[]): string[] =>
  entries.map(({ app, entitlement, from, until, reasons }) => `${app}:${entitlement} ${from}-${until ?? ''} ${reasons.map(({ kind, id }) => `${kind}:${id}`).join(' ')}`)
export const briefLapses = (lapsed: readonly LapsedEntry[]): string[] =>
  lapsed.map(({ app, entitlement, at, why, reason }) => `${app}:${entitlement} ${why}@${at} ${reason.kind}:${reason.id}`)
