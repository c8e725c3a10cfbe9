import { Kit } from '../../src/conformance/kit.ts'
import { ObserveKit, type ObserveOutcome } from '../../src/conformance/observe-kit.ts'
import type { ObserveScenario } from '../../src/conformance/observe-scenarios.ts'
import { scenariosFor } from '../../src/conformance/scenarios.ts'
import { WriteKit } from '../../src/conformance/write-kit.ts'
import { orders } from '../../src/conformance/write-order.ts'
import { ordersOf, writeScenariosFor } from '../../src/conformance/write-scenarios.ts'
import type { ConnectorSession } from '../../src/ports/connector.ts'
import { withSubject } from './serving.ts'
import type { Served } from './subjects.ts'
import type { WriteServed } from './write-subjects.ts'

/** Names of the scenarios that a reader does not pass. */
export const readFailures = (served: Served): Promise<string[]> =>
  withSubject(served, async (subject, bench) => {
    const kit = await Kit.open(subject, bench.options)
    const failed: string[] = []
    for (const scenario of scenariosFor(subject.traits)) if ((await kit.run(scenario)).wrong.length > 0) failed.push(scenario.name)
    kit.stop()
    return failed
  })

type Reads = Required<Pick<ConnectorSession, 'readOne' | 'changes'>>

/** Names of the scenarios that a connector whose single reads and changes become these does not pass. */
export function observeFailures(served: Served, change: (reads: Reads) => Partial<Reads>, run: (kit: ObserveKit) => [readonly ObserveScenario[], (scenario: ObserveScenario) => Promise<ObserveOutcome>]): Promise<string[]> {
  const wrap: Served['wrap'] = (app) => ({
    ...app,
    async open(platform) {
      const session = await app.open(platform)
      const { readOne, changes } = session
      if (readOne === undefined || changes === undefined) throw new Error('nothing to break')
      return { ...session, ...change({ readOne, changes }), close: () => session.close() }
    },
  })
  return withSubject({ ...served, wrap }, async (subject, bench) => {
    const [scenarios, judged] = run(new ObserveKit(subject.writes, bench.options))
    const failed: string[] = []
    for (const scenario of scenarios) if ((await judged(scenario)).wrong.length > 0) failed.push(scenario.name)
    return failed
  })
}

const tried = orders.filter(({ name }) => name === 'grant' || name === 'disable')

/** Scenario and order, for each that a writer does not pass. */
export const writeFailures = (served: WriteServed): Promise<string[]> =>
  withSubject(served, async (subject, bench) => {
    const kit = new WriteKit(subject.writes, bench.options)
    const failed: string[] = []
    for (const scenario of writeScenariosFor(new Set(served.writeTraits))) {
      for (const order of ordersOf(scenario, tried)) if ((await kit.run(scenario, order)).wrong.length > 0) failed.push(`${scenario.name}: ${order.name}`)
    }
    return failed
  })
