import { expect, it } from 'vitest'
import type { AnyRecord } from '../../src/ports/processor.ts'
import { describeRecord } from '../../src/http/describe.ts'

const cause = { topic: 'intent', partition: 0, offset: 1, index: 0 }
const says = (record: object): string => describeRecord(record as AnyRecord)

it('says from when a person is gone, who is not there any more on that day, and to the second where it is no day’s beginning', () => {
  const person = { type: 'Identity', id: 'P5', feed: 'people', removed: false, status: 'active' }
  expect(says({ ...person, end: null })).toBe('identity P5 is active in feed people')
  expect(says({ ...person, end: Date.UTC(2026, 10, 28) })).toBe('identity P5 is active in feed people, over from 2026-11-28 on')
  expect(says({ ...person, end: Date.UTC(2026, 10, 28, 17, 30) })).toContain('over from 2026-11-28T17:30:00.000Z on')
})

it('says what governance says of one account', () => {
  const intent = { type: 'AccountIntent', app: 'billing', id: 'svc1', link: null, owner: null, entries: [], lapsed: [], revoked: null, sources: [cause], cause }
  expect(says(intent)).toBe('of billing account svc1 governance says: nothing')
  expect(says({ ...intent, link: 'P1', entries: [{ entitlement: 'pay' }], lapsed: [{ entitlement: 'read' }], revoked: [{ entitlement: 'write' }] })).toBe(
    'of billing account svc1 governance says: it is P1\'s; it may have pay; no longer read; revoked are write',
  )
  expect(says({ ...intent, owner: 'P5' })).toContain('P5 is accountable for it')
})
