import type { Position } from '../../schemas/wire/common.ts'
import type { AccountFact, AccountGone, Desired, FactRecord, Held, Reference } from '../../schemas/wire/facts.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { Gone } from './findings-diff.ts'
import { allGrants } from './grants.ts'
import type { Evidence } from './lag.ts'
import type { AccountRow, AccountState, DesiredRow, HeldRow, HomeRow, ReferenceRow } from './model.ts'
import { packReasons, plans } from './stored.ts'

export type HomeFact = AccountFact | AccountGone | Reference | Desired | Held

const homeFacts: ReadonlySet<string> = new Set<HomeFact['type']>(['AccountFact', 'AccountGone', 'Reference', 'Desired', 'Held'])

export const isHomeFact = ({ type }: FactRecord): boolean => homeFacts.has(type)

/** What was desired before is not asked for: only of an end may it be known since when. */
export const replacesDesired = (record: HomeFact): boolean => record.type === 'Desired' && record.status !== 'ended'

/** A home as it is stored; accounts in the order of `accountName`. `known` false: nothing is stored of it yet. */
export interface Loaded {
  home: string
  known: boolean
  row: HomeRow
  accounts: readonly AccountRow[]
}

/** A home with one more fact: `gone` is the account that left by it, `evidence` what it shows of an app. */
export interface Taken extends Loaded {
  gone: Gone | null
  evidence: Evidence | null
}

export const accountName = ({ app, account }: { app: string; account: string }): string => `${app}/${account}`

/** Puts one fact into its home, in place of what it replaces. */
export function take(before: Loaded, record: HomeFact, position: Position, now: number): Taken {
  const same = { ...before, gone: null, evidence: null }
  const { row } = before
  switch (record.type) {
    case 'AccountFact':
      return { ...same, accounts: withAccount(before.accounts, record, position), evidence: evidenceOf(record) }
    case 'AccountGone': {
      const accounts = before.accounts.filter(({ fact }) => accountName(fact) !== accountName(record))
      return { ...same, accounts, gone: record, evidence: record.reason === 'deleted' ? evidenceOf(record) : null }
    }
    case 'Reference':
      return { ...same, row: { ...row, references: withReference(row.references, record, position) } }
    case 'Desired':
      return { ...same, row: { ...row, desired: desiredRow(row.desired, record, position, now) } }
    case 'Held':
      return { ...same, row: { ...row, held: withHeld(row.held, record, position) } }
  }
}

function evidenceOf({ app, observed }: AccountFact | AccountGone): Evidence {
  return { app, observed: Math.floor(observed / 1_000) }
}

function withAccount(accounts: readonly AccountRow[], record: AccountFact, position: Position): AccountRow[] {
  const fact = stateOf(record)
  const before = accounts.find((other) => accountName(other.fact) === accountName(fact))
  const others = accounts.filter((other) => other !== before)
  const row = { fact, position, moved: record.movedFrom !== null || before?.moved === true, verdicts: [] }
  return [...others, row].sort((a, b) => compareKeys(accountName(a.fact), accountName(b.fact)))
}

/** What is kept of the fact: its sources stay on the facts topic, where its position finds them. */
function stateOf(record: AccountFact): AccountState {
  const { app, account, native, kind, status, display, match, identity, candidates, owner, ownerState, created, lastUsed } = record
  const { since, observed, valid, whole, unknown, grantsSince, credentials, entries, lapsed, exposed, revoked, contestedSince } = record
  const about = { app, account, native, kind, status, display, match, identity, candidates, owner, ownerState, created, lastUsed }
  const grants = allGrants.of(record.grants)
  return { ...about, since, observed, valid, whole, unknown, grants, grantsSince, credentials, entries, lapsed, exposed, revoked, contestedSince }
}

function withReference(references: readonly ReferenceRow[], record: Reference, position: Position): ReferenceRow[] {
  const { app, account, kind, removed } = record
  const others = references.filter((other) => accountName(other) !== accountName(record))
  return removed ? others : [...others, { app, account, kind, position }].sort((a, b) => compareKeys(accountName(a), accountName(b)))
}

function desiredRow(before: DesiredRow | null, record: Desired, position: Position, now: number): DesiredRow {
  const { identity, status, display, keys, start, entries, lapsed, revoked } = record
  const plan = plans.like(entries, () => entries.map(({ app, entitlement, from, until }) => ({ app, entitlement, from, until })))
  const endedAt = endOf(before, record, now)
  return { identity, status, display, keys, start, endedAt, plan, reasons: packReasons(entries), lapsed, revoked: revoked ?? [], position }
}

/**
 * When the identity ended: by its own end date where that has come, else when its access lapsed by it, else when the end was
 * first heard of.
 */
function endOf(before: DesiredRow | null, { status, end, lapsed }: Desired, now: number): number | null {
  if (status !== 'ended') return null
  if (end !== null && end <= now) return end
  const lapses = lapsed.filter(({ why }) => why === 'ended').map(({ at }) => at)
  return lapses.length > 0 ? Math.max(...lapses) : (before?.endedAt ?? now)
}

function withHeld(held: readonly HeldRow[], record: Held, position: Position): HeldRow[] {
  const { source, class: of, writer, run, absent, present } = record
  const others = held.filter((other) => other.class !== of || other.writer !== writer)
  if (!record.held) return others
  const row = { source, class: of, writer, run, absent, present, position }
  return [...others, row].sort((a, b) => compareKeys(a.class, b.class) || a.writer - b.writer)
}
