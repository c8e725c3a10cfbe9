import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AccountFact, Desired } from '../../../schemas/wire/facts.ts'
import { packAccount, packDesired, unpackAccount, unpackDesired } from '../../../processors/reconcile/stored.ts'
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

test('desired access comes back as it was stored', () => {
  fc.assert(
    fc.property(recordOfType('facts', 'Desired'), fc.option(fc.integer()), (record, endedAt) => {
      const { identity, status, display, keys, entries, lapsed } = record as Desired
      const row = { identity, status, endedAt, display, keys, entries, lapsed, position }
      expect(unpackDesired(packDesired(row))).toEqual(row)
    }),
  )
})
