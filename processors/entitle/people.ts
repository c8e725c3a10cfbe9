import type { IdentityStatus } from '../../schemas/wire/common.ts'
import type { IdentityKey } from '../../schemas/wire/raw.ts'
import type { State } from '../../src/ports/processor.ts'
import { PackReader, PackWriter, type Packed } from '../shared/packed.ts'
import { readPairs, writePairs } from './stored-objects.ts'
import type { Tenure } from './tenure.ts'

/** What the state keeps of a known identity, which is never forgotten. */
export interface Person {
  /** ids of the roles that are assigned or match, known or not */
  roles: readonly string[]
  /** the feed whose facet is in force */
  feed: string
  /** the timer that is set, ms */
  dueMs: number | null
  /** by the facet in force, ms; null for the ended: who comes back has not been there since */
  start: number | null
  /** when an end without a date of its own was learnt, ms */
  endedAt: number | null
  /** of the key book's entry; grows with each change of it */
  revision: number
  /** role key -> since when the attributes match the role's condition, ms */
  matched: Record<string, number>
  /** the key book's entry (`packBook`) */
  book: Packed
  /** what was published last beside the access itself (`packHead`) */
  head: Packed
  /** entries and lapses (stored-access.ts) */
  access: Packed
}

/** What a sweep over all identities needs to know of each. */
export type PersonInBrief = Pick<Person, 'roles' | 'feed'>

const table = 'people'

export const personAt = (state: State, id: string): Packed | undefined => state.get<Packed>(table, id)

export function personInBrief(state: State, id: string): PersonInBrief | undefined {
  const packed = personAt(state, id)
  return packed === undefined ? undefined : readBrief(new PackReader(packed))
}

/** All of them in the order of their ids, strictly after `after`. */
export function* peopleAfter(state: State, after: string): Iterable<readonly [id: string, person: PersonInBrief]> {
  for (const [id, packed] of state.range<Packed>(table, { after })) yield [id, readBrief(new PackReader(packed))]
}

export const putPerson = (state: State, id: string, packed: Packed): void => state.put(table, id, packed)

export function packPerson({ roles, feed, dueMs, start, endedAt, revision, matched, book, head, access }: Person): Packed {
  const to = new PackWriter()
  to.count(roles.length)
  for (const role of roles) to.text(role)
  to.text(feed)
  for (const at of [dueMs, start, endedAt]) to.time(at)
  to.count(revision)
  writePairs(to, matched, (at) => to.time(at))
  for (const bytes of [book, head, access]) to.blob(bytes)
  return to.end()
}

export function unpackPerson(packed: Packed): Person {
  const from = new PackReader(packed)
  return {
    ...readBrief(from), dueMs: from.time(), start: from.time(), endedAt: from.time(), revision: from.count(),
    matched: readPairs(from, () => from.moment()), book: from.blob(), head: from.blob(), access: from.blob(),
  }
}

const readBrief = (from: PackReader): PersonInBrief => ({ roles: from.list(() => from.word()), feed: from.word() })

/** All that the key book says of an identity but its revision. */
export function packBook(status: IdentityStatus, continues: string | null, keys: readonly IdentityKey[]): Packed {
  const to = new PackWriter()
  to.text(status)
  to.text(continues)
  to.count(keys.length)
  for (const { space, key, since, until } of keys) {
    to.text(space)
    to.text(key)
    to.time(since)
    to.time(until)
  }
  return to.end()
}

export function keysIn(book: Packed): IdentityKey[] {
  const from = new PackReader(book)
  from.text()
  from.text()
  return from.list(() => ({ space: from.word(), key: from.word(), since: from.moment(), until: from.time() }))
}

/** All that is published of an identity but its access. */
export function packHead({ status, start, end }: Tenure, display: string | null, keys: Readonly<Record<string, string>>): Packed {
  const to = new PackWriter()
  to.text(status)
  to.time(start)
  to.time(end)
  to.text(display)
  writePairs(to, keys, (key) => to.text(key))
  return to.end()
}
