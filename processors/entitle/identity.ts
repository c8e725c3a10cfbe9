import type { Identity } from '../../schemas/wire/intent.ts'
import type { IdentityKey } from '../../schemas/wire/raw.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import { equal } from '../../src/core/equal.ts'
import { identityHome } from '../../src/core/keys.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { Packed } from '../shared/packed.ts'
import type { Said } from './claims.ts'
import { assigned, matchTimes, matched, requested } from './claims.ts'
import { compile } from './compile.ts'
import { keyHistory } from './keys.ts'
import type { ObjectRow } from './objects.ts'
import { isOf } from './objects.ts'
import type { Scope } from './scope.ts'
import type { Change, SubjectRow } from './subject.ts'
import { noAccess, packAccess, sameAccess, sourcesOf, unpackAccess, wireEntries, wireLapses } from './subject.ts'
import type { IdentityFacet, Tenure } from './tenure.ts'
import { facetInForce, nextStatusChange, tenureOf } from './tenure.ts'

/** What the state keeps of a known identity, which is never forgotten. */
export interface Person extends SubjectRow {
  /** the feed whose facet is in force */
  feed: string
  /** by that facet, ms; null for the ended: who comes back has not been there since */
  start: number | null
  /** when an end without a date of its own was learnt, ms */
  endedAt: number | null
  keys: IdentityKey[]
  /** of the key book's entry; grows with each change of it */
  revision: number
  /** of the key book's entry that was published last */
  book: string | null
  /** role key -> since when the attributes match the role's condition, ms */
  matched: Record<string, number>
  /** ids of the roles that are assigned or match, known or not */
  roles: string[]
}

/** As it lies in the state: what is long is packed. */
export type StoredPerson = Omit<Person, 'entries' | 'lapsed'> & { access: Packed }

const stranger: Person = { ...noAccess, feed: '', start: null, endedAt: null, keys: [], revision: 0, book: null, matched: {}, roles: [] }

type Objects = readonly (readonly [key: string, row: ObjectRow])[]

/**
 * Derives one identity anew from its intent in force: status, key book entry, desired access. Publishes what changed. Nothing is
 * derived for an identity that no feed has told of yet; what is said about it waits in the objects.
 */
export function refreshIdentity(scope: Scope, id: string, change: Change): void {
  const { context, objects, timers } = scope
  const home = identityHome(id)
  const about = [...objects.about(home)]
  const facets = about.flatMap(([, row]) => (isOf(row, 'Identity') ? [facetOf(row)] : []))
  const facet = facetInForce(facets, context.now)
  if (facet === undefined) return
  const before = context.state.get<StoredPerson>('people', id)
  const person = before === undefined ? stranger : personOf(before)
  const undated = tenureOf(facet, context.now, null)
  const endedAt = undated.status === 'ended' && undated.end === null ? (person.endedAt ?? change.at) : null
  const tenure = tenureOf(facet, context.now, endedAt)
  const { said, roles, matchedSinceMs } = claimsOf(scope, about, facet, person)
  const { entries, lapsed, nextDueMs } = compile({
    tenure, ...said, now: context.now, changedAt: change.at, entries: person.entries, lapsed: person.lapsed,
  })
  const dueMs = earliest(nextDueMs, nextStatusChange(facets, context.now))
  const keys = keyHistory({
    history: person.keys,
    current: facets.filter(({ gone }) => !gone || facets.every((other) => other.gone)).flatMap(({ record }) => record.keys),
    ended: tenure.status === 'ended',
    at: change.keysAt,
    startBefore: person.start,
    start: facet.record.start,
    first: before === undefined,
  })
  const book = digest(canonical([tenure.status, facet.record.continues, keys]))
  const published = digest(canonical([tenure, facet.record.display, currentKeys(facet.record)]))
  const next: Person = {
    entries, lapsed, published, dueMs, feed: facet.feed, start: tenure.status === 'ended' ? null : facet.record.start, endedAt, keys, book, matched: matchedSinceMs, roles,
    revision: book === person.book ? person.revision : person.revision + 1,
  }
  timers.set(home, person.dueMs, dueMs)
  if (before === undefined || !equal(next, person)) context.state.put('people', id, stored(next))
  if (next.revision !== person.revision) publishKeys(scope, facet, tenure, next)
  if (published !== person.published || !sameAccess(next, person)) publishDesired(scope, facet, tenure, next)
}

function personOf({ access, ...rest }: StoredPerson): Person {
  return { ...rest, ...unpackAccess(access) }
}

function stored({ entries, lapsed, ...rest }: Person): StoredPerson {
  return { ...rest, access: packAccess({ entries, lapsed }) }
}

function claimsOf(scope: Scope, about: Objects, facet: IdentityFacet, person: Person): { said: Said; roles: string[]; matchedSinceMs: Person['matched'] } {
  const said = requested(about)
  const ids = new Set<string>()
  for (const [key, row] of about) {
    if (!isOf(row, 'RoleAssignment')) continue
    ids.add(row.record.role)
    for (const role of scope.roles.named(scope.objects, row.record.role)) said.claims.push(...assigned(key, row, role))
  }
  const matching = scope.roles.matching(scope.objects, facet.record.attributes)
  const matchedSinceMs = matchTimes(matching, facet.attributesSince, person.matched)
  for (const role of matching) {
    ids.add(role[1].record.id)
    said.claims.push(...matched(role, Math.max(matchedSinceMs[role[0]] ?? 0, facet.record.start ?? 0)))
  }
  return { said, roles: [...ids].sort(compareKeys), matchedSinceMs }
}

function publishKeys({ context }: Scope, { record }: IdentityFacet, tenure: Tenure, { keys, revision }: Person): void {
  context.broadcast('raw', {
    type: 'KeyBook', identity: record.id, revision, status: tenure.status, continues: record.continues, keys,
    cause: context.position,
  })
}

function publishDesired({ context }: Scope, { record, source }: IdentityFacet, tenure: Tenure, person: Person): void {
  context.emit('facts', identityHome(record.id), {
    type: 'Desired', home: identityHome(record.id), identity: record.id, status: tenure.status, display: record.display,
    keys: currentKeys(record), start: tenure.start, end: tenure.end, entries: wireEntries(person.entries), lapsed: wireLapses(person.lapsed),
    sources: sourcesOf([source], person.entries), cause: context.position,
  })
}

/** In the order of the spaces, so that equal keys are told in equal words. */
function currentKeys({ keys }: Identity): Record<string, string> {
  const first = new Map<string, string>()
  for (const { space, key } of keys) if (!first.has(space)) first.set(space, key)
  return Object.fromEntries([...first].sort(([a], [b]) => compareKeys(a, b)))
}

const facetOf = ({ record, gone, since, source }: ObjectRow<Identity>): IdentityFacet =>
  ({ feed: record.feed, gone, record, attributesSince: since, source })

function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}
