import { expect, it } from 'vitest'
import { changeScenariosFor, singleScenariosFor } from '../../src/conformance/observe-scenarios.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import { observeFailures } from './failures.ts'
import { restServed } from './subjects.ts'

const unless = <T>(answer: Promise<T>, instead: T): Promise<T> =>
  answer.catch((error: unknown) => {
    if (error instanceof ConnectError) return instead
    throw error
  })

it('a connector that takes every error for an account that is gone is found out', async () => {
  const failed = await observeFailures(restServed('offset'), ({ readOne }) => ({ readOne: (id) => unless(readOne(id), null) }), (kit) => [singleScenariosFor(new Set(['id', 'world'])), (scenario) => kit.single(scenario)])
  expect(failed).toEqual([
    '500 for good', '403', '401 for good', 'the connection is reset for good', 'JSON that ends in the middle, with the right length',
    'a sign-in page with 200', 'a redirect to another host', 'not found, and no other one either',
  ])
}, 120_000)

it('a connector that moves its cursor on though nobody answered is found out', async () => {
  const failed = await observeFailures(restServed('offset'), ({ changes }) => ({ changes: (cursor) => unless(changes(cursor), { accounts: [], cursor: '1000' }) }), (kit) => [changeScenariosFor(new Set(['cursor'])), (scenario) => kit.changes(scenario)])
  expect(failed).toEqual([
    '500 for good', '403', '401 for good', 'the connection is reset for good', 'JSON that ends in the middle, with the right length', 'an empty body with 200', 'null with 200',
    'a sign-in page with 200', 'an error inside 200', 'a redirect to another host', 'there is no cursor in the answer', 'the cursor is no longer known, once',
    'the cursor is no longer known, for good', 'a change names nobody',
  ])
}, 120_000)
