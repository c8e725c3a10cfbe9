import { afterEach, beforeEach, expect, it } from 'vitest'
import { storedSchemaText } from '../../../schemas/generate.ts'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { layoutOf } from '../../../src/adapters/codec/layout.ts'
import type { SchemaStore, StoredSchema } from '../../../src/adapters/codec/schema-store.ts'
import { openRegistryCodec, type RegistryCodec } from '../../../src/adapters/codec-registry/registry-codec.ts'
import { seen } from '../../support/fixture-processors.ts'
import { startSmallRegistry, type SmallRegistry } from '../../support/small-registry.ts'

/** What the log has kept of the numbers that a registry gave, whoever wrote it there. */
class Kept implements SchemaStore {
  readonly schemas = new Map<number, StoredSchema>()

  get(id: number): StoredSchema | undefined {
    return this.schemas.get(id)
  }

  put(id: number, topic: Topic, text: string): void {
    if (this.schemas.has(id)) throw new Error(`${id} is there already`)
    this.schemas.set(id, { topic, text })
  }
}

let registry: SmallRegistry
let kept: Kept
beforeEach(async () => {
  registry = await startSmallRegistry()
  kept = new Kept()
})
afterEach(() => registry.close())

const open = (): Promise<RegistryCodec> => openRegistryCodec({ ...registry, prefix: '', kept })
const everyNumber = topicNames.map((_topic, n) => n + 1)

it('every schema that the registry gave a number is kept', async () => {
  await open()
  expect([...kept.schemas.keys()].sort((a, b) => a - b)).toEqual(everyNumber)
  expect(new Set([...kept.schemas.values()].map(({ text }) => text))).toEqual(new Set(topicNames.map((topic) => layoutOf(topic, storedSchemaText(topic)).text)))
})

it('what a stranger has put under a number is no schema, and stands in nobody’s way', async () => {
  for (const id of everyNumber) kept.schemas.set(id, { topic: 'raw', text: id % 2 === 0 ? '{' : '{"type":"unheard-of"}' })
  const { codec, schemas } = await open()
  const message = codec.encode('raw', [seen('ann')])
  await schemas.meet([message])
  expect(codec.decode('raw', message)).toEqual([seen('ann')])
})

it('a schema that another release got from the registry, which spells it otherwise, is the same', async () => {
  await open()
  for (const [id, { topic, text }] of kept.schemas) kept.schemas.set(id, { topic, text: JSON.stringify(spelledOtherwise(JSON.parse(text) as Json)) })
  const { codec } = await open()
  expect(codec.decode('raw', codec.encode('raw', [seen('ann')]))).toEqual([seen('ann')])
})

it('a schema that lacks a field is another one, also where its topic is the same', async () => {
  await open()
  const [id, { text }] = [...kept.schemas].find(([, { topic }]) => topic === 'findings')!
  const schema = JSON.parse(text) as { fields: { name: string }[] }
  kept.schemas.set(id, { topic: 'findings', text: JSON.stringify({ ...schema, fields: schema.fields.filter(({ name }) => name !== 'successor') }) })
  await expect(open()).rejects.toThrow(`gives number ${id} to a schema of findings, and in this log it stands for another one, of findings`)
})

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** With the keys of every object in the other order, and names in full. */
function spelledOtherwise(schema: Json, namespace = ''): Json {
  if (Array.isArray(schema)) return schema.map((item) => spelledOtherwise(item, namespace))
  if (typeof schema !== 'object' || schema === null) return schema
  const { type, namespace: own = namespace } = schema
  const spell = (key: string, value: Json): Json => {
    const isName = key === 'name' && (type === 'record' || type === 'enum') && typeof value === 'string' && !value.includes('.')
    return isName ? `${own as string}.${value}` : spelledOtherwise(value, own as string)
  }
  return Object.fromEntries(Object.entries(schema).reverse().map(([key, value]) => [key, spell(key, value)]))
}
