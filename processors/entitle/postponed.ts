import { refresh } from './refresh.ts'
import { derivationRows, type Scope } from './scope.ts'
import { sweepFirst } from './sweep.ts'

/** There is a row while the derivation of those that wait is queued. */
const queued = 'settling'

/** Queues the derivation of all that wait, if any. */
export function settleLater({ context: { state }, waiting, later }: Scope): void {
  if (state.get(queued, queued) !== undefined || waiting.first() === undefined) return
  state.put(queued, queued, 1)
  later.push({ kind: 'postponed' })
}

/** One slice of it, in key order, until none waits any more. */
export function settle(scope: Scope, budget: number): { done: boolean; spent: number } {
  const { context: { state }, waiting } = scope
  let spent = 0
  for (let next = waiting.first(); next !== undefined; next = waiting.first()) {
    if (spent >= budget) return { done: false, spent }
    spent += derivationRows
    sweepFirst(scope, next.home)
    deriveNow(scope, next.home, next.at)
  }
  state.delete(queued, queued)
  return { done: true, spent }
}

/** Derives this one now, if it waits. */
export function settleFirst(scope: Scope, home: string): void {
  const at = scope.waiting.get(home)
  if (at !== undefined) deriveNow(scope, home, at)
}

function deriveNow(scope: Scope, home: string, at: number): void {
  scope.waiting.delete(home)
  refresh(scope, home, { at, keysAt: at })
}
