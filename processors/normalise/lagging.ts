import { compareKeys } from '../../src/core/order.ts'
import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from '../shared/hot-rows.ts'
import type { Scope } from './scope.ts'

/**
 * Which accounts of an app are still to be derived anew. `stamp`: the newest one of definitions that changed, which may show new grants;
 * null where none did.
 */
interface Lag {
  /** what changed since the pass in progress began */
  readonly waiting: { readonly stamp: number | null } | null
  /** the pass in progress: accounts up to `after` are derived */
  readonly pass: { readonly stamp: number | null; readonly after: string | null } | null
}

const none: Lag = { waiting: null, pass: null }
const table = 'lagging'

/** Something changed that all accounts of the app depend on. It is in force, and each account that something else is said of is derived by it. */
export function deriveLater({ context: { state }, later }: Scope, app: string, stamp: number | null): void {
  const { waiting, pass } = lagOf(state, app)
  put(state, app, { waiting: { stamp: newest(waiting?.stamp ?? null, stamp) }, pass })
  if (waiting === null) later.push({ kind: 'derive', app })
}

/** The stamp of what an account was not derived by yet; undefined where it is up to date. */
export function lagsBehind({ context: { state } }: Scope, app: string, key: string): { readonly stamp: number | null } | undefined {
  const { waiting, pass } = lagOf(state, app)
  if (pass === null || (pass.after !== null && compareKeys(key, pass.after) <= 0)) return waiting ?? undefined
  return { stamp: newest(pass.stamp, waiting?.stamp ?? null) }
}

/** After which account the pass in progress goes on, or the one that begins now for all that waits; undefined where nothing does. */
export function passOf({ context: { state } }: Scope, app: string): { readonly after: string | null } | undefined {
  const { waiting, pass } = lagOf(state, app)
  if (pass !== null || waiting === null) return pass ?? undefined
  const begun = { stamp: waiting.stamp, after: null }
  put(state, app, { waiting: null, pass: begun })
  return begun
}

/** The pass came to this account; null: to the last one. */
export function passed({ context: { state } }: Scope, app: string, after: string | null): void {
  const { waiting, pass } = lagOf(state, app)
  put(state, app, { waiting, pass: after === null || pass === null ? null : { ...pass, after } })
}

const lagOf = (state: State, app: string): Lag => getHot<Lag>(state, table, app) ?? none

function put(state: State, app: string, lag: Lag): void {
  if (lag.waiting === null && lag.pass === null) state.delete(table, app)
  else putHot(state, table, app, lag)
}

function newest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}
