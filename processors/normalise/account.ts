import type { AccountKind, AccountStatus, Credential, Position } from '../../schemas/wire/common.ts'
import type { Assignment } from '../../schemas/wire/raw.ts'
import type { Held } from './held.ts'

/** One row for each account (stored.ts): what was observed of it and what was published. */
export interface AccountRow {
  readonly ordinal: number
  /** the id as the application spelt it last */
  readonly native: string
  /** ms; when the account was first observed */
  readonly since: number
  readonly attributes: Kept<Attributes> | null
  readonly memberships: Kept<readonly Assignment[]> | null
  readonly grants: Kept<readonly Assignment[]> | null
  readonly credentials: Kept<readonly Credential[]> | null
  readonly published: Published | null
  /** native entitlements that it effectively holds, and since when; null: none yet */
  readonly held: Held | null
  /** what it looked up in the key book (see watch.ts) */
  readonly watches: readonly string[]
  /** ms; when a claim that it looked up stops being live */
  readonly due: number | null
}

/** Of a record on this partition of raw. */
export type Place = readonly [offset: number, index: number]

/** One facet in force. */
export interface Kept<C> {
  /** the application's clock, microseconds */
  readonly observed: number
  readonly valid: number | null
  /** a whole observation of this facet was seen; until then there may be more than is known */
  readonly whole: boolean
  /** where the content came from */
  readonly at: Place
  readonly content: C
}

export interface Attributes {
  readonly kind: AccountKind
  readonly status: AccountStatus
  readonly display: string | null
  readonly created: number | null
  readonly lastUsed: number | null
  readonly owner: string | null
  readonly values: Readonly<Record<string, string>>
}

export interface Published {
  readonly home: string
  /** what the fact says, without when and whence (content.ts) */
  readonly content: string
  /** the home that was told that it is accountable, with the digest of what it was told */
  readonly reference: { readonly home: string; readonly digest: string } | null
}

export const accountClasses = ['accounts', 'memberships', 'grants', 'credentials'] as const
export type AccountClass = (typeof accountClasses)[number]

/** Facets of an account share its ordinal; definitions have their own. */
export const layout = { accounts: accountClasses, definitions: ['definitions'] } as const

export function facetOf(row: AccountRow, name: AccountClass): Kept<unknown> | null {
  return name === 'accounts' ? row.attributes : row[name]
}

/** The newest stamp of any facet; -1 where there is none. */
export function lastObserved(row: AccountRow): number {
  let last = -1
  for (const name of accountClasses) last = Math.max(last, facetOf(row, name)?.observed ?? -1)
  return last
}

export function lastValid(row: AccountRow): number | null {
  let last: number | null = null
  for (const name of accountClasses) {
    const valid = facetOf(row, name)?.valid ?? null
    if (valid !== null) last = Math.max(valid, last ?? valid)
  }
  return last
}

export const isWhole = (row: AccountRow): boolean => accountClasses.every((name) => facetOf(row, name)?.whole !== false)

/** Distinct positions of the records that the facets in force came from, and of others that the fact follows from, in log order. */
export function sourcesOf(row: AccountRow, partition: number, others: readonly Place[]): Position[] {
  const places = [...others]
  for (const name of accountClasses) {
    const facet = facetOf(row, name)
    if (facet !== null) places.push(facet.at)
  }
  if (places.length > 1) places.sort(([a, i], [b, j]) => a - b || i - j)
  return places
    .filter(([offset, index], i) => i === 0 || offset !== places[i - 1]![0] || index !== places[i - 1]![1])
    .map(([offset, index]) => ({ topic: 'raw', partition, offset, index }))
}

/** The parts of a row key of `accounts`; an app's name has no slash, an id may have. */
export function splitKey(key: string): { app: string; id: string } {
  const slash = key.indexOf('/')
  return { app: key.slice(0, slash), id: key.slice(slash + 1) }
}
