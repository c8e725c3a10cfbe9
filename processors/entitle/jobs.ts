import type { IntentClass } from '../../schemas/settings.ts'
import type { AbsencePass } from '../shared/absences.ts'
import { settle } from './postponed.ts'
import { refresh } from './refresh.ts'
import { applyStaged, dropStaged, sweep } from './roles.ts'
import { absenceStep, finishRun, retireStep } from './run-end.ts'
import type { Ended, Retirement } from './run-end.ts'
import type { Scope } from './scope.ts'

/** Work that grows with the state, done in slices, in the order in which it was queued. */
export type Job =
  | { kind: 'stage' | 'unstage'; feed: string; run: number }
  | { kind: 'sweep'; after: string | null }
  | { kind: 'absences'; pass: AbsencePass; release: boolean }
  | { kind: 'forget-removals'; feed: string; class: IntentClass; before: number; after: string | null }
  | { kind: 'retire'; retirement: Retirement }
  | { kind: 'finish'; ended: Ended }
  | { kind: 'due' }
  | { kind: 'postponed' }
  | { kind: 'anew'; table: 'people' | 'accounts'; after: string | null }

/** What one slice of a job got done. */
export interface Step {
  done: boolean
  /** rows of work */
  spent: number
}

export function stepJob(scope: Scope, job: Job, budget: number): { job: Job | null; spent: number } {
  const step = continueJob(scope, job, budget)
  return { job: step.done ? null : (step.job ?? job), spent: step.spent }
}

function continueJob(scope: Scope, job: Job, budget: number): Step & { job?: Job } {
  switch (job.kind) {
    case 'stage':
      return applyStaged(scope, job.feed, job.run, budget)
    case 'unstage':
      return dropStaged(scope, job.feed, job.run, budget)
    case 'sweep': {
      const { after, ...step } = sweep(scope, job.after, budget)
      return { ...step, job: { ...job, after } }
    }
    case 'absences': {
      const { pass, ...step } = absenceStep(scope, job, budget)
      return { ...step, job: { ...job, pass } }
    }
    case 'forget-removals':
      return forgetRemovals(scope, job, budget)
    case 'retire': {
      const { done, spent, ...retirement } = retireStep(scope, job.retirement, budget)
      return { done, spent, job: { ...job, retirement } }
    }
    case 'finish':
      finishRun(scope, job.ended)
      return { done: true, spent: 1 }
    case 'due':
      return drainTimers(scope, budget)
    case 'postponed':
      return settle(scope, budget)
    case 'anew':
      return deriveAnew(scope, job, budget)
  }
}

/** A complete run that began later tells as much as the stamps of removals before it. */
function forgetRemovals({ objects }: Scope, job: Extract<Job, { kind: 'forget-removals' }>, budget: number): Step & { job?: Job } {
  let { after } = job
  let spent = 0
  for (const [key, observed] of objects.removals(job.feed, job.class, after)) {
    if (spent >= budget) return { done: false, spent, job: { ...job, after } }
    spent++
    after = key
    if (observed < job.before) objects.forgetRemoval(key)
  }
  return { done: true, spent }
}

function drainTimers(scope: Scope, budget: number): Step {
  const { now } = scope.context
  for (let spent = 0; ; spent++) {
    const due = scope.timers.due(now)
    if (due === null) return { done: true, spent }
    if (spent >= budget) return { done: false, spent }
    refresh(scope, due.id, { at: now, keysAt: now })
  }
}

function deriveAnew(scope: Scope, job: Extract<Job, { kind: 'anew' }>, budget: number): Step & { job?: Job } {
  const { state, now } = scope.context
  let { after } = job
  let spent = 0
  for (const [key] of state.range(job.table, after === null ? {} : { after })) {
    if (spent >= budget) return { done: false, spent, job: { ...job, after } }
    spent++
    after = key
    refresh(scope, job.table === 'people' ? `identity/${key}` : key, { at: now, keysAt: now })
  }
  return { done: true, spent }
}
