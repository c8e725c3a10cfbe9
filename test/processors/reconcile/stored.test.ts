import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AccountFact, Desired } from '../../../schemas/wire/facts.ts'
import {
  packAccount, packDesired, packHome, packReasons, plans, readDependence, unpackAccount, unpackDesired, unpackHome, unpackReasons, type StoredHome,
} from '../../../processors/reconcile/stored.ts'
import { recordOfType } from '../../support/arbitraries.ts'

const position = { topic: 'facts', partition: 1, offset: 2 ** 40, index: 3 }

test('an account comes back as it was stored', () => {
  fc.assert(
    fc.property(recordOfType('facts', 'AccountFact'), fc.boolean(), (record, moved) => {
      const { type: _type, home: _home, movedFrom: _from, sources: _sources, cause: _cause, ...fact } = record as AccountFact
      const row = { fact, position, moved, verdicts: fact.grants.map(() => 'matched' as const) }
      expect(unpackAccount(packAccount(row))).toEqual(row)
    }),
  )
})

test('an account that shows no secret is stored as it was before anybody looked for one', () => {
  fc.assert(
    fc.property(recordOfType('facts', 'AccountFact'), (record) => {
      const { type: _type, home: _home, movedFrom: _from, sources: _sources, cause: _cause, ...fact } = record as AccountFact
      const packed = (exposed: string[] | null): Uint8Array => packAccount({ fact: { ...fact, exposed, revoked: null }, position, moved: false, verdicts: [] })
      const without = packed(null)
      const shows = packed(['display'])
      expect(shows.length).toBeGreaterThan(without.length)
      expect(shows.slice(0, without.length)).toEqual(without.slice())
      expect(unpackAccount(without).fact.exposed).toBeNull()
    }),
  )
})

test('desired access comes back as it was stored, and from the second time on an equal plan is the same', () => {
  fc.assert(
    fc.property(recordOfType('facts', 'Desired'), fc.option(fc.integer()), (record, endedAt) => {
      const { identity, status, start, display, keys, entries, lapsed, revoked } = record as Desired
      const plan = entries.map(({ app, entitlement, from, until }) => ({ app, entitlement, from, until }))
      const row = { identity, status, start, endedAt, display, keys, plan, reasons: packReasons(entries), lapsed, revoked: revoked ?? [], position }
      const back = unpackDesired(packDesired(row))
      expect(back).toEqual(row)
      expect(unpackReasons(back.reasons)).toEqual(entries.map(({ reasons }) => reasons))
      expect(plans.of(structuredClone(plan))).toBe(unpackDesired(packDesired(row)).plan)
      const one = plans.like(entries, () => structuredClone(plan))
      expect(one).toEqual(plan)
      expect(plans.like(structuredClone(entries), () => { throw new Error('it is known') })).toBe(one)
    }),
  )
})

test('reasons that entries share are packed as reasons of their own are', () => {
  fc.assert(
    fc.property(recordOfType('facts', 'Desired'), fc.array(fc.nat(9), { maxLength: 40 }), (record, order) => {
      const lists = (record as Desired).entries.map(({ reasons }) => reasons)
      const entries = order.flatMap((n) => {
        const reasons = lists[n]
        return reasons === undefined ? [] : [{ app: 'a', entitlement: 'e', from: 0, until: null, reasons }]
      })
      const packed = packReasons(entries)
      expect(packed.slice()).toEqual(packReasons(entries.map((entry) => structuredClone(entry))).slice())
      expect(unpackReasons(packed)).toEqual(entries.map(({ reasons }) => reasons))
    }),
  )
})

const finding = fc.record({
  kind: fc.constantFrom('missing-grant', 'sod-conflict'), app: fc.option(fc.string()), account: fc.option(fc.string()), entitlement: fc.option(fc.string()),
  object: fc.option(fc.string()), id: fc.string(), severity: fc.constantFrom('low', 'critical'), since: fc.nat(), opened: fc.nat(), detail: fc.string(), plan: fc.option(fc.string()),
})
const home: fc.Arbitrary<StoredHome> = fc.record({
  references: fc.array(fc.record({ app: fc.string(), account: fc.string(), kind: fc.constantFrom('service', 'token'), position: fc.constant(position) })),
  held: fc.array(fc.record({
    source: fc.string(), class: fc.string(), writer: fc.nat(), run: fc.nat(), absent: fc.nat(), present: fc.nat(), position: fc.constant(position),
  })),
  open: fc.array(finding), waits: fc.array(fc.record({
    app: fc.string(), account: fc.option(fc.string(), { nil: null }), entitlement: fc.string(), direction: fc.constantFrom('grant', 'revoke'), desired: fc.nat(),
  })),
  apps: fc.array(fc.string()), awaits: fc.array(fc.string()), due: fc.option(fc.nat()), accounts: fc.array(fc.string()),
})

test('a home whose waits are of no account in particular lies as older releases left it', () => {
  const wait = { app: 'billing', account: null, entitlement: 'pay', direction: 'grant' as const, desired: 7 }
  const row: StoredHome = { references: [], held: [], open: [], waits: [wait, wait], apps: ['billing'], awaits: [], due: null, accounts: ['a'] }
  const ofOne = { ...row, waits: [wait, { ...wait, account: 'a' }] }
  expect(packHome(row)).toEqual(packHome(ofOne).subarray(0, packHome(row).byteLength))
  expect(unpackHome(packHome(ofOne)).waits).toEqual(ofOne.waits)
})

test('a home comes back as it was stored', () => {
  fc.assert(
    fc.property(home, (row) => {
      const packed = packHome(row)
      expect(unpackHome(packed)).toEqual(row)
      expect(readDependence(packed)).toEqual({ apps: row.apps, awaits: row.awaits, isHeld: row.accounts.length + row.references.length > 0 })
    }),
  )
})
