import { continuePass } from '../shared/absences.ts'
import { tellHeld } from '../shared/tell-held.ts'
import { carryOn } from '../shared/later.ts'
import { lastObserved, layout } from './account.ts'
import { objectsOf, limitsOf } from './absent.ts'
import { removedDefinitions } from './definitions.ts'
import type { ApplyDefinitions, Job, RunAbsences } from './job.ts'
import { deriveLater } from './lagging.ts'
import { spendLater } from './later.ts'
import { forgetMarks } from './marks.ts'
import { rederive, remove } from './publish.ts'
import { noteAllNamed } from './named.ts'
import type { Scope } from './scope.ts'
import { accountsOf } from './stored.ts'
import { watchersOf } from './watch.ts'

export interface Progress {
  readonly job: Job | null
  readonly spent: number
}

/** One step of a queued job, over at most `budget` rows. What comes out of all its steps does not depend on the budget. */
export function step(scope: Scope, job: Job, budget: number): Progress {
  switch (job.kind) {
    case 'apply-definitions': return applyDefinitions(scope, job, budget)
    case 'drop-staged': {
      const { done, spent } = scope.definitions.dropStaged(job.app, budget)
      return { job: done ? null : job, spent }
    }
    case 'watchers': return rederiveWatchers(scope, job, budget)
    case 'claim-timers': return drainClaims(scope, job, budget)
    case 'run-absences': return applyAbsences(scope, job, budget)
    case 'prune-tombs': return pruneTombs(scope, job, budget)
    case 'release': return release(scope, job, budget)
    case 'retire': return retire(scope, job, budget)
    case 'note-named': return noteAllNamed(scope, job, budget)
    case 'carry-on': {
      const { rows, spent } = carryOn(scope.later, job.rows, budget, (part) => spendLater(scope, part))
      return { job: rows === null ? null : { ...job, rows }, spent }
    }
  }
}

function applyDefinitions(scope: Scope, job: ApplyDefinitions, budget: number): Progress {
  const { done, spent, changed } = scope.definitions.applyStaged(job.app, job.run, budget)
  const newest = changed === null ? job.changed : Math.max(changed, job.changed ?? changed)
  if (!done) return { job: { ...job, changed: newest }, spent }
  if (newest !== null) deriveLater(scope, job.app, newest)
  return { job: null, spent }
}

function rederiveWatchers(scope: Scope, job: Extract<Job, { kind: 'watchers' }>, budget: number): Progress {
  const [topic, ...topics] = job.topics
  if (topic === undefined) return { job: null, spent: 0 }
  let { after } = job
  let spent = 0
  for (const key of watchersOf(scope.context.state, topic, after)) {
    if (spent >= budget) return { job: { ...job, after }, spent }
    rederive(scope, key)
    after = key
    spent++
  }
  return { job: { ...job, topics, after: null }, spent }
}

/** Deriving an account sets its timer after now or clears it, so the next one that is due comes first. */
function drainClaims(scope: Scope, job: Job, budget: number): Progress {
  for (let spent = 0; ; spent++) {
    const due = scope.claimTimers.due(scope.context.now)
    if (due === null) return { job: null, spent }
    if (spent >= budget) return { job, spent }
    rederive(scope, due.id)
  }
}

function applyAbsences(scope: Scope, job: RunAbsences, budget: number): Progress {
  const [pass, ...passes] = job.passes
  if (pass === undefined) {
    pruneLater(scope, job.finish)
    scope.later.push(job.finish)
    return { job: null, spent: 0 }
  }
  const { app } = job.finish
  const objects = objectsOf(scope, { ...pass, app, observed: job.observed })
  const outcome = continuePass(scope.runs, pass, objects, limitsOf(scope, app, pass.class), budget)
  if (!outcome.done) return { job: { ...job, passes: [outcome.pass, ...passes] }, spent: budget }
  const { held, absent, tell } = outcome
  if (tell !== null) tellHeld(scope.context, app, pass.class, tell)
  if (pass.class === 'definitions' && absent > 0) deriveLater(scope, app, null)
  const finish = { ...job.finish, absent: job.finish.absent + absent, held: job.finish.held + (held?.absent ?? 0) }
  return { job: { ...job, passes, finish }, spent: budget }
}

function pruneLater({ runs, jobs }: Scope, { app, proven }: RunAbsences['finish']): void {
  for (const [name, table] of [['accounts', 'tombs'], ['definitions', removedDefinitions]] as const) {
    if (proven.includes(name)) jobs.push({ kind: 'prune-tombs', table, app, before: runs.completeSince(app, name), after: null })
  }
}

/** A complete run that began later than an account or definition was seen to be gone says by itself what is stale. */
function pruneTombs({ context }: Scope, job: Extract<Job, { kind: 'prune-tombs' }>, budget: number): Progress {
  const prefix = `${job.app}/`
  let { after } = job
  let spent = 0
  for (const [key, observed] of context.state.range<number>(job.table, after === null ? { prefix } : { prefix, after })) {
    if (spent >= budget) return { job: { ...job, after }, spent }
    if (observed <= job.before) context.state.delete(job.table, key)
    after = key
    spent++
  }
  return { job: null, spent }
}

function release(scope: Scope, job: Extract<Job, { kind: 'release' }>, budget: number): Progress {
  const { pass } = job
  const app = pass.source
  const objects = objectsOf(scope, { ...pass, app, observed: pass.begin })
  const outcome = continuePass(scope.runs, pass, objects, limitsOf(scope, app, pass.class), budget)
  if (!outcome.done) return { job: { ...job, pass: outcome.pass }, spent: budget }
  if (outcome.tell !== null) tellHeld(scope.context, app, pass.class, outcome.tell)
  if (pass.class === 'definitions' && outcome.absent > 0) deriveLater(scope, app, null)
  return { job: null, spent: budget }
}

/**
 * Everything observed of the app goes; what governance says about its accounts, and its run number, stay. What lags behind is done first:
 * no mark may vouch for what was there when it is gone.
 */
function retire(scope: Scope, job: Extract<Job, { kind: 'retire' }>, budget: number): Progress {
  const { context, runs } = scope
  const { app } = job
  if (!scope.later.isEmpty) return { job, spent: spendLater(scope, budget) }
  const prefix = `${app}/`
  let spent = 0
  for (const [key, row] of accountsOf(context.state, app, null)) {
    if (spent++ >= budget) return { job, spent }
    remove(scope, key, row, 'retired', lastObserved(row))
  }
  for (const [key] of scope.definitions.range(app, null)) {
    if (spent++ >= budget) return { job, spent }
    scope.definitions.remove(app, key)
  }
  for (const table of ['staged', 'tombs', 'written', removedDefinitions]) {
    for (const [key] of context.state.range(table, { prefix })) {
      if (spent++ >= budget) return { job, spent }
      context.state.delete(table, key)
    }
  }
  for (const name of Object.values(layout).flat()) {
    const held = runs.heldOf(app, name)
    if (held !== null) tellHeld(context, app, name, { held: false, absences: held })
  }
  runs.forget(app)
  forgetMarks(scope, app)
  context.state.delete('definitions-ends', app)
  return { job: null, spent }
}
