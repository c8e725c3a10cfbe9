import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { avroSchema, schemaFile, schemaText, storedSchemaText } from '../../schemas/generate.ts'
import { topicNames, topics } from '../../schemas/wire/topics.ts'
import { layoutOf } from '../../src/adapters/codec/layout.ts'
import { recordTypes } from '../support/arbitraries.ts'

describe('schemas/avro', () => {
  it.each(topicNames)('%s.avsc is what schemas/wire generates (else: npm run schemas)', (topic) => {
    expect(storedSchemaText(topic)).toBe(schemaText(topic))
  })

  it('holds one file for each topic and no other', () => {
    expect(readdirSync(dirname(schemaFile('raw'))).sort()).toEqual(topicNames.map((topic) => `${topic}.avsc`).sort())
  })

  it.each(topicNames)('%s: every record type is a branch, in the order of schemas/wire', (topic) => {
    const layout = layoutOf(topic, schemaText(topic))
    expect(layout.branches.map((branch) => branch.name)).toEqual(recordTypes(topic))
    expect(layout.chunked).toBe(topics[topic].chunked)
  })

  it.each(topicNames)('%s: every record carries its own name as its type, and all of its fields', (topic) => {
    const branches = layoutOf(topic, schemaText(topic)).branches
    for (const option of topics[topic].record.options as readonly z.ZodObject[]) {
      const name = (option.shape['type'] as z.ZodLiteral<string>).value
      const branch = branches.find((candidate) => candidate.name === name)
      const schema = branch?.type.schema() as { fields: { name: string; type: unknown }[] }
      expect(schema.fields.map((field) => field.name)).toEqual(Object.keys(option.shape))
      expect(schema.fields.find((field) => field.name === 'type')?.type).toMatchObject({ type: 'enum', symbols: [name] })
    }
  })

  it('gives every nullable field a default, so that a record written before it existed can be read', () => {
    const missing: string[] = []
    walk(topicNames.map(avroSchema), (field) => {
      if (Array.isArray(field.type) && field.type[0] === 'null' && field.default !== null) missing.push(field.name)
    })
    expect(missing).toEqual([])
  })
})

type Field = { name: string; type: unknown; default?: unknown }
function walk(schema: unknown, visit: (field: Field) => void): void {
  if (typeof schema !== 'object' || schema === null) return
  if ('fields' in schema) (schema.fields as Field[]).forEach(visit)
  for (const value of Object.values(schema)) walk(value, visit)
}
