import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ObserveKit } from '../../src/conformance/observe-kit.ts'
import { changeScenarios, singleScenariosFor } from '../../src/conformance/observe-scenarios.ts'
import { oauthServed, restServed, scimServed, serve, type ServedSubject } from './subjects.ts'
import { Workbench } from './workbench.ts'

const served = [
  { one: restServed('offset'), apart: false, changes: true },
  { one: oauthServed(), apart: false, changes: true },
  { one: scimServed('index'), apart: true, changes: false },
]

describe.each(served.map((each) => [each.one.name, each] as const))('%s', (_name, { one, apart, changes }) => {
  const bench = new Workbench()
  let kit: ObserveKit
  let subject: ServedSubject
  beforeAll(async () => {
    subject = await serve(one)
    kit = new ObserveKit(subject.writes, bench.options)
  })
  afterAll(async () => {
    await subject.stop()
    bench.dispose()
  })

  it.each(singleScenariosFor(new Set(apart ? ['id', 'world', 'groups-apart'] : ['id', 'world'])).map((scenario) => [scenario.name, scenario] as const))('one account: %s', async (_scenario, scenario) => {
    const { wrong, fired, said } = await kit.single(scenario)
    expect(wrong, said).toEqual([])
    expect(fired).toBeGreaterThan(0)
  })

  it.each((changes ? changeScenarios : []).map((scenario) => [scenario.name, scenario] as const))('changes: %s', async (_scenario, scenario) => {
    const { wrong, fired, said } = await kit.changes(scenario)
    expect(wrong, said).toEqual([])
    expect(fired).toBeGreaterThan(0)
  })
})
