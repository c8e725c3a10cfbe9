import type { Account } from '../../schemas/wire/raw.ts'
import type { State } from '../../src/ports/processor.ts'
import type { AccountClass } from './account.ts'
import { accountClasses } from './account.ts'

/**
 * What the last run's observation showed of an account, word by word, while nothing else has changed its facets since. A run that
 * shows the same again changes nothing, so the account's row need not be read: most of an unchanged snapshot.
 */
export interface Shown {
  readonly ordinal: number
  readonly text: string
}

const table = 'shown'

export const shownOf = (state: State, key: string): Shown | undefined => state.get<Shown>(table, key)

export function keepShown(state: State, key: string, shown: Shown): void {
  state.put(table, key, shown)
}

/** The account's facets are changed by something else than a run's observation, or are gone. */
export function forgetShown(state: State, key: string): void {
  if (shownOf(state, key) !== undefined) state.delete(table, key)
}

/** All that the record says of the account, without when; records of one schema say the same in the same order. */
export function textOf({ gone, attributes, memberships, grants, credentials }: Account): string {
  return JSON.stringify([gone, attributes, memberships, grants, credentials])
}

export const classesOf = (record: Account): AccountClass[] =>
  accountClasses.filter((name) => (name === 'accounts' ? record.attributes : record[name]) !== null)
