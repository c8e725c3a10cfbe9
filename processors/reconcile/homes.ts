import { equal } from '../../src/core/equal.ts'
import type { State } from '../../src/ports/processor.ts'
import type { Packed } from '../shared/packed.ts'
import { part } from '../shared/rows.ts'
import { Timers } from '../shared/timers.ts'
import { accountName, type Loaded } from './intake.ts'
import { emptyHome, type OpenFinding } from './model.ts'
import { packAccount, packDesired, packHome, readDependence, unpackAccount, unpackDesired, unpackHome, type Dependence, type StoredHome } from './stored.ts'

/** The rows of homes: `homes` and `desired` by home, `accounts` by home and account, `closed` findings' first `since` by id, `due` timers. */
export class Homes {
  readonly #state: State
  readonly #timers: Timers

  constructor(state: State) {
    this.#state = state
    this.#timers = new Timers(state, 'due')
  }

  /** `without` what is desired there (null): for whoever replaces it, whatever it was. */
  load(home: string, without: 'desired' | null = null): Loaded {
    const stored = this.#state.get<Packed>('homes', home)
    if (stored === undefined) return { home, known: false, row: emptyHome, accounts: [] }
    const { accounts: names, ...row } = unpackHome(stored)
    const desired = without === 'desired' ? undefined : this.#state.get<Packed>('desired', home)
    const accounts = names.flatMap((name) => {
      const packed = this.#state.get<Packed>('accounts', part(home) + name)
      return packed === undefined ? [] : [unpackAccount(packed)]
    })
    return { home, known: true, row: { desired: desired === undefined ? null : unpackDesired(desired), ...row }, accounts }
  }

  /** Homes after `after` in key order, each with what it depends on. */
  *after(after: string | null): Iterable<Dependence & { home: string }> {
    for (const [home, packed] of this.#state.range<Packed>('homes', after === null ? {} : { after })) yield { home, ...readDependence(packed) }
  }

  isDue(now: number): boolean {
    return this.#timers.due(now) !== null
  }

  /** Homes that have to be evaluated by `now`, the longest due first; whoever evaluates one of them may ask for the next. */
  *due(now: number): Iterable<string> {
    for (const { id } of this.#timers.allDue(now)) yield id
  }

  firstSince(id: string): number | undefined {
    return this.#state.get<number>('closed', id)
  }

  remember(closed: readonly OpenFinding[], reopened: readonly string[]): void {
    for (const id of reopened) this.#state.delete('closed', id)
    for (const { id, since } of closed) this.#state.put('closed', id, since)
  }

  /** Writes what differs from `before`, row by row; a home of which nothing is left goes. */
  save(before: Loaded, after: Loaded): void {
    const { home } = after
    const old = before.accounts.map(({ fact }) => accountName(fact))
    const names = after.accounts.map(({ fact }) => accountName(fact))
    for (const name of old) if (!names.includes(name)) this.#state.delete('accounts', part(home) + name)
    after.accounts.forEach((account, i) => {
      if (!before.accounts.includes(account)) this.#state.put('accounts', part(home) + names[i]!, packAccount(account))
    })
    this.#timers.set(home, before.row.due, after.row.due)
    this.#saveDesired(before, after)
    if (isEmpty(after)) {
      if (before.known) this.#state.delete('homes', home)
    } else if (!before.known || after.row !== before.row || !equal(old, names)) {
      const { desired: _, ...row } = after.row
      this.#state.put('homes', home, packHome({ ...row, accounts: names } satisfies StoredHome))
    }
  }

  #saveDesired(before: Loaded, { home, row: { desired } }: Loaded): void {
    if (desired === before.row.desired) return
    if (desired === null) this.#state.delete('desired', home)
    else this.#state.put('desired', home, packDesired(desired))
  }
}

function isEmpty({ row, accounts }: Loaded): boolean {
  const { desired, references, held, open, waits } = row
  return accounts.length + references.length + held.length + open.length + waits.length === 0 && desired === null
}
