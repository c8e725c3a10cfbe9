import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { KeptEntry, KeptReason } from '../../../processors/entitle/compile.ts'
import type { Personal } from '../../../processors/entitle/objects.ts'
import { keysIn, packBook, packHead, packPerson, unpackPerson } from '../../../processors/entitle/people.ts'
import { packAccess, unpackAccess } from '../../../processors/entitle/stored-access.ts'
import { contentOf, packContent, packStanding, packTold, unpackStanding, unpackTold } from '../../../processors/entitle/stored-objects.ts'
import { sameBytes } from '../../../src/core/bytes.ts'
import { canonical } from '../../../src/core/canonical.ts'
import { person } from './given.ts'

const text = fc.constantFrom('', 'ann', 'crm', 'read', '__proto__', 'Zoë')
const maybe = fc.option(text, { nil: null })
const at = fc.constantFrom(0, 100, -5, Date.UTC(2026, 0))
const until = fc.option(at, { nil: null })
const pairs = fc.dictionary(text, text, { noNullPrototype: true })
const position = fc.record({ topic: fc.constant('intent'), partition: fc.nat(3), offset: fc.nat(1_000), index: fc.nat(1_000) })

const facet = { feed: text, run: fc.constant(null), observed: at, valid: until, removed: fc.boolean(), id: text }
const aim = { subject: fc.record({ identity: maybe, app: maybe, account: maybe }), app: text, entitlement: text }
const record: fc.Arbitrary<Personal> = fc.oneof(
  fc.record({
    type: fc.constant('Identity' as const), ...facet, status: fc.constantFrom('planned' as const, 'active' as const, 'ended' as const),
    display: maybe, start: until, end: until, continues: maybe, attributes: pairs,
    keys: fc.array(fc.record({ space: text, key: text, since: until }), { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('RoleAssignment' as const), ...facet, identity: text, role: text, from: at, until }),
  fc.record({ type: fc.constant('AccessRequest' as const), ...facet, ...aim, from: at, until, approvedBy: text }),
  fc.record({ type: fc.constant('Decision' as const), ...facet, ...aim, campaign: text, verdict: fc.constantFrom('keep' as const, 'revoke' as const), by: text, at }),
  fc.record({ type: fc.constant('AccountLink' as const), ...facet, app: text, account: text, identity: text, relation: fc.constantFrom('holder' as const, 'owner' as const) }),
)

it('of an object what derivations need is read as it was written; of an identity all but its run', () => {
  const told = fc.record({ gone: fc.boolean(), source: position, record, since: fc.dictionary(text, at, { noNullPrototype: true }) })
  const seen = new Set<string>()
  fc.assert(fc.property(told, (one) => {
    const read = unpackTold(packTold({ ...one, record: { ...one.record, run: 7 } }, packContent(one.record)))
    expect(read).toMatchObject({ gone: one.gone, source: one.source, since: one.since })
    expect(one.record).toMatchObject(read.record)
    if (read.record.type === 'Identity') expect(read.record).toEqual(one.record)
    else seen.add(`${read.record.type} ${Object.keys(read.record).sort().join(' ')}`)
  }))
  expect([...seen].sort()).toEqual([
    'AccessRequest app approvedBy entitlement from id type until', 'AccountLink identity observed relation type valid',
    'Decision app at by entitlement id type verdict', 'RoleAssignment from role type until',
  ])
})

it('content is equal bytes exactly where it is equal, whenever it was said', () => {
  const said = (one: Personal): string => canonical({ ...one, run: null, observed: 0, valid: null })
  const changed = fc.tuple(record, record).map(([a, b]) => ({ ...a, ...(a.type === b.type ? b : {}), observed: 7, id: a.id, feed: a.feed }))
  fc.assert(fc.property(record, fc.oneof(record, changed), (a, b) => {
    expect(sameBytes(packContent(a), packContent(b))).toBe(said(a) === said(b))
    expect(sameBytes(contentOf(packTold({ gone: false, source: { topic: 'intent', partition: 0, offset: 0, index: 0 }, record: a, since: {} }, packContent(a))), packContent(a))).toBe(true)
  }))
  const twice = (attributes: Record<string, string>): Uint8Array => packContent(person('ann', { attributes }))
  expect(twice({ a: '1', b: '2' })).toEqual(twice({ b: '2', a: '1' }))
})

it('where an object stands is read as it was written', () => {
  fc.assert(fc.property(fc.integer({ min: -1, max: 1_000 }), at, maybe, (ordinal, observed, subject) => {
    expect(unpackStanding(packStanding({ ordinal, gone: ordinal < 0, observed, subject }))).toEqual({ ordinal, gone: ordinal < 0, observed, subject })
  }))
})

it('access is read as it was written; what a role gives shares its reason again', () => {
  const reason: fc.Arbitrary<KeptReason> = fc.record({ kind: fc.constantFrom('business-role' as const, 'request' as const, 'decision' as const), id: text, by: maybe, from: at, until, source: position, ref: text })
  const access = fc.array(reason, { minLength: 1, maxLength: 4 }).chain((reasons) => fc.record({
    entries: fc.array(fc.record({ app: text, entitlement: text, from: at, until, reasons: fc.shuffledSubarray(reasons, { minLength: 1 }) }), { maxLength: 6 }),
    lapsed: fc.array(fc.record({ app: text, entitlement: text, at, why: fc.constantFrom('expired' as const, 'withdrawn' as const, 'denied' as const, 'ended' as const), reason: fc.constantFrom(...reasons) }), { maxLength: 3 }),
    revoked: fc.array(fc.record({ app: text, entitlement: text, reason: fc.constantFrom(...reasons) }), { maxLength: 2 }),
  }))
  fc.assert(fc.property(access, (one) => {
    expect(unpackAccess(packAccess(one))).toEqual(one)
  }))
  const shared: KeptReason = { kind: 'business-role', id: 'r', by: null, from: 1, until: null, source: { topic: 'intent', partition: 0, offset: 1, index: 2 }, ref: 'a' }
  const entry = (entitlement: string): KeptEntry => ({ app: 'crm', entitlement, from: 1, until: null, reasons: [shared] })
  const { entries: [first, second] } = unpackAccess(packAccess({ entries: [entry('a'), entry('b')], lapsed: [], revoked: [] }))
  expect(first?.reasons[0]).toBe(second?.reasons[0])
})

it('a person is read as it was written, and the keys are found in the book', () => {
  const keys = fc.array(fc.record({ space: text, key: text, since: at, until }), { maxLength: 3 })
  fc.assert(fc.property(keys, maybe, pairs, until, (all, continues, current, dueMs) => {
    const book = packBook('active', continues, all)
    const head = packHead({ status: 'active', start: dueMs, end: null }, continues, current)
    const stored = {
      roles: ['a', 'b'], feed: 'hr', dueMs, start: dueMs, endedAt: null, revision: 3, matched: { 'a/b': 4 }, book, head,
      access: packAccess({ entries: [], lapsed: [], revoked: [] }),
    }
    expect(unpackPerson(packPerson(stored))).toEqual(stored)
    expect(keysIn(book)).toEqual(all)
  }))
})
