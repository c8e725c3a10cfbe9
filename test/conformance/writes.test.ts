import { describe, expect, it } from 'vitest'
import { WriteKit } from '../../src/conformance/write-kit.ts'
import { orders } from '../../src/conformance/write-order.ts'
import { ordersOf, writeScenariosFor } from '../../src/conformance/write-scenarios.ts'
import { kitForAll, withSubject } from './serving.ts'
import { ensuringServed, keycloakWritten, keyedServed, oauthWritten, scimWritten } from './write-subjects.ts'

it.each(orders)('rest, OAuth2: $name where the token ends in between', async (order) => {
  await withSubject(oauthWritten(), async (subject, bench) => {
    const kit = new WriteKit(subject.writes, bench.options)
    for (const scenario of writeScenariosFor(new Set(['renewable'])).filter(({ needs }) => needs.includes('renewable'))) {
      const { wrong, said } = await kit.run(scenario, order)
      expect(wrong, `the verdicts were ${said}`).toEqual([])
    }
  })
})

describe.each([ensuringServed(), keyedServed(), scimWritten(), keycloakWritten('groups'), keycloakWritten('roles')].map((one) => [one.name, one] as const))('%s', (_name, one) => {
  const kit = kitForAll(one, (subject, bench) => new WriteKit(subject.writes, bench.options))

  const possible = orders.filter(({ operations }) => operations.every(({ name }) => one.operations.includes(name)))

  it.each(possible)('$name: is applied where nothing goes wrong', async (order) => {
    expect((await kit().run(null, order)).wrong).toEqual([])
  })

  const cases = writeScenariosFor(new Set(one.writeTraits)).flatMap((scenario) => ordersOf(scenario, possible).map((order) => [scenario.name, order.name, scenario, order] as const))
  it.each(cases)('%s: %s', async (_scenario, _order, scenario, order) => {
    const { wrong, said } = await kit().run(scenario, order)
    expect(wrong, `the verdicts were ${said}`).toEqual([])
  })
})
