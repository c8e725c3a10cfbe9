import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalise } from '../../../processors/normalise/normalise.ts'
import type { DesiredEntry, Reason } from '../../../schemas/wire/common.ts'
import type { AccountIntent, RawRecord } from '../../../schemas/wire/raw.ts'
import type { SyncRun } from '../../../schemas/wire/results.ts'
import { compareKeys } from '../../../src/core/order.ts'
import { World, account, app, gone, intent, ofType, setting, snapshot, tick } from './world.ts'

const entry: DesiredEntry = { app, entitlement: 'crm.clerk', reasons: [], from: 1, until: null }
const reason: Reason = { kind: 'decision', id: 'd', by: 'auditor', from: 1, until: null, source: { topic: 'intent', partition: 0, offset: 0, index: 0 } }
const approved = { entries: [entry] }
const told = (world: World, run: number): SyncRun['unresolved'] => {
  const records = snapshot({ run, from: run * 1_000_000, accounts: { known: {} } })
  return ofType(world.push(...records), 'SyncRun').at(-1)!.unresolved
}

function world(...records: RawRecord[]): World {
  const made = new World()
  made.push(tick(1), setting(), ...records)
  return made
}

test('a run tells which accounts governance names that were never there', () => {
  const made = world(intent('typo', approved), intent('known', { link: 'i1' }), intent('ended', { lapsed: [{ app, entitlement: 'e', why: 'ended', reason, at: 3 }] }))
  expect(told(made, 1)).toEqual({ count: 1, some: ['account/crm/typo'] })
  expect(told(made, 2)).toEqual({ count: 1, some: ['account/crm/typo'] })
  made.push(intent('typo', {}))
  expect(told(made, 3)).toBeNull()
})

test('a run tells none before the application was read completely once', () => {
  const made = world(intent('typo', approved))
  const partial = snapshot({ run: 1, from: 1_000_000, accounts: { known: {} }, verdicts: { accounts: 'partial' } })
  expect(ofType(made.push(...partial), 'SyncRun').at(-1)).toMatchObject({ verdict: 'partial', unresolved: null })
  expect(told(made, 2)).toMatchObject({ count: 1 })
})

test('an account that comes later is none of them, nor when it goes again', () => {
  const made = world(intent('late', approved), intent('other', { revoked: [{ app, entitlement: 'e', reason }] }))
  expect(told(made, 1)).toMatchObject({ count: 2 })
  made.push(account('late', 5_000_000))
  expect(told(made, 6)).toMatchObject({ count: 1, some: ['account/crm/other'] })
  made.push(gone('late', 7_000_000))
  expect(told(made, 8)).toMatchObject({ count: 1 })
})

test('an older version’s state tells them too', () => {
  const made = world(intent('typo', approved))
  const { plain } = made
  for (const table of ['unresolved', 'unresolved-counted']) plain.forget(table)
  plain.push({ type: 'Epoch', processor: 'normalise', version: normalise.version, stateFormat: 1, release: '0', from: { offset: 0, index: 0 }, resumed: null })
  expect(ofType(plain.push(...snapshot({ run: 1, from: 1_000_000, accounts: {} })), 'SyncRun').at(-1)?.unresolved).toMatchObject({ count: 1 })
})

test('is what a look at all that is said and all that was there finds', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
  const says = fc.constantFrom<Partial<AccountIntent>>({}, approved, { link: 'i1' }, { owner: 'i2' })
  const step = fc.oneof(
    fc.record({ kind: fc.constant('intent' as const), id, says }),
    fc.record({ kind: fc.constant('seen' as const), id }),
    fc.record({ kind: fc.constant('gone' as const), id }),
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const made = world()
    const said = new Map<string, boolean>()
    const there = new Set<string>()
    for (const [i, one] of steps.entries()) {
      if (one.kind === 'intent') {
        made.push(intent(one.id, one.says))
        // what was said while the account was there, or before, is met for as long as it is said
        if (Object.keys(one.says).length === 0) said.delete(one.id)
        else said.set(one.id, (said.get(one.id) ?? false) || there.has(one.id))
      } else if (one.kind === 'seen') {
        made.push(account(one.id, (i + 1) * 1_000))
        there.add(one.id)
        if (said.has(one.id)) said.set(one.id, true)
      } else {
        made.push(gone(one.id, (i + 1) * 1_000))
        there.delete(one.id)
      }
    }
    const expected = [...said].flatMap(([name, met]) => (met ? [] : [`account/${app}/${name}`])).sort(compareKeys)
    expect(told(made, 9) ?? { count: 0, some: [] }).toEqual({ count: expected.length, some: expected.slice(0, 5) })
  }), { numRuns: 60 })
})
