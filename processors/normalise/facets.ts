import type { Credential } from '../../schemas/wire/common.ts'
import type { Assignment, AssignmentsFacet, AttributesFacet, CredentialsFacet, Ref } from '../../schemas/wire/raw.ts'
import { equal } from '../../src/core/equal.ts'
import { compareKeys } from '../../src/core/order.ts'
import { Interned } from '../shared/interned.ts'
import { PackReader, PackWriter, type Packed } from '../shared/packed.ts'
import type { Attributes, Kept } from './account.ts'

/** Pure: what a facet holds after an observation. A whole one replaces; one that is not whole adds and takes away what it lists. */

export const refKey = ({ kind, id }: Ref): string => `${kind}:${id}`

/** Sorted, each reference once; of two with the same key the later one. */
export function sortedBy<T>(items: Iterable<T>, keyOf: (item: T) => string): T[] {
  const byKey = new Map<string, T>()
  for (const item of items) byKey.set(keyOf(item), item)
  return [...byKey].sort(([a], [b]) => compareKeys(a, b)).map(([, item]) => item)
}

const assignmentKey = ({ ref }: Assignment): string => refKey(ref)

/** Equal lists are the same one while it is kept: many accounts have the same assignments. */
export const allAssignments = new Interned<readonly Assignment[]>(packAssignments, unpackAssignments)

/** By the frozen list that a whole facet added. */
const wholeLists = new WeakMap<readonly Assignment[], readonly Assignment[]>()

export function nextAssignments(before: readonly Assignment[], facet: AssignmentsFacet): readonly Assignment[] {
  const known = facet.whole ? wholeLists.get(facet.added) : undefined
  if (known !== undefined) return known
  const added = facet.added.map(({ ref, valid }) => ({ ref: { kind: ref.kind, id: ref.id }, valid }))
  if (facet.whole) {
    const list = allAssignments.of(sortedBy(added, assignmentKey))
    if (Object.isFrozen(facet.added) && Object.isFrozen(list)) wholeLists.set(facet.added, list)
    return list
  }
  const removed = new Set(facet.removed.map(refKey))
  return allAssignments.of(sortedBy([...before.filter((item) => !removed.has(assignmentKey(item))), ...added], assignmentKey))
}

function packAssignments(list: readonly Assignment[]): Packed {
  const to = new PackWriter()
  to.count(list.length)
  for (const { ref, valid } of list) {
    to.count(refKinds.indexOf(ref.kind))
    to.text(ref.id)
    to.time(valid)
  }
  return to.end()
}

function unpackAssignments(packed: Packed): Assignment[] {
  const from = new PackReader(packed)
  return from.list(() => ({ ref: { kind: refKinds[from.count()]!, id: from.word() }, valid: from.time() }))
}

const refKinds: readonly Ref['kind'][] = ['role', 'group', 'entitlement']

export function nextCredentials(before: readonly Credential[], facet: CredentialsFacet): Credential[] {
  const added = facet.added.map(({ id, kind, created, lastUsed, expires }) => ({ id, kind, created, lastUsed, expires }))
  if (facet.whole) return sortedBy(added, ({ id }) => id)
  const removed = new Set(facet.removed)
  return sortedBy([...before.filter(({ id }) => !removed.has(id)), ...added], ({ id }) => id)
}

/** Not whole: what it leaves null, and values that it does not name, stay. */
export function nextAttributes(before: Attributes | null, facet: AttributesFacet): Attributes {
  const { kind, status, display, created, lastUsed, owner } = facet
  if (facet.whole || before === null) {
    return { kind, status, display, created, lastUsed, owner, values: sortedValues([facet.values]) }
  }
  return {
    kind,
    status,
    display: display ?? before.display,
    created: created ?? before.created,
    lastUsed: lastUsed ?? before.lastUsed,
    owner: owner ?? before.owner,
    values: sortedValues([before.values, facet.values]),
  }
}

function sortedValues(records: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const [only = {}] = records
  if (records.length === 1 && Object.keys(only).length <= 1) return { ...only }
  const all = sortedBy(records.flatMap((record) => Object.entries(record)), ([name]) => name)
  return Object.fromEntries(all)
}

export interface Step<C> {
  readonly kept: Kept<C>
  /** something to publish */
  readonly changed: boolean
  /** something to store */
  readonly moved: boolean
}

/**
 * The facet after an observation that is not stale. Equal content changes nothing; outside a run (`single`) it moves the stamp,
 * so that a page read earlier but arriving later can't undo it.
 */
export function nextFacet<C>(before: Kept<C> | null, seen: Kept<C>, single: boolean): Step<C> {
  if (before === null) return { kept: seen, changed: true, moved: true }
  const whole = before.whole || seen.whole
  if (whole === before.whole && equal(before.content, seen.content)) {
    const moved = single && seen.observed > before.observed
    return { kept: moved ? { ...before, observed: seen.observed } : before, changed: false, moved }
  }
  return { kept: { ...seen, whole, observed: Math.max(before.observed, seen.observed) }, changed: true, moved: true }
}
