import type { IntentKey } from '../../schemas/wire/intent.ts'
import type { IdentityKey } from '../../schemas/wire/raw.ts'
import { foldKey } from '../../src/core/canonical-id.ts'
import { compareKeys } from '../../src/core/order.ts'
import { part } from '../shared/rows.ts'

export interface KeyChange {
  history: readonly IdentityKey[]
  /** all keys that the feeds give now */
  current: readonly IntentKey[]
  /** an ended identity releases nothing: its keys stay claimed */
  ended: boolean
  /** when the change became so, ms */
  at: number
  /** the start that was known of a tenure that goes on, or null: keys that began with it move with its correction; ms */
  startBefore: number | null
  /** the identity's start, and the beginning of keys seen with the identity itself for the first time, ms */
  start: number | null
  /** the identity is seen for the first time */
  first: boolean
}

/**
 * The identity's keys, each with its claim's beginning and end; keys are folded. A key that is no longer given is released, one
 * that comes back begins anew. Sorted by space and key.
 */
export function keyHistory({ history, current, ended, at, startBefore, start, first }: KeyChange): IdentityKey[] {
  const keys = new Map(history.map((key) => [keyOf(key.space, key.key), key]))
  const given = new Map<string, IntentKey>()
  for (const key of current) {
    const folded = { ...key, key: foldKey(key.key) }
    const name = keyOf(folded.space, folded.key)
    const other = given.get(name)
    given.set(name, other === undefined ? folded : { ...folded, since: earlier(other.since, folded.since) })
  }
  for (const [name, { space, key, since }] of given) {
    const known = keys.get(name)
    if (known === undefined || known.until !== null) keys.set(name, { space, key, since: since ?? (first ? start : null) ?? at, until: null })
    else if (since !== null) keys.set(name, { ...known, since })
    else if (known.since === startBefore && start !== null) keys.set(name, { ...known, since: start })
  }
  if (!ended) {
    for (const [name, key] of keys) if (key.until === null && !given.has(name)) keys.set(name, { ...key, until: at })
  }
  return [...keys.values()].sort((a, b) => compareKeys(a.space, b.space) || compareKeys(a.key, b.key))
}

const keyOf = (space: string, key: string): string => part(space) + key

function earlier(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : Math.min(a, b)
}
