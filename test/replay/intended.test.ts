import { expect, it } from 'vitest'
import { Intended } from '../../src/replay/intended.ts'
import { identityHome } from '../../src/core/keys.ts'
import { desired, entry } from '../processors/reconcile/given.ts'

it('forgets what was said at homes that nobody asks about, and nothing else', () => {
  const intended = new Intended()
  for (const person of ['ann', 'bob']) intended.take(desired(person, [entry('write')]))
  const reasonsOf = (person: string): string[] =>
    intended.of({ home: identityHome(person), app: 'billing', account: person, entitlement: 'write' }).reasons.map(({ id }) => id)
  expect(['ann', 'bob'].map(reasonsOf)).toEqual([['REQ-write'], ['REQ-write']])
  intended.keepOnly(new Set([identityHome('bob')]))
  expect(['ann', 'bob'].map(reasonsOf)).toEqual([[], ['REQ-write']])
})
