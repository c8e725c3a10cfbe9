import { canonical, digest } from '../../src/core/canonical.ts'
import type { IntentObject } from './objects.ts'
import type { Scope } from './scope.ts'

export interface Rejection {
  code: 'wrong-class' | 'no-subject' | 'other-app'
  reason: string
}

/**
 * An intent record that can't be applied: one letter for the same record refused for the same reason, in whichever run; what comes without one is
 * told apart by where it stands. Its payload names the object only: what it says about a person stays in the log.
 */
export function reject({ context }: Scope, record: IntentObject, { code, reason }: Rejection): void {
  const { topic, partition, offset, index } = context.position
  const place = `${topic}/${partition}/${offset}/${index}`
  const which = record.run === null ? place : [record.feed, record.type, record.id, reason]
  context.emit('dead-letters', record.feed, {
    type: 'DeadLetter',
    id: digest(canonical(['entitle', code, which])),
    source: record.feed,
    run: record.run,
    stage: 'entitle',
    code,
    reason,
    place,
    record: record.id,
    payload: canonical({ feed: record.feed, id: record.id, type: record.type }),
    at: context.now,
    state: 'open',
    by: null,
    why: null,
    cause: context.position,
  })
}
