import { expect, it } from 'vitest'
import { DowngradeError, StateFormatError } from '../../src/runtime/errors.ts'
import { requireOwnStates } from '../../src/runtime/made-by.ts'
import { tally } from '../support/fixture-processors.ts'
import { Topology } from '../support/topology.ts'
import { codec, logKinds } from './logs.ts'

it.each(logKinds)('refuses states of newer code and of another format on the $name, and nothing else', async ({ open }) => {
  await using log = await open(2)
  const current = { ...tally, version: 2, stateFormat: 2 }
  await requireOwnStates(log, [current], '1')
  await new Topology({ types: [current], log, codec, release: '1' }).drain()
  const end = await log.end('raw', 1)
  await requireOwnStates(log, [{ ...current, version: 3 }], '2')
  await expect(requireOwnStates(log, [{ ...current, version: 1 }], '0')).rejects.toThrow(DowngradeError)
  await expect(requireOwnStates(log, [{ ...current, stateFormat: 3 }], '2')).rejects.toThrow(StateFormatError)
  expect(await log.end('raw', 1)).toBe(end)
  await new Topology({ types: [current], log, codec, release: '1' }).drain()
})
