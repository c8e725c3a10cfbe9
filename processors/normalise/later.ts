import type { KeysBaseline } from '../../schemas/wire/raw.ts'
import type { Jobs } from '../shared/jobs.ts'
import type { Pace } from '../shared/later.ts'
import type { RunFinish } from './job.ts'
import { passed, passOf } from './lagging.ts'
import { forwardKeys, markComplete, markDeclared } from './marks.ts'
import { rederive } from './publish.ts'
import type { Scope } from './scope.ts'
import { accountsOf } from './stored.ts'
import { tellRun } from './sync-run.ts'

/**
 * Work that later records overtake, in the order in which it was queued: what changed definitions and settings mean for every account of
 * an app, and the ends of runs and the marks that vouch for it. No account waits for an edit that concerns a million.
 */
export type LaterJob =
  | { kind: 'derive'; app: string }
  | RunFinish
  | { kind: 'declare'; app: string }
  | { kind: 'keys'; mark: Pick<KeysBaseline, 'feed' | 'class' | 'writer'> }

export type Later = Jobs<LaterJob>

/** A mark brings what reconcile judges in a fraction of a second: what is said of somebody meanwhile waits for no more than that. */
export const defaultPace: Pace = { perSubject: 8, perMark: 128 }

/** About `rows` rows of it; answers how many. */
export const spendLater = (scope: Scope, rows: number): number => scope.later.spend(rows, (job, left) => step(scope, job, left))

function step(scope: Scope, job: LaterJob, budget: number): { job: LaterJob | null; spent: number } {
  switch (job.kind) {
    case 'derive': {
      const { done, spent } = derivePass(scope, job.app, budget)
      return { job: done ? null : job, spent }
    }
    case 'run-finish':
      markComplete(scope, job.app, job.proven)
      tellRun(scope, job)
      return { job: null, spent: 1 }
    case 'declare':
      markDeclared(scope, job.app)
      return { job: null, spent: 1 }
    case 'keys':
      forwardKeys(scope, job.mark)
      return { job: null, spent: 1 }
  }
}

function derivePass(scope: Scope, app: string, budget: number): { done: boolean; spent: number } {
  const pass = passOf(scope, app)
  if (pass === undefined) return { done: true, spent: 0 }
  let { after } = pass
  let spent = 0
  for (const [key] of accountsOf(scope.context.state, app, after)) {
    if (spent >= budget) {
      passed(scope, app, after)
      return { done: false, spent }
    }
    rederive(scope, key)
    after = key
    spent++
  }
  passed(scope, app, null)
  return { done: true, spent }
}
