import type { State } from '../../src/ports/processor.ts'
import { part } from '../shared/rows.ts'

/**
 * Which accounts depend on what the key book says: rows of the table `watchers`, topic first, so that the accounts of one topic
 * are one range. A topic is a key of a match space, or the `continues` of one identity.
 */
const table = 'watchers'

export const keyTopic = (space: string, key: string): string => `key/${part(space)}${part(key)}`
export const chainTopic = (identity: string): string => `chain/${part(identity)}`

/** Moves an account from its old topics to its new ones; writes only the difference. */
export function setWatches(state: State, account: string, before: readonly string[], after: readonly string[]): void {
  for (const topic of before) if (!after.includes(topic)) state.delete(table, part(topic) + account)
  for (const topic of after) if (!before.includes(topic)) state.put(table, part(topic) + account, 1)
}

/** Accounts (`<app>/<id>`) that watch the topic, in order, strictly after `after`. */
export function* watchersOf(state: State, topic: string, after: string | null): Iterable<string> {
  const prefix = part(topic)
  const options = after === null ? { prefix } : { prefix, after: prefix + after }
  for (const [key] of state.range(table, options)) yield key.slice(prefix.length)
}

export function isWatched(state: State, topic: string): boolean {
  for (const _account of watchersOf(state, topic, null)) return true
  return false
}
