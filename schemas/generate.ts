import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { topicNames, topics, type Topic } from './wire/topics.ts'

/** Avro schemas are derived from schemas/wire, told once there. `npm run schemas` writes them, a test holds them equal. */
type Avro = string | { [key: string]: unknown } | Avro[]

export function avroSchema(topic: Topic): Avro {
  const namespace = `grantline.${topic.replaceAll('-', '_')}`
  const named = new Set<string>()

  function convert(schema: z.core.$ZodType, hint: string): Avro {
    const def = (schema as z.ZodType).def as z.core.$ZodTypeDef & Record<string, unknown>
    const meta = z.globalRegistry.get(schema)
    const name = meta?.id ?? hint
    switch (def.type) {
      case 'string':
        return 'string'
      case 'boolean':
        return 'boolean'
      case 'number':
        return 'long'
      case 'custom':
        return 'bytes'
      case 'nullable':
        return ['null', convert(def['innerType'] as z.ZodType, hint)]
      case 'array':
        return { type: 'array', items: convert(def['element'] as z.ZodType, hint) }
      case 'record':
        return { type: 'map', values: convert(def['valueType'] as z.ZodType, hint) }
      case 'literal':
        return define(`${hint}Type`, () => ({ type: 'enum', symbols: def['values'] }))
      case 'enum': {
        const symbols = Object.values(def['entries'] as Record<string, string>)
        return symbols.every(isAvroName) ? define(name, () => ({ type: 'enum', symbols })) : 'string'
      }
      case 'union':
        return (def['options'] as z.ZodType[]).map((option) => convert(option, hint))
      case 'object':
        return define(name, () => ({
          type: 'record',
          fields: Object.entries((schema as z.ZodObject).shape).map(([field, of]) => {
            const type = convert(of as z.ZodType, field === 'type' ? name : `${name}_${field}`)
            const doc = z.globalRegistry.get(of as z.ZodType)?.description
            return { name: field, ...(doc ? { doc } : {}), type, ...(Array.isArray(type) && type[0] === 'null' ? { default: null } : {}) }
          }),
        }))
      default:
        throw new Error(`schemas/wire: no Avro form for zod type ${def.type} (at ${hint})`)
    }
  }

  function define(name: string, body: () => Record<string, unknown>): Avro {
    if (named.has(name)) return name
    const outermost = named.size === 0
    named.add(name)
    const { type, ...rest } = body()
    return { type: type as string, name, ...(outermost ? { namespace } : {}), ...rest }
  }

  const options = topics[topic].record.options as readonly z.ZodType[]
  const { chunked } = topics[topic]
  if (!chunked && options.length === 1) return convert(options[0]!, topic)
  named.add(chunked ? 'Chunk' : 'Message')
  const branches = options.map((option) => convert(option, topic))
  if (chunked) return { type: 'record', name: 'Chunk', namespace, fields: [{ name: 'records', type: { type: 'array', items: branches } }] }
  // a registry takes no schema without a name; the record adds no byte to the union
  return { type: 'record', name: 'Message', namespace, fields: [{ name: 'record', type: branches }] }
}

/** A word with a dash can't be an Avro symbol; an enum that has one travels as a string. */
const isAvroName = (word: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(word)

export const schemaFile = (topic: Topic): string => fileURLToPath(new URL(`./avro/${topic}.avsc`, import.meta.url))
export const schemaText = (topic: Topic): string => `${JSON.stringify(avroSchema(topic), null, 2)}\n`
export const storedSchemaText = (topic: Topic): string => readFileSync(schemaFile(topic), 'utf8')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(new URL('./avro', import.meta.url), { recursive: true })
  for (const topic of topicNames) writeFileSync(schemaFile(topic), schemaText(topic))
}
