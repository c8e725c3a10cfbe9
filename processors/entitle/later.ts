import type { Jobs } from '../shared/jobs.ts'
import type { Pace } from '../shared/later.ts'
import { settle } from './postponed.ts'
import type { Finished } from './run-end.ts'
import { finishRun, mark } from './run-end.ts'
import { sweep } from './sweep.ts'
import type { Scope } from './scope.ts'
import { vouch } from './unresolved.ts'

/**
 * Work that later records overtake, in the order in which it was queued: what changed roles mean for everybody who has them, what a
 * run said of many people, and the marks that vouch for both. Nobody's leaving waits for an edit that concerns everybody.
 */
export type LaterJob =
  | { kind: 'sweep'; after: string | null }
  | { kind: 'postponed' }
  | { kind: 'finish'; finished: Finished }
  | { kind: 'mark'; feed: string; class: string }

export type Later = Jobs<LaterJob>

export const defaultPace: Pace = { perSubject: 64, perMark: 4_000 }

export function stepLater(scope: Scope, job: LaterJob, budget: number): { job: LaterJob | null; spent: number } {
  switch (job.kind) {
    case 'sweep': {
      const { done, spent, after } = sweep(scope, job.after, budget)
      return { job: done ? null : { ...job, after }, spent }
    }
    case 'postponed': {
      const { done, spent } = settle(scope, budget)
      return { job: done ? null : job, spent }
    }
    case 'finish':
      finishRun(scope, job.finished)
      return { job: null, spent: 1 }
    case 'mark':
      mark(scope, job.feed, job.class)
      vouch(scope, job.feed, job.class)
      return { job: null, spent: 1 }
  }
}
