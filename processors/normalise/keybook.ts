import type { KeyBook } from '../../schemas/wire/raw.ts'
import { equal } from '../../src/core/equal.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { State } from '../../src/ports/processor.ts'
import { part } from '../shared/rows.ts'
import type { Place } from './account.ts'
import type { Claim } from './match.ts'
import { chainTopic, keyTopic } from './watch.ts'

interface Entry {
  readonly revision: number
  readonly continues: string | null
  readonly keys: KeyBook['keys']
  /** where on this partition of raw it came from; rows of `normalise` 10 and before have no place */
  readonly at?: Place
}

/** Beside the version: the offset from which on places are known. */
const placesRow = 'places'

interface KeyClaims {
  readonly space: string
  readonly key: string
  readonly claims: Claim[]
}

/** Whose keys these are: the newest entry of each identity (`identities`), and the claims on each space and key (`claims`). */
export class KeyBookTable {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  /** Takes the entry if its revision is newer; answers the topics (watch.ts) whose answer may now be another one. */
  apply(record: KeyBook, at: Place): string[] {
    const { identity, revision, continues, keys } = record
    const before = this.#state.get<Entry>('identities', identity)
    if (before !== undefined && before.revision >= revision) return []
    this.#state.put('identities', identity, { revision, continues, keys, at } satisfies Entry)
    const topics = (before?.continues ?? null) === continues ? [] : [chainTopic(identity)]
    const old = byKey(identity, before?.keys ?? [])
    const fresh = byKey(identity, keys)
    for (const [row, { space, key }] of inOrder(old.size === 0 ? fresh : new Map([...old, ...fresh]))) {
      const claims = fresh.get(row)?.claims ?? []
      if (equal(old.get(row)?.claims ?? [], claims)) continue
      this.#setClaims(row, identity, claims)
      topics.push(keyTopic(space, key))
    }
    return topics
  }

  /** All claims that were told and not taken back, live or not, by identity and then by since. */
  claims(space: string, key: string): readonly Claim[] {
    return this.#state.get<readonly Claim[]>('claims', part(space) + part(key)) ?? []
  }

  continues(identity: string): string | null {
    return this.#state.get<Entry>('identities', identity)?.continues ?? null
  }

  /** Where the entries of these came from, as far as it is known. */
  places(identities: readonly string[]): Place[] {
    if (identities.length === 0) return []
    const from = this.#state.get<number>('epoch', placesRow) ?? 0
    return identities.flatMap((identity) => {
      const at = this.#state.get<Entry>('identities', identity)?.at
      return at === undefined || at[0] < from ? [] : [at]
    })
  }

  /** Of entries before `at`: a version that kept none had a part in them, and who runs this one again over all of the input has to know no more. */
  forgetPlaces([offset]: Place): void {
    this.#state.put('epoch', placesRow, offset)
  }

  #setClaims(row: string, identity: string, claims: readonly Claim[]): void {
    const others = (this.#state.get<readonly Claim[]>('claims', row) ?? []).filter((claim) => claim.identity !== identity)
    const all = [...others, ...claims].sort(compareClaims)
    if (all.length === 0) this.#state.delete('claims', row)
    else this.#state.put('claims', row, all)
  }
}

/** An identity may have had a key, lost it and got it back: a claim for each time. */
function byKey(identity: string, keys: KeyBook['keys']): Map<string, KeyClaims> {
  const found = new Map<string, KeyClaims>()
  for (const { space, key, since, until } of keys) {
    const row = part(space) + part(key)
    const entry = found.get(row) ?? { space, key, claims: [] }
    entry.claims.push({ identity, since, until })
    found.set(row, entry)
  }
  for (const { claims } of found.values()) claims.sort(compareClaims)
  return found
}

const inOrder = <V>(rows: ReadonlyMap<string, V>): Iterable<[row: string, value: V]> => (rows.size < 2 ? rows : [...rows].sort(([a], [b]) => compareKeys(a, b)))

function compareClaims(a: Claim, b: Claim): number {
  return compareKeys(a.identity, b.identity) || a.since - b.since || (a.until ?? Infinity) - (b.until ?? Infinity) || 0
}
