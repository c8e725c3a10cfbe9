import fc from 'fast-check'
import type { z } from 'zod'
import { topics, type RecordOf, type Topic } from '../../schemas/wire/topics.ts'

/** Any record that the topic may hold, derived from schemas/wire: a new field or record type is covered without touching this. */
export function recordOf<T extends Topic>(topic: T): fc.Arbitrary<RecordOf<T>> {
  return arbitrary(topics[topic].record) as fc.Arbitrary<RecordOf<T>>
}

/** Any record of one type. */
export function recordOfType<T extends Topic>(topic: T, type: string): fc.Arbitrary<RecordOf<T>> {
  const options = topics[topic].record.options as readonly z.ZodObject[]
  const option = options.find((candidate) => typesOf(candidate).includes(type))
  if (option === undefined) throw new Error(`${topic} holds no ${type}`)
  return arbitrary(option) as fc.Arbitrary<RecordOf<T>>
}

export function recordTypes(topic: Topic): string[] {
  return (topics[topic].record.options as readonly z.ZodObject[]).flatMap(typesOf)
}

/** Text of any code points. Halves of surrogate pairs are no text: the codec refuses them. */
export const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ unit: 'grapheme', minLength: 60, maxLength: 80 }))

const long = fc.oneof(
  fc.integer({ min: -200, max: 200 }),
  fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
  fc.maxSafeInteger(),
)

function typesOf(option: z.ZodObject): string[] {
  return [...(option.shape['type'] as z.ZodLiteral<string>).values]
}

function arbitrary(schema: z.ZodType): fc.Arbitrary<unknown> {
  const def = schema.def as z.core.$ZodTypeDef & Record<string, unknown>
  switch (def.type) {
    case 'string':
      return text
    case 'boolean':
      return fc.boolean()
    case 'number':
      return long
    case 'custom':
      return fc.uint8Array({ maxLength: 200 })
    case 'nullable':
      return fc.option(arbitrary(def['innerType'] as z.ZodType), { nil: null })
    case 'array':
      return fc.array(arbitrary(def['element'] as z.ZodType), { maxLength: 4 })
    case 'record':
      return fc.array(fc.tuple(text, arbitrary(def['valueType'] as z.ZodType)), { maxLength: 4 }).map((entries) => Object.fromEntries(entries))
    case 'literal':
      return fc.constantFrom(...(def['values'] as unknown[]))
    case 'enum':
      return fc.constantFrom(...Object.values(def['entries'] as Record<string, string>))
    case 'union':
      return fc.oneof(...(def['options'] as z.ZodType[]).map(arbitrary))
    case 'object':
      return fc.record(
        Object.fromEntries(Object.entries((schema as z.ZodObject).shape).map(([field, of]) => [field, arbitrary(of as z.ZodType)])),
        { noNullPrototype: true },
      )
    default:
      throw new Error(`no arbitrary for zod type ${def.type}`)
  }
}
