import type { Identity, IntentKey } from '../../schemas/wire/intent.ts'
import type { IdentityKey } from '../../schemas/wire/raw.ts'
import { identityHome } from '../../src/core/keys.ts'
import { compareKeys } from '../../src/core/order.ts'
import { sameBytes } from '../../src/core/bytes.ts'
import type { Said } from './claims.ts'
import { assigned, matchTimes, matched, requested } from './claims.ts'
import { compile, type Claim } from './compile.ts'
import { keyHistory } from './keys.ts'
import type { Told } from './objects.ts'
import { isOf } from './objects.ts'
import type { Person } from './people.ts'
import { keysIn, packBook, packHead, packPerson, personAt, putPerson, unpackPerson } from './people.ts'
import type { Scope } from './scope.ts'
import type { Access } from './stored-access.ts'
import { packAccess, unpackAccess } from './stored-access.ts'
import { noteUnresolved } from './unresolved.ts'
import type { Change } from './subject.ts'
import { comparePositions, sameAccess, sourcesOf, wireEntries, wireLapses, wireRevocations } from './subject.ts'
import type { IdentityFacet, Tenure } from './tenure.ts'
import { facetInForce, nextStatusChange, tenureOf } from './tenure.ts'

const stranger: Person = {
  roles: [], feed: '', dueMs: null, start: null, endedAt: null, revision: 0, matched: {}, book: packBook('planned', null, []), head: new Uint8Array(0),
  access: packAccess({ entries: [], lapsed: [], revoked: [] }),
}

type About = readonly (readonly [key: string, told: Told])[]

/**
 * Derives one identity anew from its intent in force: status, key book entry, desired access. Publishes what changed. Nothing is
 * derived for an identity that no feed has told of yet; what is said about it waits in the objects.
 */
export function refreshIdentity(scope: Scope, id: string, change: Change): void {
  const { context, objects, timers } = scope
  const home = identityHome(id)
  const about = objects.about(home)
  const facets = facetsIn(about)
  const facet = facetInForce(facets, context.now)
  const vainMs = noteUnresolved(scope, home, about, facet !== undefined)
  if (facet === undefined) return
  const stored = personAt(context.state, id)
  const person = stored === undefined ? stranger : unpackPerson(stored)
  const before = unpackAccess(person.access)
  const undated = tenureOf(facet, context.now, null)
  const endedAt = undated.status === 'ended' && undated.end === null ? (person.endedAt ?? change.at) : null
  const tenure = tenureOf(facet, context.now, endedAt)
  const { said, roles, matchedSinceMs } = claimsOf(scope, about, facet, person)
  const { nextDueMs, ...access } = compile({
    tenure, claims: said.claims, revocations: said.revocations, now: context.now, changedAt: change.at, entries: before.entries, lapsed: before.lapsed,
  })
  const dueMs = earliest(earliest(nextDueMs, vainMs), nextStatusChange(facets, context.now))
  const telling = thatTell(facets)
  const keys = keyHistory({
    history: keysIn(person.book),
    current: keysGiven(telling),
    ended: tenure.status === 'ended',
    at: change.keysAt,
    startBefore: person.start,
    start: facet.record.start,
    first: stored === undefined,
  })
  const book = packBook(tenure.status, facet.record.continues, keys)
  const current = currentKeys(facet.record)
  const head = packHead(tenure, facet.record.display, current)
  const hasNewBook = stored === undefined || !sameBytes(book, person.book)
  const next: Person = {
    roles, feed: facet.feed, dueMs, start: tenure.status === 'ended' ? null : facet.record.start, endedAt,
    revision: person.revision + (hasNewBook ? 1 : 0), matched: matchedSinceMs, book, head, access: packAccess(access),
  }
  timers.set(home, person.dueMs, dueMs)
  const packed = packPerson(next)
  if (stored === undefined || !sameBytes(packed, stored)) putPerson(context.state, id, packed)
  if (hasNewBook) publishKeys(scope, telling, facet, tenure, keys, next.revision)
  if (!sameBytes(head, person.head) || !sameAccess(access, before)) publishDesired(scope, facet, tenure, current, access)
}

function claimsOf(scope: Scope, about: About, facet: IdentityFacet, person: Person): { said: Said; roles: string[]; matchedSinceMs: Person['matched'] } {
  const claims: Claim[] = []
  const ids = new Set<string>()
  for (const [key, row] of about) {
    if (!isOf(row, 'RoleAssignment')) continue
    ids.add(row.record.role)
    for (const role of scope.roles.named(scope.objects, row.record.role)) claims.push(...assigned(key, row, role))
  }
  const matching = scope.roles.matching(scope.objects, facet.record.attributes)
  const matchedSinceMs = matchTimes(matching, facet.attributesSince, person.matched)
  for (const role of matching) {
    ids.add(role[1].record.id)
    claims.push(...matched(role, Math.max(matchedSinceMs[role[0]] ?? 0, facet.record.start ?? 0)))
  }
  // what roles give is in order: those first, and there is less to be put in order
  const { claims: others, revocations } = requested(about)
  claims.push(...others)
  return { said: { claims, revocations }, roles: [...ids].sort(compareKeys), matchedSinceMs }
}

function publishKeys({ context }: Scope, telling: readonly IdentityFacet[], { record }: IdentityFacet, tenure: Tenure, keys: IdentityKey[], revision: number): void {
  const { position: cause } = context
  const sources = telling.map(({ source }) => source).sort(comparePositions)
  context.broadcast('raw', {
    type: 'KeyBook', identity: record.id, revision, status: tenure.status, continues: record.continues, keys,
    sources: sources.every((source) => comparePositions(source, cause) === 0) ? null : sources, cause,
  })
}

function publishDesired({ context }: Scope, { record, source }: IdentityFacet, tenure: Tenure, keys: Record<string, string>, access: Access): void {
  context.emit('facts', identityHome(record.id), {
    type: 'Desired', home: identityHome(record.id), identity: record.id, status: tenure.status, display: record.display,
    keys, start: tenure.start, end: tenure.end, entries: wireEntries(access.entries), lapsed: wireLapses(access.lapsed),
    revoked: wireRevocations(access.revoked), sources: sourcesOf([source], access), cause: context.position,
  })
}

/** In the order of the spaces, so that equal keys are told in equal words. */
function currentKeys({ keys }: Identity): Record<string, string> {
  const [only] = keys
  if (only !== undefined && keys.length === 1) return { [only.space]: only.key }
  const first = new Map<string, string>()
  for (const { space, key } of keys) if (!first.has(space)) first.set(space, key)
  return Object.fromEntries([...first].sort(([a], [b]) => compareKeys(a, b)))
}

function facetsIn(about: About): IdentityFacet[] {
  const facets: IdentityFacet[] = []
  for (const [, told] of about) if (isOf(told, 'Identity')) facets.push(facetOf(told))
  return facets
}

const facetOf = ({ record, gone, since, source }: Told<Identity>): IdentityFacet =>
  ({ feed: record.feed, gone, record, attributesSince: since, source })

/** Those of all feeds that still have the identity; where none does, of all that had it. */
function thatTell(facets: readonly IdentityFacet[]): readonly IdentityFacet[] {
  if (facets.length === 1) return facets
  const isGone = facets.every(({ gone }) => gone)
  return facets.filter(({ gone }) => !gone || isGone)
}

function keysGiven(telling: readonly IdentityFacet[]): readonly IntentKey[] {
  const [only] = telling
  return only !== undefined && telling.length === 1 ? only.record.keys : telling.flatMap(({ record }) => record.keys)
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}
