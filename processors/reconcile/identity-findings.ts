import type { DesiredEntry, Reason } from '../../schemas/wire/common.ts'
import type { SodRule } from '../../schemas/settings.ts'
import type { FindingKind } from '../../schemas/wire/results.ts'
import { identityOf } from '../../src/core/keys.ts'
import { heldDetail, holderName, missingDetail, ownerLeftDetail, ownerUnknownDetail, sodDetail } from './detail.ts'
import { grantSince } from './grants.ts'
import type { Horizon } from './horizon.ts'
import type { AccountRow, FindingKey, HeldRow, HomeView, Planned, ReferenceRow, Rules, Wanted } from './model.ts'
import { arePeopleKnown } from './rules.ts'
import { severityOf } from './severity.ts'
import { entitlementKey, type Holdings, type Missing } from './standing.ts'
import { unpackReasons } from './stored.ts'

/**
 * What a home as a whole wants opened: missing access, conflicts of duties, owners who left, absences that a brake holds. Missing access
 * that is not decided, which may be all that is desired of everybody, only where `undecided` asks for it.
 */
export function homeFindings(view: HomeView, absent: readonly Missing[], held: Holdings, rules: Rules, horizon: Horizon, undecided: boolean): Wanted[] {
  return [
    ...missingGrants(view, absent, rules, horizon, undecided),
    ...rules.policy.sod.flatMap((rule) => conflict(view, rule, held, rules)),
    ...view.references.flatMap((reference) => ownerLeft(view, reference, rules)),
    ...view.held.map((row) => heldAbsences(row, rules)),
  ]
}

function missingGrants(view: HomeView, absent: readonly Missing[], rules: Rules, horizon: Horizon, undecided: boolean): Wanted[] {
  const wanted: Wanted[] = []
  for (const one of absent) {
    const { entry } = one
    const app = rules.app(entry.app)
    if (app === null || app.retired) continue
    if (!horizon.reached(Math.max(entry.from, app.observedAt ?? 0) + app.delayMs)) continue
    const isReady = arePeopleKnown(rules) && app.observedAt !== null
    if (isReady || undecided) wanted.push(missing(view, one, isReady, rules))
  }
  return wanted
}

function missing(view: HomeView, { entry, account }: Missing, isReady: boolean, rules: Rules): Wanted {
  const there = view.accounts.filter(({ fact }) => (account === null ? fact.app === entry.app : fact === account))
  const disabled = there.filter(({ fact }) => fact.status === 'disabled')
  // A fact that is not whole proves what the account holds, not what it lacks.
  const proven = there.every(({ fact }) => fact.whole || fact.status === 'disabled')
  const causes = view.desired === null ? there : [view.desired, ...(account === null ? disabled : there)]
  const decided = isReady && proven
  return {
    ...key('missing-grant', { app: entry.app, account: account?.account ?? null, entitlement: entry.entitlement }, rules),
    // what is not decided is told to nobody
    detail: decided ? missingDetail(account ?? holderName(view.home), entry, reasonsOf(view, entry), disabled.map(({ fact }) => fact.account)) : '',
    decided,
    valid: entry.from,
    causes: causes.map(({ position }) => position),
  }
}

/** Of a person's entries they lie apart. */
function reasonsOf({ desired }: HomeView, entry: Planned | DesiredEntry): readonly Reason[] {
  if ('reasons' in entry) return entry.reasons
  return desired === null ? [] : (unpackReasons(desired.reasons)[desired.plan.indexOf(entry)] ?? [])
}

function conflict(view: HomeView, rule: SodRule, held: Holdings, rules: Rules): Wanted[] {
  const left = rule.left.filter(({ app, entitlement }) => held.has(entitlementKey(app, entitlement)))
  const right = rule.right.filter(({ app, entitlement }) => held.has(entitlementKey(app, entitlement)))
  if (left.length === 0 || right.length === 0) return []
  const involved = new Set([...left, ...right].flatMap(({ app, entitlement }) => held.get(entitlementKey(app, entitlement))))
  const rows = view.accounts.filter((row) => involved.has(row))
  const began = Math.max(firstHeld(left, held), firstHeld(right, held))
  return [
    {
      ...key('sod-conflict', { object: rule.id }, rules),
      detail: sodDetail(holderName(view.home), rule, left, right),
      // whose the accounts are may still turn out otherwise
      decided: rules.keysReady,
      age: rows.some(({ moved }) => moved) ? began : null,
      observed: Math.max(...rows.map(({ fact }) => Math.floor(fact.observed / 1_000))),
      causes: rows.map(({ position }) => position),
    },
  ]
}

/** The earliest moment that one of these was seen on one of the accounts that hold it now. */
function firstHeld(side: SodRule['left'], held: Holdings): number {
  const grants = side.flatMap(({ app, entitlement }) =>
    held.get(entitlementKey(app, entitlement)).flatMap((row) => sinceOf(row, entitlement)),
  )
  return Math.min(...grants)
}

function sinceOf({ fact }: AccountRow, entitlement: string): number[] {
  return fact.grants.flatMap((grant, i) => (grant.mapped && grant.entitlement === entitlement ? [grantSince(fact, i)] : []))
}

/** Somebody whom no source has told of is as little accountable as who left. */
function ownerLeft({ home, desired }: HomeView, reference: ReferenceRow, rules: Rules): Wanted[] {
  const { app, account, position } = reference
  if (desired === null) {
    const detail = ownerUnknownDetail(reference, identityOf(home))
    return [{ ...key('owner-left', { app, account }, rules), detail, decided: arePeopleKnown(rules), causes: [position] }]
  }
  if (desired.endedAt === null) return []
  return [
    {
      ...key('owner-left', { app, account }, rules),
      detail: ownerLeftDetail(reference, desired.identity, desired.endedAt),
      decided: rules.keysReady,
      valid: desired.endedAt,
      causes: [position, desired.position],
    },
  ]
}

function heldAbsences(row: HeldRow, rules: Rules): Wanted {
  return {
    ...key('held-absences', { app: row.source, object: `${row.class}/${row.writer}` }, rules),
    detail: heldDetail(row),
    causes: [row.position],
  }
}

/** Everything of a finding that most kinds of this file have in common. */
function key(kind: FindingKind, named: Partial<Omit<FindingKey, 'kind'>>, { policy }: Rules): Omit<Wanted, 'detail' | 'causes'> {
  const nameless = { app: null, account: null, entitlement: null, object: null }
  return { kind, ...nameless, ...named, severity: severityOf(kind, policy), decided: true, age: null, valid: null, observed: null }
}
