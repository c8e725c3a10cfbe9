import type { Position } from '../../schemas/wire/common.ts'
import type { Context, State } from '../../src/ports/processor.ts'
import { Jobs } from '../shared/jobs.ts'
import { keptScope, type InContext } from '../shared/kept-scope.ts'
import { Runs } from '../shared/runs.ts'
import type { ParsedSettings } from '../shared/settings.ts'
import { Settings } from '../shared/settings.ts'
import { Unresolved } from '../shared/unresolved.ts'
import { Timers } from '../shared/timers.ts'
import { layout, type Place } from './account.ts'
import { Definitions } from './definitions.ts'
import type { ClosureCache } from './definitions.ts'
import type { Job } from './job.ts'
import { KeyBookTable } from './keybook.ts'
import type { Later, LaterJob } from './later.ts'
import type { Outlook } from './outlook.ts'

/** What one processor instance keeps beside the state: parsed and computed forms only, which a reload may drop. */
export interface Caches {
  readonly settings: ParsedSettings
  readonly closures: ClosureCache
  /** what the last record worked on: the tables of one transaction */
  scope: Scope | null
  readonly lookedFor: LookedFor
  /** what the message at hand will probably show */
  readonly outlook: Outlook
}

interface LookedFor {
  /** the account that was looked for last and is not known; '' where it is */
  unknown: string
}

/** The tables of the state as one record or slice works on them. */
export interface Scope extends InContext {
  readonly runs: Runs
  /** done before the next record */
  readonly jobs: Jobs<Job>
  /** what later records may overtake */
  readonly later: Later
  readonly settings: Settings
  readonly definitions: Definitions
  readonly book: KeyBookTable
  /** when a claim that an account looked up stops being live; ids are `<app>/<id>` */
  readonly claimTimers: Timers
  /** accounts that governance names and the app never had */
  readonly unresolved: Unresolved
  readonly lookedFor: LookedFor
}

export const scopeOf = (context: Context, caches: Caches): Scope => keptScope(context, caches, (state) => tablesOf(state, caches))

function tablesOf(state: State, caches: Caches): Omit<Scope, keyof InContext> {
  const runs = new Runs(state, layout)
  return {
    runs,
    lookedFor: caches.lookedFor,
    jobs: new Jobs<Job>(state),
    later: new Jobs<LaterJob>(state, 'later', 'later'),
    settings: new Settings(state, caches.settings),
    definitions: new Definitions(state, runs, caches.closures),
    book: new KeyBookTable(state),
    claimTimers: new Timers(state, 'claim-timers'),
    unresolved: new Unresolved(state),
  }
}

/** Where the record in hand stands on this partition. */
export function placeOf({ position }: Context): Place {
  const { offset, index }: Position = position
  return [offset, index]
}
