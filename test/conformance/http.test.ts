import { describe, expect, it } from 'vitest'
import { Kit } from '../../src/conformance/kit.ts'
import { scenariosFor, transportScenariosFor } from '../../src/conformance/scenarios.ts'
import { restStyles } from '../../src/hostile/names.ts'
import { World } from '../../src/hostile/world.ts'
import { kitForAll, withSubject } from './serving.ts'
import { keycloakAside, keycloakServed, oauthServed, restServed, scimServed } from './subjects.ts'

const inFull = [...restStyles.map((style) => restServed(style)), oauthServed(), scimServed('index'), scimServed('cursor'), keycloakServed()]

describe('rest by cursor, with a client that waits for 300 ms', () => {
  const impatient = restServed('cursor')
  it.each(scenariosFor(new Set([...impatient.traits, 'impatient'])).filter(({ needs }) => needs.includes('impatient')).map((scenario) => [scenario.name, scenario] as const))('%s', async (_scenario, scenario) => {
    const result = await withSubject(impatient, async (subject, bench) => {
      const kit = await Kit.open(subject, { ...bench.options, timeouts: { connectMs: 300, headersMs: 300, bodyMs: 300, totalMs: 5_000 } })
      const told = await kit.run(scenario)
      kit.stop()
      return told
    })
    expect(result.wrong, `the run said: ${result.said}`).toEqual([])
  })
})

/** Lists without a count are tried with what can be seen there: what gets lost on the way. */
const aside = [
  keycloakAside('clients and their service accounts', (path) => /\/clients$|service-account-user$/.test(path)),
  keycloakAside('role holders and members of groups', (path) => /\/(?:members|users)$/.test(path) && !path.endsWith('hostile/users')),
  keycloakAside('roles and composite roles', (path) => /\/(?:roles|composites)$/.test(path)),
]
const served = [...inFull.map((one) => ({ one, scenarios: scenariosFor(new Set(one.traits)) })), ...aside.map((one) => ({ one, scenarios: transportScenariosFor(new Set(one.traits)) }))]

describe.each(served.map((each) => [each.one.name, each] as const))('%s', (_name, { one, scenarios }) => {
  const kit = kitForAll(one, (subject, bench) => Kit.open(subject, bench.options), (opened) => opened.stop())

  it('reads everything where nothing goes wrong', () => {
    expect([...kit().honest.accounts.keys()].sort()).toEqual([...World.corpus(23).users.keys()].sort())
  })

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', async (_scenario, scenario) => {
    const result = await kit().run(scenario)
    expect(result.wrong, `the run said: ${result.said}`).toEqual([])
  })
})
