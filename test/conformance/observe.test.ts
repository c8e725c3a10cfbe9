import { describe, expect, it } from 'vitest'
import { ObserveKit } from '../../src/conformance/observe-kit.ts'
import { changeScenariosFor, type ObserveTrait, singleScenariosFor } from '../../src/conformance/observe-scenarios.ts'
import { kitForAll } from './serving.ts'
import { keycloakServed, oauthServed, restServed, scimServed, type Served } from './subjects.ts'

const common: ObserveTrait[] = ['id', 'world']
const served: { one: Served; traits: ObserveTrait[]; tellsChanges: boolean; account?: string }[] = [
  { one: restServed('offset'), traits: [...common, 'cursor'], tellsChanges: true },
  { one: oauthServed(), traits: [...common, 'cursor'], tellsChanges: true },
  { one: scimServed('index'), traits: [...common, 'groups-apart'], tellsChanges: false },
  { one: keycloakServed(), traits: [...common, 'groups-apart', 'change-pages'], tellsChanges: true },
  { one: { ...keycloakServed(), name: 'keycloak, a service account' }, traits: [...common, 'groups-apart'], tellsChanges: false, account: 'köhler' },
]

describe.each(served.map((each) => [each.one.name, each] as const))('%s', (_name, { one, traits, tellsChanges, account }) => {
  const kit = kitForAll(one, (subject, bench) => new ObserveKit({ ...subject.writes, ...(account !== undefined && { account }) }, bench.options))

  it.each(singleScenariosFor(new Set(traits)).map((scenario) => [scenario.name, scenario] as const))('one account: %s', async (_scenario, scenario) => {
    const { wrong, fired, said } = await kit().single(scenario)
    expect(wrong, said).toEqual([])
    expect(fired).toBeGreaterThan(0)
  })

  it.each((tellsChanges ? changeScenariosFor(new Set(traits)) : []).map((scenario) => [scenario.name, scenario] as const))('changes: %s', async (_scenario, scenario) => {
    const { wrong, fired, said } = await kit().changes(scenario)
    expect(wrong, said).toEqual([])
    expect(fired).toBeGreaterThan(0)
  })
})
