import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ObserveKit } from '../../src/conformance/observe-kit.ts'
import { changeScenariosFor, type ObserveTrait, singleScenariosFor } from '../../src/conformance/observe-scenarios.ts'
import { keycloakServed, oauthServed, restServed, scimServed, serve, type Served, type ServedSubject } from './subjects.ts'
import { Workbench } from './workbench.ts'

const common: ObserveTrait[] = ['id', 'world']
const served: { one: Served; traits: ObserveTrait[]; tellsChanges: boolean; account?: string }[] = [
  { one: restServed('offset'), traits: [...common, 'cursor'], tellsChanges: true },
  { one: oauthServed(), traits: [...common, 'cursor'], tellsChanges: true },
  { one: scimServed('index'), traits: [...common, 'groups-apart'], tellsChanges: false },
  { one: keycloakServed(), traits: [...common, 'groups-apart', 'change-pages'], tellsChanges: true },
  { one: { ...keycloakServed(), name: 'keycloak, a service account' }, traits: [...common, 'groups-apart'], tellsChanges: false, account: 'köhler' },
]

describe.each(served.map((each) => [each.one.name, each] as const))('%s', (_name, { one, traits, tellsChanges, account }) => {
  const bench = new Workbench()
  let kit: ObserveKit
  let subject: ServedSubject
  beforeAll(async () => {
    subject = await serve(one)
    kit = new ObserveKit({ ...subject.writes, ...(account !== undefined && { account }) }, bench.options)
  })
  afterAll(async () => {
    await subject.stop()
    bench.dispose()
  })

  it.each(singleScenariosFor(new Set(traits)).map((scenario) => [scenario.name, scenario] as const))('one account: %s', async (_scenario, scenario) => {
    const { wrong, fired, said } = await kit.single(scenario)
    expect(wrong, said).toEqual([])
    expect(fired).toBeGreaterThan(0)
  })

  it.each((tellsChanges ? changeScenariosFor(new Set(traits)) : []).map((scenario) => [scenario.name, scenario] as const))('changes: %s', async (_scenario, scenario) => {
    const { wrong, fired, said } = await kit.changes(scenario)
    expect(wrong, said).toEqual([])
    expect(fired).toBeGreaterThan(0)
  })
})
