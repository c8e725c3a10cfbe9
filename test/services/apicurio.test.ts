import { afterEach, expect, it } from 'vitest'
import { startSchemaRegistry } from './apicurio.ts'

const given = process.env['SCHEMA_REGISTRY_URL']
afterEach(() => {
  if (given === undefined) delete process.env['SCHEMA_REGISTRY_URL']
  else process.env['SCHEMA_REGISTRY_URL'] = given
})

it('SCHEMA_REGISTRY_URL: a registry that runs already is used, and left alone', async () => {
  process.env['SCHEMA_REGISTRY_URL'] = 'http://127.0.0.1:9/of-somebody'
  const registry = await startSchemaRegistry()
  expect(registry.url).toBe('http://127.0.0.1:9/of-somebody')
  await registry.stop()
})
