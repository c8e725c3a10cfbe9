import type { IntentClass } from '../../schemas/settings.ts'
import type { Position } from '../../schemas/wire/common.ts'
import type { AccessRequest, AccountLink, BusinessRole, Decision, Identity, RoleAssignment } from '../../schemas/wire/intent.ts'
import { canonical } from '../../src/core/canonical.ts'
import { accountHome, identityHome } from '../../src/core/keys.ts'
import type { State } from '../../src/ports/processor.ts'
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

export interface ObjectRow<R extends IntentObject = IntentObject> {
  /** in the feed's seen bitmaps; -1 for a gone identity */
  ordinal: number
  /** only identities are kept when they are gone */
  gone: boolean
  source: Position
  record: R
  /** stamp of `record`, or of a later observation that said the same */
  observed: number
  /** what the object's parts are: since when, ms (an identity's attributes, a role's grants and condition) */
  since: Record<string, number>
}

/** When the record's content became so, ms. */
export const changeTimeOf = (record: { valid: number | null; observed: number }): number =>
  record.valid ?? Math.floor(record.observed / 1000)

/** What the record says, without when it was said: equal content changes nothing. */
export const contentOf = (record: IntentObject): string => canonical({ ...record, run: null, observed: 0, valid: null })

export function isOf<T extends IntentObject['type']>(row: ObjectRow, type: T): row is ObjectRow<Extract<IntentObject, { type: T }>> {
  return row.record.type === type
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

/** Names an object for ever: feed, class, id. */
export const objectKey = (feed: string, name: IntentClass, id: string): string => `${classPrefix(feed, name)}${id}`
const classPrefix = (feed: string, name: IntentClass): string => `${part(feed)}${part(name)}`
/** Business roles lie in a table of their own: all of them are read together. */
const tableOf = (name: IntentClass): string => (name === 'business-roles' ? 'roles' : 'objects')

/**
 * The intent objects in force, an index from subjects to theirs, and what is left of removed ones: the stamp of the removal,
 * so that an older record does not bring them back.
 */
export class ObjectStore {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  get(feed: string, name: IntentClass, id: string): ObjectRow | undefined {
    return this.#state.get<ObjectRow>(tableOf(name), objectKey(feed, name, id))
  }

  put(row: ObjectRow): void {
    const { feed, id, type } = row.record
    const key = objectKey(feed, classOf[type], id)
    this.#state.put(tableOf(classOf[type]), key, row)
    this.#state.delete('removed', key)
    const subject = subjectOf(row.record)
    if (subject !== null) this.#state.put('of', `${part(subject)}${key}`, 1)
  }

  /** An event said again what the row says: what was read before it is older. */
  confirm(row: ObjectRow, observed: number): void {
    const { feed, id, type } = row.record
    if (observed > row.observed) this.#state.put(tableOf(classOf[type]), objectKey(feed, classOf[type], id), { ...row, observed })
  }

  /** `observed`: stamp of the removal, or null where a complete run tells as much. */
  delete(row: ObjectRow, observed: number | null): void {
    const { feed, id, type } = row.record
    const key = objectKey(feed, classOf[type], id)
    this.#state.delete(tableOf(classOf[type]), key)
    if (observed !== null) this.#state.put('removed', key, observed)
    this.unindex(row)
  }

  /** The object is not its subject's any more. */
  unindex(row: ObjectRow): void {
    const { feed, id, type } = row.record
    const subject = subjectOf(row.record)
    if (subject !== null) this.#state.delete('of', `${part(subject)}${objectKey(feed, classOf[type], id)}`)
  }

  /** The removal of something that is not known. */
  bury(feed: string, name: IntentClass, id: string, observed: number): void {
    this.#state.put('removed', objectKey(feed, name, id), observed)
  }

  /** Stamp of the object's removal, or -1. */
  removedAt(feed: string, name: IntentClass, id: string): number {
    return this.#state.get<number>('removed', objectKey(feed, name, id)) ?? -1
  }

  *removals(feed: string, name: IntentClass, after: string | null): Iterable<readonly [key: string, observed: number]> {
    yield* this.#state.range<number>('removed', { prefix: classPrefix(feed, name), ...(after === null ? {} : { after }) })
  }

  forgetRemoval(key: string): void {
    this.#state.delete('removed', key)
  }

  /** All objects about one identity or account. */
  *about(subject: string): Iterable<readonly [key: string, row: ObjectRow]> {
    const prefix = part(subject)
    for (const [key] of this.#state.range('of', { prefix })) {
      const objectKey = key.slice(prefix.length)
      const row = this.#state.get<ObjectRow>('objects', objectKey)
      if (row !== undefined) yield [objectKey, row]
    }
  }

  *ofClass(feed: string, name: IntentClass, after: string | null): Iterable<readonly [key: string, row: ObjectRow]> {
    yield* this.#state.range<ObjectRow>(tableOf(name), { prefix: classPrefix(feed, name), ...(after === null ? {} : { after }) })
  }

  *roles(): Iterable<readonly [key: string, row: ObjectRow<BusinessRole>]> {
    yield* this.#state.range<ObjectRow<BusinessRole>>('roles')
  }

  byKey(name: IntentClass, key: string): ObjectRow | undefined {
    return this.#state.get<ObjectRow>(tableOf(name), key)
  }
}
