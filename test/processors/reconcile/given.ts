import type { DesiredEntry, LapsedEntry, Reason } from '../../../schemas/wire/common.ts'
import type { AccountFact, AccountGone, Baseline, Desired, FactGrant, FactRecord, Held, Reference } from '../../../schemas/wire/facts.ts'
import type { AccessChange, DeadLetter, Finding, LagSample } from '../../../schemas/wire/results.ts'
import { reconcile } from '../../../processors/reconcile/reconcile.ts'
import { grantSince } from '../../../processors/reconcile/grants.ts'
import { accountHome, identityHome } from '../../../src/core/keys.ts'
import { ProcessorDriver, type DriverOptions, type Output } from '../../support/processor-driver.ts'

/** 2026-03-01T00:00:00Z, the moment that the tests' world begins at. */
export const T0 = Date.UTC(2026, 2, 1)
export const MINUTE = 60_000
export const DAY = 86_400_000
export const source = { topic: 'raw', partition: 0, offset: 7, index: 0 }

export const at = (offset: number): { topic: 'facts'; partition: number; offset: number; index: number } => ({
  topic: 'facts', partition: 0, offset, index: 0,
})

let revision = 0
export function setting(name: string, value: unknown): FactRecord {
  return { type: 'Setting', name, revision: ++revision, digest: '', value: JSON.stringify(value) }
}

export const app = (name: string, allowedDelaySeconds = 0, more: object = {}): FactRecord =>
  setting(`app/${name}`, { allowedDelaySeconds, ...more })

/** Everything off, so that a test turns on what it is about. */
export const policy = (more: object = {}): FactRecord =>
  setting('policy', { dormantAfterDays: null, credentialMaxAgeDays: null, ...more })

export const sources = (apps = ['billing'], feeds = ['hr'], partitions = { raw: 1, intent: 1, facts: 1 }): FactRecord =>
  setting('sources', { apps, feeds: feeds.map((name) => ({ name, class: 'identities', brake: {} })), partitions })

export const tick = (ms: number): FactRecord => ({ type: 'Tick', at: ms })

export const mark = (stage: Baseline['stage'], name: string, more: Partial<Baseline> = {}): Baseline => ({
  type: 'Baseline', stage, source: name, class: stage === 'observed' ? 'accounts' : 'identities', writer: 0,
  via: stage === 'keys' ? 0 : null, at: T0, cause: source, ...more,
})

export const baselines = (apps = ['billing'], feeds = ['hr']): Baseline[] => [
  ...feeds.flatMap((feed) => [mark('desired', feed), mark('keys', feed)]),
  ...apps.map((name) => mark('observed', name)),
]

export const reason = (id: string, more: Partial<Reason> = {}): Reason => ({
  kind: 'request', id, by: null, from: T0 - DAY, until: null, source: { ...source, topic: 'intent' }, ...more,
})

export const entry = (entitlement: string, more: Partial<DesiredEntry> = {}): DesiredEntry => ({
  app: 'billing', entitlement, from: T0 - DAY, until: null, reasons: [reason(`REQ-${entitlement}`)], ...more,
})

export const lapse = (entitlement: string, more: Partial<LapsedEntry> = {}): LapsedEntry => ({
  app: 'billing', entitlement, at: T0, why: 'withdrawn', reason: reason('clerk', { kind: 'business-role' }), ...more,
})

export const desired = (identity: string, entries: DesiredEntry[], more: Partial<Desired> = {}): Desired => ({
  type: 'Desired', home: identityHome(identity), identity, status: 'active', display: null, keys: {}, start: null, end: null, entries,
  lapsed: [], revoked: null, sources: [], cause: source, ...more,
})

export const grant = (entitlement: string, more: Partial<FactGrant> = {}): FactGrant => ({
  entitlement, native: `n-${entitlement}`, mapped: true, direct: true, since: T0, valid: null, paths: [[]], ...more,
})

/** With its times beside its grants, as facts have them now. */
export function withTimesBeside(fact: AccountFact): AccountFact {
  const times = fact.grants.map((_grant, i) => grantSince(fact, i))
  const grantsSince = new Set(times).size === 1 ? times.slice(0, 1) : times
  return { ...fact, grants: fact.grants.map((one) => ({ ...one, since: 0 })), grantsSince }
}

/** With its times in its grants, as facts had them before `normalise` 6. */
export function withTimesWithin(fact: AccountFact): AccountFact {
  return { ...fact, grants: fact.grants.map((one, i) => ({ ...one, since: grantSince(fact, i) })), grantsSince: null }
}

const account = (home: string, id: string, grants: (string | FactGrant)[]): AccountFact => withTimesBeside({
  type: 'AccountFact', home, app: 'billing', account: id, native: id, kind: 'human', status: 'active', display: null, match: 'none',
  identity: null, candidates: [], owner: null, ownerState: 'not-needed', created: null, lastUsed: null, since: T0,
  observed: T0 * 1_000, valid: null, whole: true, unknown: [], grants: grants.map((one) => (typeof one === 'string' ? grant(one) : one)), grantsSince: null,
  credentials: [], entries: [], lapsed: [], movedFrom: null, exposed: null, revoked: null, contestedSince: null, sources: [], cause: source,
})

/** An account of a person, at the person's home. */
export const held = (identity: string, id: string, grants: (string | FactGrant)[], more: Partial<AccountFact> = {}): AccountFact => ({
  ...account(identityHome(identity), id, grants), match: 'matched', identity, ...more,
})

/** An account at its own home: a human one without a holder unless told otherwise. */
export const alone = (id: string, grants: (string | FactGrant)[], more: Partial<AccountFact> = {}): AccountFact => ({
  ...account(accountHome(more.app ?? 'billing', id), id, grants), ...more,
})

/** A service account with an owner, at its own home. */
export const service = (id: string, grants: (string | FactGrant)[], more: Partial<AccountFact> = {}): AccountFact =>
  alone(id, grants, { kind: 'service', match: 'not-a-person', owner: 'bob', ownerState: 'owned', ...more })

export const gone = (home: string, id: string, more: Partial<AccountGone> = {}): AccountGone => ({
  type: 'AccountGone', home, app: 'billing', account: id, reason: 'deleted', to: null, observed: T0 * 1_000, sources: [], cause: source,
  ...more,
})

export const reference = (identity: string, id: string, more: Partial<Reference> = {}): Reference => ({
  type: 'Reference', home: identityHome(identity), app: 'billing', account: id, kind: 'service', status: 'active', display: null,
  removed: false, sources: [], cause: source, ...more,
})

export const absences = (run: number, more: Partial<Held> = {}): Held => ({
  type: 'Held', home: 'source/billing', source: 'billing', run, class: 'accounts', writer: 2, held: true, absent: 300, present: 1_000,
  cause: source, ...more,
})

/** Settings, policy and time first: what every world has. */
export const settings = (delaySeconds = 0): FactRecord[] => [tick(T0), app('billing', delaySeconds), policy(), sources()]
export const world = (delaySeconds = 0): FactRecord[] => [...settings(delaySeconds), ...baselines()]

export function given(records: readonly FactRecord[], options: DriverOptions = {}, type = reconcile): ProcessorDriver<'facts'> {
  const driver = new ProcessorDriver(type, options)
  driver.push(...records)
  return driver
}

export const findings = (outputs: readonly Output[]): Finding[] => outputs.map(({ record }) => record).filter((one) => one.type === 'Finding')
export const access = (outputs: readonly Output[]): AccessChange[] => outputs.map(({ record }) => record).filter((one) => one.type === 'AccessChange')
export const lag = (outputs: readonly Output[]): LagSample[] => outputs.map(({ record }) => record).filter((one) => one.type === 'LagSample')
export const letters = (outputs: readonly Output[]): DeadLetter[] => outputs.map(({ record }) => record).filter((one) => one.type === 'DeadLetter')

/** `opened unauthorised-grant a/pay`: what changed, as short text. */
export const told = (outputs: readonly Output[]): string[] =>
  findings(outputs).map(({ change, kind, closedAs, account: id, entitlement, object }) =>
    [change, ...(closedAs === null || closedAs === 'resolved' ? [] : [`as ${closedAs}`]), kind, [id, entitlement, object].filter((part) => part !== null).join('/')].join(' ').trim(),
  )

/** The findings that are open after all of the outputs, by id. */
export function openFindings(outputs: readonly Output[]): Map<string, Finding> {
  const open = new Map<string, Finding>()
  for (const finding of findings(outputs)) {
    const isOpen = open.has(finding.id)
    if ((finding.change === 'opened' || finding.change === 'reopened') === isOpen) throw new Error(`${finding.change} twice: ${finding.detail}`)
    if (finding.change === 'closed') open.delete(finding.id)
    else open.set(finding.id, finding)
  }
  return open
}

/** `home app/account entitlement native`: verdict, after all of the outputs; an account with nothing shows as `-`. */
export function accessNow(outputs: readonly Output[]): Record<string, string> {
  const accounts = new Map<string, { status: string; grants: Map<string, Record<string, string>> }>()
  for (const { home, app: of, account: id, gone: isGone, set, removed, status } of access(outputs)) {
    const name = `${home} ${of}/${id}`
    if (isGone) accounts.delete(name)
    else {
      const now = accounts.get(name) ?? { status, grants: new Map<string, Record<string, string>>() }
      now.status = status
      for (const entitlement of removed) now.grants.delete(entitlement)
      for (const { entitlement } of set) now.grants.set(entitlement, {})
      for (const { entitlement, native, verdict } of set) now.grants.get(entitlement)![native] = verdict
      accounts.set(name, now)
    }
  }
  const rows = [...accounts].flatMap(([name, { status, grants }]) => [
    [`${name} -`, status],
    ...[...grants].flatMap(([entitlement, natives]) => Object.entries(natives).map(([native, verdict]) => [`${name} ${entitlement} ${native}`, verdict])),
  ])
  return Object.fromEntries(rows.sort()) as Record<string, string>
}

/** Verdicts by entitlement of the last change of each account that named it. */
export function verdicts(outputs: readonly Output[]): Record<string, string> {
  return Object.fromEntries(access(outputs).flatMap(({ set }) => set.map(({ entitlement, verdict }) => [entitlement, verdict])))
}
