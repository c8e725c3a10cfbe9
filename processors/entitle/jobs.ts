import type { IntentClass } from '../../schemas/settings.ts'
import { identityHome, identityOf, isIdentityHome } from '../../src/core/keys.ts'
import type { State } from '../../src/ports/processor.ts'
import type { AbsencePass } from '../shared/absences.ts'
import { carryOn } from '../shared/later.ts'
import { catchUp } from './catch-up.ts'
import { stepLater } from './later.ts'
import { personAt } from './people.ts'
import { refresh } from './refresh.ts'
import { applyStaged, dropStaged } from './roles.ts'
import { absenceStep, concludeRun, retireStep } from './run-end.ts'
import type { Ended, Retirement } from './run-end.ts'
import { derivationRows, type Scope } from './scope.ts'

/** Work that grows with the state, done in slices before the next record, in the order in which it was queued. */
export type Job =
  | { kind: 'stage' | 'unstage'; feed: string; run: number }
  | { kind: 'absences'; pass: AbsencePass; release: boolean }
  | { kind: 'forget-removals'; feed: string; class: IntentClass; before: number; after: string | null }
  | { kind: 'retire'; retirement: Retirement }
  | { kind: 'conclude'; ended: Ended }
  | { kind: 'due' }
  | { kind: 'anew'; table: 'people' | 'accounts' | 'about'; after: string | null }
  | { kind: 'carry-on'; rows: number }

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
    case 'conclude':
      concludeRun(scope, job.ended)
      return { done: true, spent: 1 }
    case 'due':
      return drainTimers(scope, budget)
    case 'anew':
      return deriveAnew(scope, job, budget)
    case 'carry-on': {
      const { rows, spent } = carryOn(scope.later, job.rows, budget, (part) => scope.later.spend(part, (later, left) => stepLater(scope, later, left)))
      return { done: rows === null, spent, job: { ...job, rows: rows ?? 0 } }
    }
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
    if (observed < job.before) objects.forgetRemoval(job.feed, job.class, key)
  }
  return { done: true, spent }
}

function drainTimers(scope: Scope, budget: number): Step {
  const { now } = scope.context
  for (let spent = 0; ; spent += derivationRows) {
    const due = scope.timers.due(now)
    if (due === null) return { done: true, spent }
    if (spent >= budget) return { done: false, spent }
    catchUp(scope, due.id)
    refresh(scope, due.id, { at: now, keysAt: now })
  }
}

/** With the tables before. */
const isDerived = (state: State, home: string): boolean =>
  isIdentityHome(home) ? personAt(state, identityOf(home)) !== undefined : state.get('accounts', home) !== undefined

function deriveAnew(scope: Scope, job: Extract<Job, { kind: 'anew' }>, budget: number): Step & { job?: Job } {
  const { state, now } = scope.context
  let { after } = job
  let spent = 0
  for (const [key] of state.range(job.table, after === null ? {} : { after })) {
    if (spent >= budget) return { done: false, spent, job: { ...job, after } }
    after = key
    if (job.table === 'about' && isDerived(state, key)) {
      spent++
      continue
    }
    spent += derivationRows
    refresh(scope, job.table === 'people' ? identityHome(key) : key, { at: now, keysAt: now })
  }
  return { done: true, spent }
}
