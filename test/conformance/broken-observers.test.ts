import { expect, it } from 'vitest'
import { ObserveKit, type ObserveOutcome } from '../../src/conformance/observe-kit.ts'
import { changeScenarios, type ObserveScenario, singleScenariosFor } from '../../src/conformance/observe-scenarios.ts'
import { type ConnectorSession, ConnectError } from '../../src/ports/connector.ts'
import { restServed, serve } from './subjects.ts'
import { Workbench } from './workbench.ts'

type Reads = Required<Pick<ConnectorSession, 'readOne' | 'changes'>>

/** Names of the scenarios that a connector with these reads does not pass. */
async function failuresOf(change: (reads: Reads) => Partial<Reads>, run: (kit: ObserveKit) => [readonly ObserveScenario[], (scenario: ObserveScenario) => Promise<ObserveOutcome>]): Promise<string[]> {
  const bench = new Workbench()
  const served = restServed('offset')
  const subject = await serve({
    ...served,
    wrap: (app) => ({
      ...app,
      async open(platform) {
        const session = await app.open(platform)
        const { readOne, changes } = session
        if (readOne === undefined || changes === undefined) throw new Error('nothing to break')
        return { ...session, ...change({ readOne, changes }), close: () => session.close() }
      },
    }),
  })
  const [scenarios, judged] = run(new ObserveKit(subject.writes, bench.options))
  const failed: string[] = []
  for (const scenario of scenarios) if ((await judged(scenario)).wrong.length > 0) failed.push(scenario.name)
  await subject.stop()
  bench.dispose()
  return failed
}

const unless = <T>(answer: Promise<T>, instead: T): Promise<T> =>
  answer.catch((error: unknown) => {
    if (error instanceof ConnectError) return instead
    throw error
  })

it('a connector that takes every error for an account that is gone is found out', async () => {
  const failed = await failuresOf(({ readOne }) => ({ readOne: (id) => unless(readOne(id), null) }), (kit) => [singleScenariosFor(new Set(['id', 'world'])), (scenario) => kit.single(scenario)])
  expect(failed).toEqual([
    '500 for good', '403', '401 for good', 'the connection is reset for good', 'JSON that ends in the middle, with the right length',
    'a sign-in page with 200', 'a redirect to another host', 'not found, and no other one either',
  ])
}, 120_000)

it('a connector that moves its cursor on though nobody answered is found out', async () => {
  const failed = await failuresOf(({ changes }) => ({ changes: (cursor) => unless(changes(cursor), { accounts: [], cursor: '1000' }) }), (kit) => [changeScenarios, (scenario) => kit.changes(scenario)])
  expect(failed).toEqual([
    '500 for good', '403', '401 for good', 'the connection is reset for good', 'JSON that ends in the middle, with the right length', 'an empty body with 200', 'null with 200',
    'a sign-in page with 200', 'an error inside 200', 'a redirect to another host', 'there is no cursor in the answer', 'the cursor is no longer known, once',
    'the cursor is no longer known, for good', 'a change names nobody',
  ])
}, 120_000)
