import type { DesiredEntry, LapsedEntry, Reason } from '../../schemas/wire/common.ts'
import type { AnyRecord } from '../../schemas/wire/topics.ts'

interface Entries {
  entries: readonly DesiredEntry[]
  lapsed: readonly LapsedEntry[]
}

/** Why a grant was meant to be there, or no longer was. */
export interface Intention {
  reasons: Reason[]
  lapsed: LapsedEntry | null
}

/** What governance said about homes, and about accounts that are no person's, as far as the facts told it. */
export class Intended {
  readonly #homes = new Map<string, Entries>()
  readonly #accounts = new Map<string, Entries>()

  /** The next record of a facts partition. */
  take(record: AnyRecord): void {
    if (record.type === 'Desired') this.#homes.set(record.home, { entries: record.entries, lapsed: record.lapsed })
    if (record.type !== 'AccountFact' && record.type !== 'AccountGone') return
    const key = accountOf(record.home, record.app, record.account)
    if (record.type === 'AccountFact' && record.entries.length + record.lapsed.length > 0) {
      this.#accounts.set(key, { entries: record.entries, lapsed: record.lapsed })
    } else this.#accounts.delete(key)
  }

  of({ home, app, account, entitlement }: { home: string; app: string; account: string; entitlement: string }): Intention {
    const told = [this.#homes.get(home), this.#accounts.get(accountOf(home, app, account))].filter((entries) => entries !== undefined)
    const isMeant = (entry: { app: string; entitlement: string }): boolean => entry.app === app && entry.entitlement === entitlement
    return {
      reasons: told.flatMap(({ entries }) => entries.filter(isMeant).flatMap(({ reasons }) => reasons)),
      lapsed: told.flatMap(({ lapsed }) => lapsed.filter(isMeant)).at(-1) ?? null,
    }
  }
}

const accountOf = (home: string, app: string, account: string): string => JSON.stringify([home, app, account])
