import type { IntentClass } from '../../schemas/settings.ts'
import type { IntentRecord } from '../../schemas/wire/intent.ts'
import type { Account, Assignment, Definition, Ref } from '../../schemas/wire/raw.ts'
import { accountKey } from '../../src/core/keys.ts'
import type { World, WorldAccount, WorldAssignment, WorldDecision, WorldIdentity, WorldLink, WorldRequest, WorldRole } from './world.ts'

/** How the objects of a world are spelt on the wire. */

export interface IntentItem {
  identity: WorldIdentity
  role: WorldRole
  assignment: WorldAssignment
  request: WorldRequest
  decision: WorldDecision
  link: WorldLink
}
export type IntentKind = keyof IntentItem
export type IntentObject = { [K in IntentKind]: { of: K; value: IntentItem[K] } }[IntentKind]

export const feedOf: Readonly<Record<IntentKind, string>> = {
  identity: 'hr', role: 'roles', assignment: 'assignments', request: 'requests', decision: 'reviews', link: 'links',
}
export const intentKinds = Object.keys(feedOf) as IntentKind[]
export const classOfFeed: Readonly<Record<string, IntentClass>> = {
  hr: 'identities', roles: 'business-roles', assignments: 'role-assignments', requests: 'requests', reviews: 'decisions', links: 'links',
}

/** When and as part of what the object was read. */
export interface Moment {
  run: number | null
  observed: number
  /** when it became so, ms, if the source says */
  valid: number | null
}

export interface Keyed<R> {
  /** null: to every partition */
  key: string | null
  record: R
}

/** Where a world keeps them. */
export const listOf = { identity: 'identities', role: 'businessRoles', assignment: 'assignments', request: 'requests', decision: 'decisions', link: 'links' } as const

/** The objects of one kind, in the order of their ids. */
export function objectsOf(world: World, kind: IntentKind): IntentObject[] {
  const objects = world[listOf[kind]].map((value) => ({ of: kind, value }) as IntentObject)
  return objects.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
}

export const idOf = ({ of, value }: IntentObject): string => (of === 'link' ? `${value.app}/${value.account}/${value.relation}` : value.id)

export function intentRecord(object: IntentObject, moment: Moment, removed = false): Keyed<IntentRecord> {
  const { of, value } = object
  const facet = { feed: feedOf[of], ...moment, removed, id: idOf(object) }
  switch (of) {
    case 'identity': {
      const { id, status, start, end, continues, attributes } = value
      const keys = value.keys.map(({ space, key, since }) => ({ space, key, since }))
      return { key: id, record: { type: 'Identity', ...facet, status, display: null, start, end, continues, attributes, keys } }
    }
    case 'role': {
      const { id, grants, when } = value
      return { key: null, record: { type: 'BusinessRole', ...facet, name: id, owner: null, grants, when } }
    }
    case 'assignment': {
      const { identity, role, from, until } = value
      return { key: identity, record: { type: 'RoleAssignment', ...facet, identity, role, from, until } }
    }
    case 'request': {
      const { app, entitlement, from, until } = value
      return { ...about(value), record: { type: 'AccessRequest', ...facet, ...subjectOf(value), app, entitlement, from, until, approvedBy: 'boss' } }
    }
    case 'decision': {
      const { app, entitlement, verdict, at } = value
      return { ...about(value), record: { type: 'Decision', ...facet, ...subjectOf(value), campaign: 'c', app, entitlement, verdict, by: 'auditor', at } }
    }
    case 'link': {
      const { app, account, identity, relation } = value
      return { key: accountKey(app, account), record: { type: 'AccountLink', ...facet, app, account, identity, relation } }
    }
  }
}

type Subject = Pick<WorldRequest, 'identity' | 'account'>
const about = ({ identity, account }: Subject): { key: string } => ({ key: identity ?? accountKey(account?.app ?? '', account?.id ?? '') })
const subjectOf = ({ identity, account }: Subject) => ({ subject: { identity, app: account?.app ?? null, account: account?.id ?? null } })

export const refOf = (name: string): Ref => ({ kind: name.slice(0, name.indexOf(':')) as Ref['kind'], id: name.slice(name.indexOf(':') + 1) })
export const nameOfRef = ({ kind, id }: Ref): string => `${kind}:${id}`

export function definitionRecord(app: string, name: string, children: Ref[] | undefined, moment: Moment): Keyed<Definition> {
  const removed = children === undefined
  return { key: null, record: { type: 'Definition', app, ...moment, ref: refOf(name), name: null, whole: true, removed, children: children ?? [] } }
}

const assignments = (refs: readonly Ref[]): Assignment[] => refs.map((ref) => ({ ref, valid: null }))
const natives = (ids: readonly string[]): Ref[] => ids.map((id) => ({ kind: 'entitlement', id }))

/** All facets of the account, whole. */
export function accountRecord(app: string, account: WorldAccount, moment: Moment): Keyed<Account> {
  const { id, kind, status, created, lastUsed, owner, values, memberships, grants, credentials } = account
  return keyed({
    type: 'Account', app, id, native: id, ...moment, gone: false,
    attributes: { whole: true, kind, status, display: null, created, lastUsed, owner, values },
    memberships: { whole: true, added: assignments(memberships), removed: [] },
    grants: { whole: true, added: assignments(natives(grants)), removed: [] },
    credentials: { whole: true, added: credentials, removed: [] },
  })
}

export function goneRecord(app: string, id: string, moment: Moment): Keyed<Account> {
  return keyed({
    type: 'Account', app, id, native: id, ...moment, gone: true, attributes: null, memberships: null, grants: null, credentials: null,
  })
}

/** Only what differs between the two: attributes whole where they do, lists as what came and what went. */
export function deltaRecord(app: string, before: WorldAccount, after: WorldAccount, moment: Moment): Keyed<Account> {
  const whole = accountRecord(app, after, moment).record
  const differs = (of: (account: WorldAccount) => unknown): boolean => JSON.stringify(of(before)) !== JSON.stringify(of(after))
  return keyed({
    ...whole,
    attributes: differs(({ memberships: _m, grants: _g, credentials: _c, ...attributes }) => attributes) ? whole.attributes : null,
    memberships: differs((account) => account.memberships) ? listDelta(before.memberships, after.memberships) : null,
    grants: differs((account) => account.grants) ? listDelta(natives(before.grants), natives(after.grants)) : null,
    credentials: differs((account) => account.credentials) ? whole.credentials : null,
  })
}

function listDelta(before: readonly Ref[], after: readonly Ref[]): Account['grants'] {
  const without = (list: readonly Ref[], other: readonly Ref[]): Ref[] => list.filter((ref) => !other.some((one) => nameOfRef(one) === nameOfRef(ref)))
  return { whole: false, added: assignments(without(after, before)), removed: without(before, after) }
}

const keyed = (record: Account): Keyed<Account> => ({ key: accountKey(record.app, record.id), record })
