import { expect, it } from 'vitest'
import type { AnyRecord } from '../../schemas/wire/topics.ts'
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

it('says who claims an account, and since when', () => {
  const fact = {
    type: 'AccountFact', app: 'billing', account: 'info', kind: 'human', status: 'active', match: 'contested', identity: 'P1', candidates: ['P1', 'P2'],
    ownerState: 'not-needed', contestedSince: Date.UTC(2026, 2, 1), grants: [], exposed: null,
  }
  expect(says(fact)).toBe('billing account info (human, active) is contested to P1 (claimed by P1, P2 since 2026-03-01) and holds 0 entitlements')
  expect(says({ ...fact, contestedSince: null })).toContain(' (claimed by P1, P2) and ')
  expect(says({ ...fact, kind: 'service', match: 'not-a-person', identity: null, ownerState: 'contested' })).toContain('is not-a-person (its owner claimed by P1, P2 since 2026-03-01) and ')
})
