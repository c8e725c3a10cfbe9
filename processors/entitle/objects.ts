import type { IntentClass } from '../../schemas/settings.ts'
import type { Position } from '../../schemas/wire/common.ts'
import type { AccessRequest, AccountLink, BusinessRole, Decision, Identity, RoleAssignment } from '../../schemas/wire/intent.ts'
import { equal } from '../../src/core/equal.ts'
import { accountHome, identityHome } from '../../src/core/keys.ts'
import { part } from '../shared/rows.ts'

/** One object of a feed, as its newest record tells it. */
export type IntentObject = Identity | BusinessRole | RoleAssignment | AccessRequest | Decision | AccountLink

export const classOf: Readonly<Record<IntentObject['type'], IntentClass>> = {
  Identity: 'identities',
  BusinessRole: 'business-roles',
  RoleAssignment: 'role-assignments',
  AccessRequest: 'requests',
  Decision: 'decisions',
  AccountLink: 'links',
}

/** What is about somebody; a business role is about nobody in particular. */
export type Personal = Exclude<IntentObject, BusinessRole>

/** What derivations read of an object; of an identity all that it says. */
export type Said =
  | Identity
  | Pick<RoleAssignment, 'type' | 'role' | 'from' | 'until'>
  | Pick<AccessRequest, 'type' | 'id' | 'app' | 'entitlement' | 'approvedBy' | 'from' | 'until'>
  | Pick<Decision, 'type' | 'id' | 'app' | 'entitlement' | 'by' | 'verdict' | 'at'>
  | Pick<AccountLink, 'type' | 'identity' | 'relation' | 'observed' | 'valid'>

/** One of them. */
export type SaidOf<T extends Said['type']> = Extract<Said, { type: T }>

/** An object as its newest record tells it. */
export interface Told<R = Said> {
  /** only identities are kept when they are gone */
  gone: boolean
  source: Position
  record: R
  /** what the object's parts are: since when, ms (an identity's attributes, a role's grants and condition) */
  since: Record<string, number>
}

/** Where an object stands with its feed. */
export interface Standing {
  /** in the feed's seen bitmaps; -1 for a gone identity */
  ordinal: number
  gone: boolean
  /** stamp of the object's record, or of a later observation that said the same */
  observed: number
  /** whom it is about; null for a business role */
  subject: string | null
}

/** An object with where it stands. */
export type ObjectRow<R> = Told<R> & Pick<Standing, 'ordinal' | 'observed'>

/** When the record's content became so, ms. */
export const changeTimeOf = (record: { valid: number | null; observed: number }): number =>
  record.valid ?? Math.floor(record.observed / 1000)

/** Whether two roles say the same, whenever they were said: equal content changes nothing. */
export const sameRole = (a: BusinessRole, b: BusinessRole): boolean =>
  equal({ ...a, run: null, observed: 0, valid: null }, { ...b, run: null, observed: 0, valid: null })

export function isOf<T extends Said['type']>(told: Told, type: T): told is Told<SaidOf<T>> {
  return told.record.type === type
}

/** Whom the object is about; null where the record does not say. A business role is about nobody in particular. */
export function subjectOf(record: IntentObject): string | null {
  if (record.type === 'BusinessRole') return null
  if (record.type === 'Identity') return identityHome(record.id)
  if (record.type === 'RoleAssignment') return identityHome(record.identity)
  if (record.type === 'AccountLink') return accountHome(record.app, record.account)
  const { identity, app, account } = record.subject
  if (identity !== null) return identityHome(identity)
  return app === null || account === null ? null : accountHome(app, account)
}

let last = { feed: '', name: '', prefix: '' }

/** Names an object for ever: feed, class, id. */
export const objectKey = (feed: string, name: IntentClass, id: string): string => `${classPrefix(feed, name)}${id}`

/** Thousands of objects in a row are of one class, and a text made anew is hashed anew. */
export function classPrefix(feed: string, name: IntentClass): string {
  if (last.feed !== feed || last.name !== name) last = { feed, name, prefix: `${part(feed)}${part(name)}` }
  return last.prefix
}
