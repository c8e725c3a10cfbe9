import { refresh } from './refresh.ts'
import { derivationRows, type Scope } from './scope.ts'
import { sweepFirst } from './sweep.ts'

/** Subjects that a run in progress spoke of and that are still to be derived anew: home -> when the change took effect, ms. */
const table = 'postponed'
/** There is a row while their derivation is queued. */
const queued = 'settling'

export function postpone({ context: { state } }: Scope, home: string, atMs: number): void {
  state.put(table, home, atMs)
}

/** Queues the derivation of all that wait, if any. */
export function settleLater({ context: { state }, later }: Scope): void {
  if (state.get(queued, queued) !== undefined) return
  for (const _row of state.range<number>(table)) {
    state.put(queued, queued, 1)
    later.push({ kind: 'postponed' })
    return
  }
}

/** One slice of it, in key order, until none waits any more. */
export function settle(scope: Scope, budget: number): { done: boolean; spent: number } {
  const { state } = scope.context
  let spent = 0
  for (const [home, at] of state.range<number>(table)) {
    if (spent >= budget) return { done: false, spent }
    spent += derivationRows
    sweepFirst(scope, home)
    state.delete(table, home)
    refresh(scope, home, { at, keysAt: at })
  }
  state.delete(queued, queued)
  return { done: true, spent }
}

/** Derives this one now, if it waits. */
export function settleFirst(scope: Scope, home: string): void {
  const { state } = scope.context
  const at = state.get<number>(table, home)
  if (at === undefined) return
  state.delete(table, home)
  refresh(scope, home, { at, keysAt: at })
}
