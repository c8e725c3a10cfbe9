import type { BusinessRole, Identity, IntentSeen } from '../../schemas/wire/intent.ts'
import { catchUp } from './catch-up.ts'
import type { Rejection } from './dead-letters.ts'
import { reject } from './dead-letters.ts'
import { hold, isStale, letGo } from './ledger.ts'
import type { IntentObject, ObjectRow } from './objects.ts'
import { changeTimeOf, classOf, contentOf, isOf, subjectOf } from './objects.ts'
import { postpone } from './postponed.ts'
import { refresh } from './refresh.ts'
import { putRole, removeRole, stageRole } from './roles.ts'
import type { Scope } from './scope.ts'
import { declaredClass, effectiveAt, isIntentClass } from './scope.ts'
import { attributesSince } from './since.ts'
import { sweepFirst, sweepLater } from './sweep.ts'

type Personal = Exclude<IntentObject, BusinessRole>

/** One record about one object: rejected, older than what is known, the same as it, or its new facet. */
export function receive(scope: Scope, record: IntentObject): void {
  const { runs, objects } = scope
  const name = classOf[record.type]
  const inRun = runs.isOpen(record.feed, record.run)
  const rejection = rejectionOf(scope, record)
  if (inRun) runs.receive(record.feed, [name], rejection !== null)
  const row = objects.get(record.feed, name, record.id)
  if (rejection !== null) {
    reject(scope, record, rejection)
    if (inRun && row?.gone === false) runs.seen(record.feed, name, row.ordinal)
    return
  }
  if (row?.gone === false) runs.observe(record.feed, name, row.ordinal, [name], record.run, record.observed)
  if (isStale(scope, record, row)) return
  if (record.type === 'BusinessRole') receiveRole(scope, record, inRun)
  else if (record.removed) remove(scope, record, row)
  else replace(scope, record, row, inRun)
}

/** A record that was rejected on its way counts as seen. */
export function receiveSeen({ runs, objects }: Scope, record: IntentSeen): void {
  if (!runs.isOpen(record.feed, record.run) || !isIntentClass(record.class)) return
  runs.receive(record.feed, [record.class], true)
  const row = objects.get(record.feed, record.class, record.id)
  if (row?.gone === false) runs.seen(record.feed, record.class, row.ordinal)
}

/** A complete run did not show it, or its feed was retired. Business roles are removed by roles.ts. */
export function dropObject(scope: Scope, row: ObjectRow): void {
  const subject = subjectOf(row.record)
  if (subject !== null) catchUp(scope, subject)
  letGo(scope, row)
  if (row.record.type === 'Identity') scope.objects.put({ ...row, ordinal: -1, gone: true, source: scope.context.position })
  else scope.objects.delete(row, null)
  const { now } = scope.context
  if (subject !== null) refresh(scope, subject, { at: now, keysAt: now })
}

function rejectionOf(scope: Scope, record: IntentObject): Rejection | null {
  const declared = declaredClass(scope, record.feed)
  const name = classOf[record.type]
  if (declared !== undefined && declared !== name) {
    return { code: 'wrong-class', reason: `feed ${record.feed} is declared to hold ${declared}, this record is one of ${name}` }
  }
  if (record.type !== 'BusinessRole' && !record.removed && subjectOf(record) === null) {
    return { code: 'no-subject', reason: 'the subject is neither an identity nor an account of an application: give one of them' }
  }
  return null
}

function receiveRole(scope: Scope, record: BusinessRole, inRun: boolean): void {
  if (inRun) {
    stageRole(scope, record)
    return
  }
  const { position } = scope.context
  const changed = record.removed ? removeRole(scope, record) : putRole(scope, record, position)
  if (changed) sweepLater(scope)
}

function replace(scope: Scope, record: Personal, row: ObjectRow | undefined, inRun: boolean): void {
  const { runs, objects, context } = scope
  if (row?.gone === false && contentOf(row.record) === contentOf(record)) {
    if (!inRun) objects.confirm(row, record.observed)
    return
  }
  const before = row === undefined ? null : subjectOf(row.record)
  const now = subjectOf(record)
  const isPutOff = inRun && record.type !== 'Identity'
  for (const subject of new Set([before, now])) if (subject !== null) (isPutOff ? sweepFirst : catchUp)(scope, subject)
  if (row !== undefined) objects.unindex(row)
  const since = record.type === 'Identity' ? attributesSince(record, identityRow(row), context.now) : {}
  const ordinal = row?.gone === false ? row.ordinal : hold(scope, record)
  objects.put({ ordinal, gone: false, source: context.position, record, observed: record.observed, since })
  runs.changed(record.feed)
  const derive = isPutOff ? refreshLater : refreshFor
  if (before !== now) derive(scope, before, record)
  derive(scope, now, record)
}

/**
 * A run of requests or assignments tells of the same person many times. What it says is derived once, at the next tick or at the
 * run's end, whichever is first in the log.
 */
function refreshLater(scope: Scope, subject: string | null, record: Personal): void {
  if (subject !== null) postpone(scope, subject, effectiveAt(scope, record.valid))
}

function remove(scope: Scope, record: Personal, row: ObjectRow | undefined): void {
  const { runs, objects } = scope
  const subject = subjectOf(row?.record ?? record)
  if (subject !== null && row !== undefined) catchUp(scope, subject)
  if (record.type === 'Identity') {
    if (row?.gone === true) {
      objects.confirm(row, record.observed)
      return
    }
    keepGone(scope, record, identityRow(row))
  } else if (row === undefined) {
    objects.bury(record.feed, classOf[record.type], record.id, record.observed)
    return
  } else {
    letGo(scope, row)
    objects.delete(row, record.observed)
  }
  runs.changed(record.feed)
  refreshFor(scope, subject, record)
}

/** Nothing of an identity is forgotten: its last content stays, and says no more than that it was so. */
function keepGone(scope: Scope, record: Identity, row: ObjectRow<Identity> | undefined): void {
  if (row !== undefined) letGo(scope, row)
  const { observed, valid, end } = record
  const last = row === undefined ? record : { ...row.record, observed, valid, end: end ?? row.record.end }
  const since = row?.since ?? attributesSince(record, undefined, scope.context.now)
  scope.objects.put({ ordinal: -1, gone: true, source: scope.context.position, record: last, observed, since })
}

function refreshFor(scope: Scope, subject: string | null, record: Personal): void {
  if (subject !== null) refresh(scope, subject, { at: effectiveAt(scope, record.valid), keysAt: changeTimeOf(record) })
}

const identityRow = (row: ObjectRow | undefined): ObjectRow<Identity> | undefined =>
  row !== undefined && isOf(row, 'Identity') ? row : undefined
