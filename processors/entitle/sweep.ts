import { identityOf, isIdentityHome } from '../../src/core/keys.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from '../shared/hot-rows.ts'
import { refreshIdentity } from './identity.ts'
import type { Step } from './jobs.ts'
import { peopleAfter, personInBrief, type PersonInBrief } from './people.ts'
import { derivationRows, type Scope } from './scope.ts'

/** Roles that changed, with the time when it took effect, ms: those that the next sweep is for, and those of the sweep in progress. */
const waiting = 'role-changes'
const inProgress = 'swept-roles'

/** A row for either of them while it holds any: mostly neither does, and then nobody has to look for one. */
const holding = 'roles-changed'

export function noteRoleChange({ context: { state } }: Scope, id: string, at: number): void {
  putHot(state, holding, waiting, 1)
  state.put(waiting, id, Math.max(at, state.get<number>(waiting, id) ?? 0))
}

/** Where no role changed meanwhile the sweep finds nothing to do. */
export function sweepLater({ later }: Scope): void {
  later.push({ kind: 'sweep', after: null })
}

/** Goes through the identities and derives those anew that the changed roles concern. `after`: null before it has begun. */
export function sweep(scope: Scope, after: string | null, budget: number): Step & { after: string | null } {
  const { state, now } = scope.context
  if (after === null) {
    const taken = takeOver(scope)
    return { done: taken === 0, spent: taken, after: '' }
  }
  const changed = new Map(state.range<number>(inProgress))
  let last = after
  let spent = 0
  for (const [id, person] of peopleAfter(state, after)) {
    if (spent >= budget) return { done: false, spent, after: last }
    last = id
    const at = changedAt(scope, id, person, (role) => changed.get(role))
    spent += at === null ? 1 : derivationRows
    if (at !== null) refreshIdentity(scope, id, { at, keysAt: now })
  }
  for (const id of changed.keys()) state.delete(inProgress, id)
  state.delete(holding, inProgress)
  return { done: true, spent, after: last }
}

/**
 * Before anything else is derived of an identity: what roles that changed before took from it or gave it, where no sweep has come to it
 * yet.
 */
export function sweepFirst(scope: Scope, home: string): void {
  const { context: { state, now }, later } = scope
  const job = later.current
  if (job === undefined || !isIdentityHome(home) || !haveRolesChanged(state)) return
  const id = identityOf(home)
  const person = personInBrief(state, id)
  if (person === undefined) return
  const passed = job.kind !== 'sweep' || job.after === null || compareKeys(id, job.after) <= 0
  const at = changedAt(scope, id, person, (role) => latest(passed ? undefined : state.get<number>(inProgress, role), state.get<number>(waiting, role)))
  if (at !== null) refreshIdentity(scope, id, { at, keysAt: now })
}

/** The roles that changed are those of this sweep; what changes from now on is the next one's. */
function takeOver({ context: { state } }: Scope): number {
  let taken = 0
  for (const [id, at] of state.range<number>(waiting)) {
    taken++
    state.put(inProgress, id, at)
    state.delete(waiting, id)
  }
  if (taken === 0) return 0
  state.delete(holding, waiting)
  putHot(state, holding, inProgress, 1)
  return taken
}

const haveRolesChanged = (state: State): boolean =>
  getHot(state, holding, waiting) !== undefined || getHot(state, holding, inProgress) !== undefined

/** When the changed roles took effect that concern this identity, ms; null where none does. */
function changedAt(scope: Scope, id: string, { roles, feed }: PersonInBrief, changeOf: (role: string) => number | undefined): number | null {
  const had = roles.flatMap((role) => changeOf(role) ?? [])
  if (had.length > 0) return Math.max(...had)
  const told = scope.objects.identity(feed, id)
  if (told === undefined) return null
  const nowMatches = scope.roles.matching(scope.objects, told.record.attributes).some(([, role]) => changeOf(role.record.id) !== undefined)
  return nowMatches ? scope.context.now : null
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}
