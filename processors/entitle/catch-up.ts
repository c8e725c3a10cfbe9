import { settleFirst } from './postponed.ts'
import type { Scope } from './scope.ts'
import { sweepFirst } from './sweep.ts'

/**
 * Before anything new is taken in about this person or account: what lags behind about them is derived, so that what it took from
 * them ends when it was taken, and not with what comes now.
 */
export function catchUp(scope: Scope, home: string): void {
  sweepFirst(scope, home)
  settleFirst(scope, home)
}
