import type { IntentClass } from '../../schemas/settings.ts'
import type { AccessRequest, BusinessRole, Decision, Identity, IntentSeen } from '../../schemas/wire/intent.ts'
import { sameBytes } from '../../src/core/bytes.ts'
import { catchUp } from './catch-up.ts'
import type { Rejection } from './dead-letters.ts'
import { reject } from './dead-letters.ts'
import { hold, isStale, letGo } from './ledger.ts'
import type { IntentObject, Personal, Standing } from './objects.ts'
import { changeTimeOf, classOf, subjectOf } from './objects.ts'
import { refresh } from './refresh.ts'
import { putRole, removeRole, stageRole } from './roles.ts'
import type { Scope } from './scope.ts'
import { declaredClass, effectiveAt, isIntentClass } from './scope.ts'
import { attributesSince } from './since.ts'
import { contentOf, identityOf, packContent } from './stored-objects.ts'
import { sweepFirst, sweepLater } from './sweep.ts'

/** One record about one object: rejected, older than what is known, the same as it, or its new facet. */
export function receive(scope: Scope, record: IntentObject): void {
  const { runs, objects } = scope
  const name = classOf[record.type]
  const inRun = runs.isOpen(record.feed, record.run)
  const rejection = rejectionOf(scope, record)
  if (inRun) runs.receive(record.feed, [name], rejection !== null)
  const standing = objects.standing(record.feed, name, record.id)
  if (rejection !== null) {
    reject(scope, record, rejection)
    if (inRun && standing?.gone === false) runs.seen(record.feed, name, standing.ordinal)
    return
  }
  if (standing?.gone === false) runs.observe(record.feed, name, standing.ordinal, [name], record.run, record.observed)
  if (isStale(scope, record, standing)) return
  if (record.type === 'BusinessRole') receiveRole(scope, record, inRun)
  else if (record.removed) remove(scope, record, standing)
  else replace(scope, record, standing, inRun)
}

/** A record that was rejected on its way counts as seen. */
export function receiveSeen({ runs, objects }: Scope, record: IntentSeen): void {
  if (!runs.isOpen(record.feed, record.run) || !isIntentClass(record.class)) return
  runs.receive(record.feed, [record.class], true)
  const standing = objects.standing(record.feed, record.class, record.id)
  if (standing?.gone === false) runs.seen(record.feed, record.class, standing.ordinal)
}

/** A complete run did not show it, or its feed was retired. Business roles are removed by roles.ts. */
export function dropObject(scope: Scope, feed: string, name: IntentClass, id: string): void {
  const { objects, context: { now, position } } = scope
  const standing = objects.standing(feed, name, id)
  if (standing === undefined) return
  const { subject, ordinal, observed } = standing
  if (subject !== null) catchUp(scope, subject)
  letGo(scope, feed, name, ordinal)
  const identity = name === 'identities' ? objects.identity(feed, id) : undefined
  if (identity === undefined) objects.delete(feed, name, id, { subject, observed: null })
  else objects.put({ ...identity, ordinal: -1, gone: true, observed, source: position }, standing)
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
  if ((record.type === 'AccessRequest' || record.type === 'Decision') && !record.removed) return otherApp(record)
  return null
}

/** An account holds nothing of another application. */
function otherApp({ subject, app, entitlement }: AccessRequest | Decision): Rejection | null {
  if (subject.identity !== null || subject.app === app) return null
  return { code: 'other-app', reason: `${entitlement} is said to be of ${app}, but the account ${subject.account ?? ''} is of ${subject.app ?? ''}: name an entitlement of that application, or the identity` }
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

function replace(scope: Scope, record: Personal, standing: Standing | undefined, inRun: boolean): void {
  const { runs, objects, context } = scope
  const known = standing === undefined ? undefined : objects.told(standing, record)
  const content = packContent(record)
  if (standing?.gone === false && known !== undefined && sameBytes(contentOf(known), content)) {
    if (!inRun) objects.confirm(record)
    return
  }
  const before = standing?.subject ?? null
  const now = subjectOf(record)
  const isPutOff = inRun && record.type !== 'Identity'
  const ahead = isPutOff ? sweepFirst : catchUp
  if (before !== null) ahead(scope, before)
  if (now !== null && now !== before) ahead(scope, now)
  const since = record.type === 'Identity' ? attributesSince(record, known === undefined ? undefined : identityOf(known), context.now) : {}
  const ordinal = standing?.gone === false ? standing.ordinal : hold(scope, record)
  objects.put({ ordinal, gone: false, source: context.position, record, observed: record.observed, since }, standing, content)
  runs.changed(record.feed)
  const derive = isPutOff ? refreshLater : refreshFor
  if (before !== now) derive(scope, before, record)
  derive(scope, now, record)
}

/**
 * A run of requests or assignments tells of the same person many times. What it says is derived once, after the next tick or the
 * run's end, whichever is first in the log.
 */
function refreshLater(scope: Scope, subject: string | null, record: Personal): void {
  if (subject !== null) scope.waiting.put(subject, effectiveAt(scope, record.valid))
}

function remove(scope: Scope, record: Personal, standing: Standing | undefined): void {
  const { runs, objects } = scope
  const name = classOf[record.type]
  const subject = standing === undefined ? subjectOf(record) : standing.subject
  if (subject !== null && standing !== undefined) catchUp(scope, subject)
  if (record.type === 'Identity') {
    if (standing?.gone === true) {
      objects.confirm(record)
      return
    }
    keepGone(scope, record, standing)
  } else if (standing === undefined) {
    objects.bury(record.feed, name, record.id, record.observed)
    return
  } else {
    const { feed, id, observed } = record
    letGo(scope, feed, name, standing.ordinal)
    objects.delete(feed, name, id, { subject: standing.subject, observed })
  }
  runs.changed(record.feed)
  refreshFor(scope, subject, record)
}

/** Nothing of an identity is forgotten: its last content stays, and says no more than that it was so. */
function keepGone(scope: Scope, record: Identity, standing: Standing | undefined): void {
  const { objects, context } = scope
  const told = standing === undefined ? undefined : objects.identity(record.feed, record.id)
  if (standing !== undefined) letGo(scope, record.feed, 'identities', standing.ordinal)
  const { observed, valid, end } = record
  const last = told === undefined ? record : { ...told.record, observed, valid, end: end ?? told.record.end }
  const since = told?.since ?? attributesSince(record, undefined, context.now)
  objects.put({ ordinal: -1, gone: true, source: context.position, record: last, observed, since }, standing)
}

function refreshFor(scope: Scope, subject: string | null, record: Personal): void {
  if (subject !== null) refresh(scope, subject, { at: effectiveAt(scope, record.valid), keysAt: changeTimeOf(record) })
}
