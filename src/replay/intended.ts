import type { LapsedEntry, Reason } from '../../schemas/wire/common.ts'
import type { AnyRecord } from '../../schemas/wire/topics.ts'
import { rightsOf, saidOf, type Said, type SaidOfPerson } from '../../processors/shared/rights.ts'

/** Why a grant was meant to be there, or no longer was. */
export interface Intention {
  reasons: Reason[]
  lapsed: LapsedEntry | null
}

/** What governance said about people, and about accounts in particular, as far as the facts told it. */
export class Intended {
  readonly #people = new Map<string, SaidOfPerson>()
  readonly #accounts = new Map<string, { home: string; said: Said }>()

  /** The next record of a facts partition. */
  take(record: AnyRecord): void {
    if (record.type === 'Desired') {
      const { status, start, end, entries, lapsed, revoked } = record
      this.#people.set(record.home, { status, start, endedAt: end, entries, lapsed, revoked: revoked ?? [] })
    }
    if (record.type !== 'AccountFact' && record.type !== 'AccountGone') return
    const key = accountOf(record.home, record.app, record.account)
    const said = record.type === 'AccountFact' ? saidOf(record) : null
    if (said === null) this.#accounts.delete(key)
    else this.#accounts.set(key, { home: record.home, said })
  }

  /** Forgets what was said at other homes: of everybody it would be much, and is asked of few. */
  keepOnly(homes: ReadonlySet<string>): void {
    for (const home of this.#people.keys()) if (!homes.has(home)) this.#people.delete(home)
    for (const [key, { home }] of this.#accounts) if (!homes.has(home)) this.#accounts.delete(key)
  }

  of({ home, app, account, entitlement }: { home: string; app: string; account: string; entitlement: string }): Intention {
    const isMeant = (entry: { app: string; entitlement: string }): boolean => entry.app === app && entry.entitlement === entitlement
    const { entries, lapsed } = this.#rights(home, accountOf(home, app, account))
    return { reasons: entries.filter(isMeant).flatMap(({ reasons }) => reasons), lapsed: lapsed.find(isMeant) ?? null }
  }

  #rights(home: string, key: string): Omit<Said, 'revoked'> {
    const person = this.#people.get(home)
    const account = this.#accounts.get(key)?.said
    if (person === undefined || account === undefined) return person ?? account ?? { entries: [], lapsed: [] }
    return rightsOf(person, account)
  }
}

const accountOf = (home: string, app: string, account: string): string => JSON.stringify([home, app, account])
