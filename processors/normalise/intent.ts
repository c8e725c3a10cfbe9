import type { DesiredEntry, LapsedEntry } from '../../schemas/wire/common.ts'
import type { AccountIntent } from '../../schemas/wire/raw.ts'
import { equal } from '../../src/core/equal.ts'
import type { State } from '../../src/ports/processor.ts'

/** What governance says about one account: kept under the account's key, whether the account is known or not. */
export interface AccountIntentRow {
  readonly link: string | null
  readonly owner: string | null
  readonly entries: readonly DesiredEntry[]
  readonly lapsed: readonly LapsedEntry[]
  /** where on this partition of raw it came from */
  readonly at: readonly [offset: number, index: number]
}

export const intentOf = (state: State, account: string): AccountIntentRow | null =>
  state.get<AccountIntentRow>('account-intents', account) ?? null

/** Replaces what was said; false where it says the same. One that says nothing takes the row away. */
export function applyIntent(state: State, account: string, record: AccountIntent, at: readonly [number, number]): boolean {
  const { link, owner, entries, lapsed } = record
  const before = intentOf(state, account)
  if (link === null && owner === null && entries.length === 0 && lapsed.length === 0) {
    if (before !== null) state.delete('account-intents', account)
    return before !== null
  }
  const said = before === null ? null : [before.link, before.owner, before.entries, before.lapsed]
  if (equal(said, [link, owner, entries, lapsed])) return false
  const row: AccountIntentRow = { link, owner, entries, lapsed, at }
  state.put('account-intents', account, row)
  return true
}
