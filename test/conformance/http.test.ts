import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Kit, type Subject } from '../../src/conformance/kit.ts'
import { scenariosFor } from '../../src/conformance/scenarios.ts'
import { restStyles } from '../../src/hostile/rest-dialect.ts'
import { World } from '../../src/hostile/world.ts'
import { Workbench } from './workbench.ts'
import { keycloakServed, oauthServed, restServed, scimServed, serve } from './subjects.ts'

const served = [...restStyles.map((style) => restServed(style)), oauthServed(), scimServed('index'), scimServed('cursor'), keycloakServed()]

describe('rest by cursor, with a client that waits for 300 ms', () => {
  const impatient = restServed('cursor')
  it.each(scenariosFor(new Set([...impatient.traits, 'impatient'])).filter(({ needs }) => needs.includes('impatient')).map((scenario) => [scenario.name, scenario] as const))('%s', async (_scenario, scenario) => {
    const bench = new Workbench()
    const subject = await serve(impatient)
    const kit = await Kit.open(subject, { ...bench.options, timeouts: { connectMs: 300, headersMs: 300, bodyMs: 300, totalMs: 5_000 } })
    const result = await kit.run(scenario)
    kit.stop()
    await subject.stop()
    bench.dispose()
    expect(result.wrong, `the run said: ${result.said}`).toEqual([])
  })
})

describe.each(served.map((one) => [one.name, one] as const))('%s', (_name, one) => {
  const bench = new Workbench()
  let kit: Kit
  let subject: Subject
  beforeAll(async () => {
    subject = await serve(one)
    kit = await Kit.open(subject, bench.options)
  })
  afterAll(async () => {
    kit.stop()
    await subject.stop()
    bench.dispose()
  })

  it('reads everything where nothing goes wrong', () => {
    expect([...kit.honest.accounts.keys()].sort()).toEqual([...World.corpus(23).users.keys()].sort())
  })

  it.each(scenariosFor(new Set(one.traits)).map((scenario) => [scenario.name, scenario] as const))('%s', async (_scenario, scenario) => {
    const result = await kit.run(scenario)
    expect(result.wrong, `the run said: ${result.said}`).toEqual([])
  })
})
