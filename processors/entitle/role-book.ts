import type { BusinessRole } from '../../schemas/wire/intent.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { ObjectStore } from './object-store.ts'
import type { ObjectRow } from './objects.ts'
import { classOf, objectKey } from './objects.ts'

export type RoleRow = ObjectRow<BusinessRole>
type Attributes = Readonly<Record<string, string>>

/** Every listed attribute is equal; a role without conditions matches nobody by itself. */
export function matches({ when }: Pick<BusinessRole, 'when'>, attributes: Attributes): boolean {
  const names = Object.keys(when)
  return names.length > 0 && names.every((name) => attributes[name] === when[name])
}

/**
 * The business roles in force, found by id and by what an identity's attributes match. A cache of the state: dropping it changes
 * nothing, so whatever it answers is ordered by key.
 */
export class RoleBook {
  readonly #byId = new Map<string, Map<string, RoleRow>>()
  /** by the first condition of each role, so that an identity meets only roles that one of its attributes names */
  readonly #byCondition = new Map<string, Map<string, RoleRow>>()
  #loaded = false

  named(objects: ObjectStore, id: string): [key: string, row: RoleRow][] {
    this.#load(objects)
    const rows = this.#byId.get(id)
    return rows === undefined ? [] : sorted(rows)
  }

  matching(objects: ObjectStore, attributes: Attributes): [key: string, row: RoleRow][] {
    this.#load(objects)
    const found = Object.keys(attributes).flatMap((name) => this.#under(name, attributes[name] ?? ''))
    return sorted(found.filter(([, { record }]) => matches(record, attributes)))
  }

  /** The role's row was replaced (`now`) or deleted (undefined) in the state. */
  replaced(before: RoleRow | undefined, now: RoleRow | undefined): void {
    if (!this.#loaded) return
    if (before !== undefined) this.#remove(before)
    if (now !== undefined) this.#add(now)
  }

  #under(name: string, value: string): [key: string, row: RoleRow][] {
    return [...(this.#byCondition.get(condition(name, value)) ?? new Map<string, RoleRow>())]
  }

  #load(objects: ObjectStore): void {
    if (this.#loaded) return
    this.#loaded = true
    for (const [, row] of objects.roles()) this.#add(row)
  }

  #add(row: RoleRow): void {
    const key = keyOf(row)
    bucket(this.#byId, row.record.id).set(key, row)
    const first = firstCondition(row)
    if (first !== null) bucket(this.#byCondition, first).set(key, row)
  }

  #remove(row: RoleRow): void {
    const key = keyOf(row)
    this.#byId.get(row.record.id)?.delete(key)
    const first = firstCondition(row)
    if (first !== null) this.#byCondition.get(first)?.delete(key)
  }
}

const keyOf = ({ record }: RoleRow): string => objectKey(record.feed, classOf.BusinessRole, record.id)
const condition = (name: string, value: string): string => JSON.stringify([name, value])

function firstCondition({ record: { when } }: RoleRow): string | null {
  const name = Object.keys(when).sort(compareKeys)[0]
  return name === undefined ? null : condition(name, when[name] ?? '')
}

function bucket(buckets: Map<string, Map<string, RoleRow>>, name: string): Map<string, RoleRow> {
  let found = buckets.get(name)
  if (found === undefined) buckets.set(name, (found = new Map<string, RoleRow>()))
  return found
}

function sorted(rows: Iterable<[string, RoleRow]>): [string, RoleRow][] {
  const all = [...rows]
  return all.length < 2 ? all : all.sort(([a], [b]) => compareKeys(a, b))
}
