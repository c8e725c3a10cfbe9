import type { IntentClass } from '../../schemas/settings.ts'
import type { Context, State } from '../../src/ports/processor.ts'
import { Jobs } from '../shared/jobs.ts'
import { keptScope, type InContext } from '../shared/kept-scope.ts'
import type { Layout } from '../shared/runs.ts'
import { Runs } from '../shared/runs.ts'
import type { ParsedSettings } from '../shared/settings.ts'
import { Settings } from '../shared/settings.ts'
import { Unresolved } from '../shared/unresolved.ts'
import { Timers } from '../shared/timers.ts'
import type { Job } from './jobs.ts'
import type { Later, LaterJob } from './later.ts'
import { ObjectStore } from './object-store.ts'
import { RoleBook } from './role-book.ts'
import { WaitingSubjects } from './waiting.ts'

export const intentClasses: readonly IntentClass[] = [
  'identities', 'business-roles', 'role-assignments', 'requests', 'decisions', 'links',
]
export const isIntentClass = (name: string): name is IntentClass => intentClasses.some((known) => known === name)

/** Each class has objects of its own. */
const layout: Layout = Object.fromEntries(intentClasses.map((name) => [name, [name]]))

/** What the processor instance keeps between records; all of it is a cache. */
interface Caches {
  roles: RoleBook
  settings: ParsedSettings
  /** what the last record worked on: the tables of one transaction */
  scope: Scope | null
}

export const emptyCaches = (): Caches => ({ roles: new RoleBook(), settings: new Map(), scope: null })

/** What deriving somebody anew counts for in a slice, rows. */
export const derivationRows = 16

/** Everything that handling one record or slice works with. */
export interface Scope extends InContext {
  readonly objects: ObjectStore
  readonly runs: Runs
  /** done before the next record */
  readonly jobs: Jobs<Job>
  /** what later records may overtake */
  readonly later: Later
  /** what later records may overtake one by one */
  readonly waiting: WaitingSubjects
  readonly timers: Timers
  readonly settings: Settings
  readonly roles: RoleBook
  readonly unresolved: Unresolved
}

export const scopeOf = (context: Context, caches: Caches): Scope => keptScope(context, caches, (state) => tablesOf(state, caches))

function tablesOf(state: State, caches: Caches): Omit<Scope, keyof InContext> {
  return {
    objects: new ObjectStore(state),
    runs: new Runs(state, layout),
    jobs: new Jobs<Job>(state),
    later: new Jobs<LaterJob>(state, 'later', 'later'),
    waiting: new WaitingSubjects(state),
    timers: new Timers(state, 'timers'),
    settings: new Settings(state, caches.settings),
    roles: caches.roles,
    unresolved: new Unresolved(state),
  }
}

/** The class that the feed is declared to hold, or undefined for a feed that no setting names. */
export function declaredClass({ settings }: Scope, feed: string): IntentClass | undefined {
  return settings.sources()?.feeds.find(({ name }) => name === feed)?.class
}

/** When a change took effect: when the source says so, else now. A date ahead of time counts as now: the change is in force. */
export function effectiveAt({ context }: Scope, valid: number | null): number {
  return valid !== null && valid <= context.now ? valid : context.now
}
