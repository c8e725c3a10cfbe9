import type { Credential } from '../../schemas/wire/common.ts'
import type { Assignment, AssignmentsFacet, AttributesFacet, CredentialsFacet, Ref } from '../../schemas/wire/raw.ts'
import { equal } from '../../src/core/equal.ts'
import { compareKeys } from '../../src/core/order.ts'
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

export function nextAssignments(before: readonly Assignment[], facet: AssignmentsFacet): Assignment[] {
  const added = facet.added.map(({ ref, valid }) => ({ ref: { kind: ref.kind, id: ref.id }, valid }))
  if (facet.whole) return sortedBy(added, assignmentKey)
  const removed = new Set(facet.removed.map(refKey))
  return sortedBy([...before.filter((item) => !removed.has(assignmentKey(item))), ...added], assignmentKey)
}

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
