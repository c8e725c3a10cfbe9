import type { Position } from '../../schemas/wire/common.ts'
import type { BusinessRole } from '../../schemas/wire/intent.ts'
import { ordered, part } from '../shared/rows.ts'
import type { Step } from './jobs.ts'
import { hold, isStale, letGo } from './ledger.ts'
import { objectKey, sameRole } from './objects.ts'
import type { RoleRow } from './role-book.ts'
import type { Scope } from './scope.ts'
import { effectiveAt } from './scope.ts'
import { roleSince } from './since.ts'
import { noteRoleChange } from './sweep.ts'

interface Staged {
  record: BusinessRole
  source: Position
}

const stagedPrefix = (feed: string, run: number): string => `${part(feed)}${ordered(run)}/`

/** A role of an open run waits for the end of the run's definitions. One that says what is in force already has nothing to wait for. */
export function stageRole(scope: Scope, record: BusinessRole): void {
  const { state, position } = scope.context
  const key = `${stagedPrefix(record.feed, record.run ?? 0)}${record.id}`
  const staged = state.get<Staged>('staged', key)
  if (staged === undefined) {
    const row = roleRow(scope, record)
    if (row !== undefined && !record.removed && sameRole(row.record, record)) return
  } else if (staged.record.observed > record.observed) return
  state.put('staged', key, { record, source: position })
}

/** Up to `budget` staged roles take effect; nothing else is processed before all have. */
export function applyStaged(scope: Scope, feed: string, run: number, budget: number): Step {
  const { state } = scope.context
  let spent = 0
  for (const [key, { record, source }] of state.range<Staged>('staged', { prefix: stagedPrefix(feed, run) })) {
    if (spent >= budget) return { done: false, spent }
    spent++
    state.delete('staged', key)
    if (isStale(scope, record, roleRow(scope, record))) continue
    if (record.removed) removeRole(scope, record)
    else putRole(scope, record, source)
  }
  return { done: true, spent }
}

/** What was staged in a run that never ended its definitions. */
export function dropStaged({ context: { state } }: Scope, feed: string, run: number, budget: number): Step {
  let spent = 0
  for (const [key] of state.range('staged', { prefix: stagedPrefix(feed, run) })) {
    if (spent >= budget) return { done: false, spent }
    spent++
    state.delete('staged', key)
  }
  return { done: true, spent }
}

/** True if the role changed: a sweep has to follow. */
export function putRole(scope: Scope, record: BusinessRole, source: Position): boolean {
  const { objects, runs, roles } = scope
  const row = roleRow(scope, record)
  if (row !== undefined && sameRole(row.record, record)) {
    objects.confirm(record)
    return false
  }
  const since = roleSince(record, row, { loaded: runs.completeSince(record.feed, 'business-roles') >= 0, now: scope.context.now })
  const next: RoleRow = { ordinal: row?.ordinal ?? hold(scope, record), gone: false, source, record, observed: record.observed, since }
  objects.putRole(next, row === undefined)
  roles.replaced(row, next)
  runs.changed(record.feed)
  noteRoleChange(scope, record.id, effectiveAt(scope, record.valid))
  return true
}

/** True if the role was in force: a sweep has to follow. */
export function removeRole(scope: Scope, record: BusinessRole): boolean {
  const row = roleRow(scope, record)
  if (row === undefined) {
    scope.objects.bury(record.feed, 'business-roles', record.id, record.observed)
    return false
  }
  scope.runs.changed(record.feed)
  dropRole(scope, row, { observed: record.observed, at: effectiveAt(scope, record.valid) })
  return true
}

/** `observed`: stamp of the removal, or null where a complete run tells as much; `at`: when it took effect, ms. */
export function dropRole(scope: Scope, row: RoleRow, { observed, at }: { observed: number | null; at: number }): void {
  const { feed, id } = row.record
  letGo(scope, feed, 'business-roles', row.ordinal)
  scope.objects.delete(feed, 'business-roles', id, { subject: null, observed })
  scope.roles.replaced(row, undefined)
  noteRoleChange(scope, id, at)
}

function roleRow({ objects }: Scope, { feed, id }: BusinessRole): RoleRow | undefined {
  return objects.role(objectKey(feed, 'business-roles', id))
}
