import { refresh } from './refresh.ts'
import type { Scope } from './scope.ts'

/** Subjects that a run in progress spoke of and that are still to be derived anew: home -> when the change took effect, ms. */
const table = 'postponed'

export function postpone({ context: { state } }: Scope, home: string, atMs: number): void {
  state.put(table, home, atMs)
}

/** Queues the derivation of all that wait, if any. */
export function settleLater({ context: { state }, jobs }: Scope): void {
  for (const _row of state.range<number>(table)) {
    jobs.push({ kind: 'postponed' })
    return
  }
}

/** One slice of it, in key order. */
export function settle(scope: Scope, budget: number): { done: boolean; spent: number } {
  const { state } = scope.context
  let spent = 0
  for (const [home, at] of state.range<number>(table)) {
    if (spent >= budget) return { done: false, spent }
    spent++
    state.delete(table, home)
    refresh(scope, home, { at, keysAt: at })
  }
  return { done: true, spent }
}
