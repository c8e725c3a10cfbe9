import type { IntentClass } from '../../schemas/settings.ts'
import type { BusinessRole, Identity } from '../../schemas/wire/intent.ts'
import { identityHome } from '../../src/core/keys.ts'
import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from '../shared/hot-rows.ts'
import type { Packed } from '../shared/packed.ts'
import { AboutTable } from './about.ts'
import type { IntentObject, ObjectRow, Personal, Standing, Told } from './objects.ts'
import { classOf, classPrefix, objectKey, subjectOf } from './objects.ts'
import { identityOf, packContent, packStanding, packTold, unpackStanding, unpackTold } from './stored-objects.ts'

type RoleRow = ObjectRow<BusinessRole>

/**
 * The intent objects in force: `objects` says by key how each stands with its feed, `about` (about.ts) what is said about whom. Business
 * roles lie whole in `roles`: all of them are read together. `removed` has what is left of removed ones: the stamp of the removal, so
 * that an older record does not bring them back.
 */
export class ObjectStore {
  readonly #state: State
  readonly #about: AboutTable

  constructor(state: State) {
    this.#state = state
    this.#about = new AboutTable(state)
  }

  standing(feed: string, name: IntentClass, id: string): Standing | undefined {
    return this.#standing(name, objectKey(feed, name, id))
  }

  role(key: string): RoleRow | undefined {
    return this.#state.get<RoleRow>('roles', key)
  }

  /** What the feed says, or said last, about the identity itself. */
  identity(feed: string, id: string): Told<Identity> | undefined {
    const packed = this.#about.get(identityHome(id), objectKey(feed, 'identities', id))
    return packed === undefined ? undefined : identityOf(packed)
  }

  /** What an object that stands so says, as it lies in the state. */
  told({ subject }: Standing, { feed, type, id }: Personal): Packed | undefined {
    return subject === null ? undefined : this.#about.get(subject, objectKey(feed, classOf[type], id))
  }

  putRole(row: RoleRow, isNew: boolean): void {
    const key = objectKey(row.record.feed, 'business-roles', row.record.id)
    this.#state.put('roles', key, row)
    if (isNew) this.#forgetRemoval(row.record.feed, 'business-roles', key)
  }

  /** `before`: how the object stood, undefined for a new one. */
  put({ ordinal, observed, ...told }: ObjectRow<Personal>, before: Standing | undefined, content = packContent(told.record)): void {
    const { feed, id, type } = told.record
    const key = objectKey(feed, classOf[type], id)
    const subject = subjectOf(told.record)
    this.#state.put('objects', key, packStanding({ ordinal, gone: told.gone, observed, subject }))
    if (before === undefined) this.#forgetRemoval(feed, classOf[type], key)
    else if (before.subject !== null && before.subject !== subject) this.#about.delete(before.subject, key)
    if (subject !== null) this.#about.put(subject, key, packTold(told, content))
  }

  /** An event said again what is known: what was read before it is older. */
  confirm({ feed, type, id, observed }: IntentObject): void {
    const name = classOf[type]
    const key = objectKey(feed, name, id)
    const standing = this.#standing(name, key)
    if (standing === undefined || observed <= standing.observed) return
    if (name === 'business-roles') this.#state.put('roles', key, { ...this.role(key), observed })
    else this.#state.put('objects', key, packStanding({ ...standing, observed }))
  }

  /** `subject`: whom it was about; `observed`: stamp of the removal, or null where a complete run tells as much. */
  delete(feed: string, name: IntentClass, id: string, { subject, observed }: { subject: string | null; observed: number | null }): void {
    const key = objectKey(feed, name, id)
    this.#state.delete(name === 'business-roles' ? 'roles' : 'objects', key)
    if (subject !== null) this.#about.delete(subject, key)
    if (observed !== null) this.bury(feed, name, id, observed)
  }

  /** The removal of something that is not known any more, or never was. */
  bury(feed: string, name: IntentClass, id: string, observed: number): void {
    if (this.removedAt(feed, name, id) < 0) this.#countRemovals(classPrefix(feed, name), 1)
    this.#state.put('removed', objectKey(feed, name, id), observed)
  }

  /** Stamp of the object's removal, or -1. */
  removedAt(feed: string, name: IntentClass, id: string): number {
    if (this.#removals(classPrefix(feed, name)) === 0) return -1
    return this.#state.get<number>('removed', objectKey(feed, name, id)) ?? -1
  }

  *removals(feed: string, name: IntentClass, after: string | null): Iterable<readonly [key: string, observed: number]> {
    const prefix = classPrefix(feed, name)
    if (this.#removals(prefix) > 0) yield* this.#state.range<number>('removed', { prefix, ...(after === null ? {} : { after }) })
  }

  forgetRemoval(feed: string, name: IntentClass, key: string): void {
    this.#state.delete('removed', key)
    this.#countRemovals(classPrefix(feed, name), -1)
  }

  /** All that is said about one identity or account, in the order of the keys. */
  about(subject: string): (readonly [key: string, told: Told])[] {
    return this.#about.all(subject).map(([key, packed]) => [key, unpackTold(packed)] as const)
  }

  *ofClass(feed: string, name: IntentClass, after: string | null): Iterable<readonly [key: string, standing: Standing]> {
    const options = { prefix: classPrefix(feed, name), ...(after === null ? {} : { after }) }
    if (name === 'business-roles') {
      for (const [key, row] of this.#state.range<RoleRow>('roles', options)) yield [key, standingOf(row)]
    } else {
      for (const [key, packed] of this.#state.range<Packed>('objects', options)) yield [key, unpackStanding(packed)]
    }
  }

  *roles(): Iterable<readonly [key: string, row: RoleRow]> {
    yield* this.#state.range<RoleRow>('roles')
  }

  #standing(name: IntentClass, key: string): Standing | undefined {
    if (name === 'business-roles') {
      const row = this.role(key)
      return row === undefined ? undefined : standingOf(row)
    }
    const packed = this.#state.get<Packed>('objects', key)
    return packed === undefined ? undefined : unpackStanding(packed)
  }

  #forgetRemoval(feed: string, name: IntentClass, key: string): void {
    if (this.#removals(classPrefix(feed, name)) > 0 && this.#state.get('removed', key) !== undefined) this.forgetRemoval(feed, name, key)
  }

  /** How many removals of a class are kept: mostly none, and then nobody has to look for one. */
  #removals(prefix: string): number {
    return getHot<number>(this.#state, 'removals', prefix) ?? 0
  }

  #countRemovals(prefix: string, by: 1 | -1): void {
    const count = this.#removals(prefix) + by
    if (count === 0) this.#state.delete('removals', prefix)
    else putHot(this.#state, 'removals', prefix, count)
  }
}

const standingOf = ({ ordinal, gone, observed }: RoleRow): Standing => ({ ordinal, gone, observed, subject: null })
