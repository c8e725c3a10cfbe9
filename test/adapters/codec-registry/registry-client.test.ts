import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storedSchemaText } from '../../../schemas/generate.ts'
import { RegistryClient, RegistryError } from '../../../src/adapters/codec-registry/registry-client.ts'
import { openRegistryCodec } from '../../../src/adapters/codec-registry/registry-codec.ts'
import { CodecError } from '../../../src/ports/codec.ts'
import { MemorySchemaStore } from '../../support/memory-schemas.ts'
import { startSmallRegistry, type SmallRegistry } from '../../support/small-registry.ts'

const id = 77
const message = Uint8Array.of(0, 0, 0, 0, id, 2, 0, 0)

let registry: SmallRegistry
beforeEach(async () => {
  registry = await startSmallRegistry()
})
afterEach(() => registry.close())

const ofRaw = (schema: object): string => JSON.stringify({ namespace: 'grantline.raw', name: 'Chunk', ...schema })
const records = (items: unknown): string => ofRaw({ type: 'record', fields: [{ name: 'records', type: { type: 'array', items } }] })

describe('an id that the registry has a schema for which is none of ours is an error of the data at once', () => {
  it.each<[string, object]>([
    ['of a stranger, that avsc can’t parse', { schema: '{"type":"record","name":"Order","fields":[{"name":"at","type":"long","default":"never"}]}' }],
    ['of a stranger, that refers to others', { schema: '{"type":"record","name":"Order","fields":[{"name":"by","type":"shop.Person"}]}', references: [{ name: 'shop.Person', subject: 'gone', version: 1 }] }],
    ['that is no Avro at all', { schema: 'message of shop' }],
    ['of JSON, that ajv can’t parse', { schemaType: 'JSON', schema: '{"type":"no such type"}' }],
    ['of Protobuf, that protobufjs can’t parse', { schemaType: 'PROTOBUF', schema: 'syntax = "proto4"; nonsense' }],
    ['of Protobuf, whose imports are gone', { schemaType: 'PROTOBUF', schema: 'syntax = "proto3"; message A {}', references: [{ name: 'b.proto', subject: 'gone', version: 9 }] }],
    ['of a kind that came later', { schemaType: 'CAPNPROTO', schema: 'struct A {}' }],
    ['that has our name and no fields', { schema: ofRaw({ type: 'enum', symbols: ['a'] }) }],
    ['that has our name and is a map', { schema: ofRaw({ type: 'record', fields: [{ name: 'records', type: { type: 'map', values: 'long' } }] }) }],
    ['that has our name and names a type that it lacks', { schema: records('Missing') }],
    ['that has our name and says one thing twice', { schema: records([{ type: 'record', name: 'A', fields: [] }, { type: 'record', name: 'A', fields: [] }]) }],
    ['that has our name and holds no records', { schema: records('string') }],
    ['that has our name and is nested very deeply', { schema: records('deep').replace('"deep"', '['.repeat(50_000) + ']'.repeat(50_000)) }],
    ['that has our name and is nested in itself', { schema: records([{ type: 'record', name: 'Seen', fields: [{ name: 'next', type: ['null', 'Seen'] }] }]) }],
  ])('%s', async (_name, told) => {
    const { codec, schemas } = await openRegistryCodec({ kept: new MemorySchemaStore(), ...registry, prefix: '' })
    registry.told.set(id, told)
    await schemas.meet([message])
    expect(() => codec.decode('raw', message)).toThrow(CodecError)
  })
})

describe('what is no answer of a registry is asked again, and is nobody’s schema', () => {
  it.each<[string, unknown]>([
    ['a page', '<html>login</html>'],
    ['nothing', null],
    ['an object without a schema', { message: 'maintenance' }],
    ['a schema that is no text', { schema: 7 }],
  ])('%s for a schema', async (_name, told) => {
    const { codec, schemas } = await openRegistryCodec({ kept: new MemorySchemaStore(), ...registry, prefix: '' })
    registry.told.set(id, told)
    await expect(schemas.meet([message])).rejects.toThrow(RegistryError)
    expect(() => codec.decode('raw', message)).toThrow(RegistryError)
  })

  it.each<[string, string]>([
    ['a page', '<html>login</html>'],
    ['an object without an id', '{}'],
    ['an id that is no number', '{"id":"7"}'],
    ['an id of more than 32 bits', '{"id":4294967296}'],
    ['an id that is negative', '{"id":-1}'],
  ])('%s for a registration', async (_name, body) => {
    registry.inFront = ({ method }, response) => method === 'POST' && response.writeHead(200).end(body) === response
    const registering = new RegistryClient(registry).register('raw-value', storedSchemaText('raw'))
    await expect(registering).rejects.toThrow(/registering raw-value at the schema registry .* failed/)
    await expect(registering).rejects.toThrow(RegistryError)
  })
})

it('nothing is asked of a host that a redirection points to', async () => {
  let asked = 0
  const other = createServer((_request, response) => {
    asked++
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":1,"compatibilityLevel":"FULL_TRANSITIVE","schema":"\\"string\\""}')
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  try {
    const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`
    for (const status of [301, 302, 303, 307, 308]) {
      registry.inFront = ({ method }, response) => method !== 'GET' && response.writeHead(status, { location }).end() === response
      await expect(new RegistryClient({ ...registry, username: 'u', password: 'p' }).register(`${status}-value`, storedSchemaText('raw'))).rejects.toThrow(RegistryError)
      registry.inFront = (_request, response) => response.writeHead(status, { location }).end() === response
      await expect(new RegistryClient(registry).schema(id)).rejects.toThrow(RegistryError)
    }
    expect(asked).toBe(0)
  } finally {
    other.close()
  }
})
