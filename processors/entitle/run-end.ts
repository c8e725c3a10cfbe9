import type { IntentClass } from '../../schemas/settings.ts'
import type { ClassManifest } from '../../schemas/wire/common.ts'
import { worstOf } from '../../src/core/verdicts.ts'
import type { AbsencePass, BrakeLimits } from '../shared/absences.ts'
import { continuePass } from '../shared/absences.ts'
import { tellHeld } from '../shared/tell-held.ts'
import type { OpenRun } from '../shared/runs.ts'
import { dropObject } from './intake.ts'
import type { Step } from './jobs.ts'
import { classPrefix } from './objects.ts'
import { dropRole } from './roles.ts'
import type { Scope } from './scope.ts'
import { isIntentClass } from './scope.ts'
import { sweepLater } from './sweep.ts'
import { forgetVouched, unresolvedOf } from './unresolved.ts'

/** A run as this partition judged it, for its row and its marks. */
export interface Ended {
  feed: string
  run: number
  rejected: number
  changed: number
  received: number
  classes: ClassManifest[]
  /** classes that had a complete snapshot */
  proven: string[]
}

/** A run whose absences are applied, until what they change is derived. */
export interface Finished {
  ended: Ended
  tally: Tally
}

interface Tally {
  absent: number
  held: number
}

/** A feed that no setting names brakes as a feed does whose setting says nothing. */
const defaultBrake = { maxAbsent: 50, maxAbsentShare: 0.2 }

/** One slice of removal by absence. What a run removes or holds back is tallied for its row; a release has none. */
export function absenceStep(
  scope: Scope, { pass, release }: { pass: AbsencePass; release: boolean }, budget: number,
): Step & { pass: AbsencePass } {
  const { runs, context } = scope
  const name = classIn(pass)
  let spent = 0
  const outcome = continuePass(runs, pass, {
    *range(after) {
      for (const [key, { ordinal, gone, observed }] of scope.objects.ofClass(pass.source, name, after)) {
        spent++
        yield [key, { ordinal, observed: gone ? null : observed }] as const
      }
    },
    absent: (key) => drop(scope, pass.source, name, key),
  }, limits(scope, pass.source, name), budget)
  if (!outcome.done) return { done: false, spent, pass: outcome.pass }
  if (outcome.tell !== null) tellHeld(context, pass.source, name, outcome.tell)
  if (release) return { done: true, spent, pass }
  const tally = context.state.get<Tally>('absences', pass.source) ?? { absent: 0, held: 0 }
  const held = tally.held + (outcome.held?.absent ?? 0)
  context.state.put('absences', pass.source, { absent: tally.absent + outcome.absent, held })
  return { done: true, spent, pass }
}

/** The absences are applied. A later run of the feed may begin before this one is finished. */
export function concludeRun(scope: Scope, ended: Ended): void {
  const { context: { state }, later } = scope
  const tally = state.get<Tally>('absences', ended.feed) ?? { absent: 0, held: 0 }
  state.delete('absences', ended.feed)
  sweepLater(scope)
  later.push({ kind: 'finish', finished: { ended, tally } })
}

/** The run's row, then the marks that follow everything they vouch for. */
export function finishRun(scope: Scope, { ended, tally }: Finished): void {
  tellRun(scope, ended, tally)
  for (const name of ended.proven) mark(scope, ended.feed, name)
}

export function tellRun(scope: Scope, ended: Ended, { absent, held }: Tally): void {
  const { context } = scope
  const worst = worstOf(ended.classes)
  context.emit('sync-runs', ended.feed, {
    type: 'SyncRun', source: ended.feed, run: ended.run, phase: 'partition', partition: context.partition,
    verdict: worst?.verdict ?? 'partial', reason: worst === undefined ? 'the run declared no class' : worst.reason,
    place: worst?.place ?? null, at: context.now, pages: 0, read: ended.received, rejected: ended.rejected, changed: ended.changed,
    absent, held, classes: ended.classes, schemaChanges: null, unknownApps: null, unresolved: unresolvedOf(scope, ended.feed),
  })
}

/** Everything that a complete run of the feed held has been sent from here. */
export function mark({ context }: Scope, feed: string, name: string): void {
  const { partition: writer, position: cause, now: at } = context
  context.broadcast('facts', { type: 'Baseline', stage: 'desired', source: feed, class: name, writer, via: null, at, cause })
  context.broadcast('raw', { type: 'KeysBaseline', feed, class: name, writer, cause })
}

/** What is left of a feed that was retired: classes still to remove, and how far the first of them is. */
export interface Retirement {
  feed: string
  classes: readonly IntentClass[]
  after: string | null
}

/** One slice of the removal of everything that a retired feed gave; nothing of it is held back. */
export function retireStep(scope: Scope, retirement: Retirement, budget: number): Step & Retirement {
  const { feed, classes: [name, ...others] } = retirement
  if (name === undefined) {
    scope.runs.forget(feed)
    forgetVouched(scope, feed)
    return { ...retirement, done: true, spent: 1 }
  }
  let { after } = retirement
  let spent = 0
  for (const [key, { gone }] of scope.objects.ofClass(feed, name, after)) {
    if (spent >= budget) return { ...retirement, done: false, spent, after }
    spent++
    after = key
    if (!gone) drop(scope, feed, name, key)
  }
  const held = scope.runs.heldOf(feed, name)
  if (held !== null) tellHeld(scope.context, feed, name, { held: false, absences: held })
  return { feed, classes: others, done: false, spent, after: null }
}

/** What a run had received, for its row. */
export function endedOf(feed: string, run: OpenRun, classes: ClassManifest[], proven: string[]): Ended {
  const received = Object.values(run.received).reduce((sum, count) => sum + count, 0)
  return { feed, run: run.run, rejected: run.rejected, changed: run.changed, received, classes, proven }
}

function drop(scope: Scope, feed: string, name: IntentClass, key: string): void {
  if (name !== 'business-roles') {
    dropObject(scope, feed, name, key.slice(classPrefix(feed, name).length))
    return
  }
  const row = scope.objects.role(key)
  if (row !== undefined) dropRole(scope, row, { observed: null, at: scope.context.now })
}

/** Every partition holds every business role, other objects are spread over the partitions. */
function limits({ settings, context }: Scope, feed: string, name: IntentClass): BrakeLimits {
  const brake = settings.sources()?.feeds.find((other) => other.name === feed)?.brake ?? defaultBrake
  return { ...brake, divisor: name === 'business-roles' ? 1 : context.partitions.intent }
}

function classIn(pass: AbsencePass): IntentClass {
  if (!isIntentClass(pass.class)) throw new Error(`the run ledger of ${pass.source} names the class ${pass.class}, which intent does not have`)
  return pass.class
}
