import { afterAll, describe, expect, it } from 'vitest'
import { WebhookKit } from '../../src/conformance/webhook-kit.ts'
import { webhookScenarios } from '../../src/conformance/webhook-scenarios.ts'
import { Workbench } from './workbench.ts'

describe.each([
  ['standard', 'content'],
  ['hmac', 'content'],
  ['standard', 'hints'],
] as const)('webhooks, %s, %s', (scheme, meaning) => {
  const bench = new Workbench()
  const kit = new WebhookKit(bench.options, scheme, meaning)
  afterAll(() => bench.dispose())

  it('are known as they were sent where nothing goes wrong', async () => {
    expect(await kit.run(null)).toEqual([])
  })

  const own = webhookScenarios.filter((scenario) => (scenario.scheme ?? scheme) === scheme)
  it.each(own.map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
    expect(await kit.run(scenario)).toEqual([])
  })
})
