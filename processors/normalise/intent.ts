import type { DesiredEntry, LapsedEntry, Revocation } from '../../schemas/wire/common.ts'
import type { AccountIntent } from '../../schemas/wire/raw.ts'
import { equal } from '../../src/core/equal.ts'
import type { State } from '../../src/ports/processor.ts'
import type { Place } from './account.ts'

/** What governance says about one account: kept under the account's key, whether the account is known or not. */
export interface AccountIntentRow {
  readonly link: string | null
  readonly owner: string | null
  readonly entries: readonly DesiredEntry[]
  readonly lapsed: readonly LapsedEntry[]
  readonly revoked: readonly Revocation[] | null
  /** the account was there, and went */
  readonly met?: true
  /** where it came from */
  readonly at: Place
}

export function intentOf(state: State, account: string): AccountIntentRow | null {
  const row = state.get<AccountIntentRow>('account-intents', account)
  // a row of `normalise` 8 and before says nothing of what is revoked
  return row === undefined ? null : { ...row, revoked: row.revoked ?? null }
}

/** Replaces what was said; false where it says the same. One that says nothing takes the row away. */
export function applyIntent(state: State, account: string, record: AccountIntent, at: Place): boolean {
  const { link, owner, entries, lapsed, revoked } = record
  const before = intentOf(state, account)
  if (link === null && owner === null && entries.length === 0 && lapsed.length === 0 && revoked === null) {
    if (before !== null) state.delete('account-intents', account)
    return before !== null
  }
  const said = before === null ? null : [before.link, before.owner, before.entries, before.lapsed, before.revoked]
  if (equal(said, [link, owner, entries, lapsed, revoked])) return false
  const row: AccountIntentRow = { link, owner, entries, lapsed, revoked, at, ...(before?.met === true ? { met: true } : {}) }
  state.put('account-intents', account, row)
  return true
}

/** The account is gone: what is said about it is not in vain because of that. */
export function keepMet(state: State, account: string): void {
  const row = state.get<AccountIntentRow>('account-intents', account)
  if (row !== undefined && row.met !== true) state.put('account-intents', account, { ...row, met: true } satisfies AccountIntentRow)
}
