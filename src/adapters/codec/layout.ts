import { createHash } from 'node:crypto'
import type { Type } from 'avsc'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { canonical } from '../../core/canonical.ts'
import { strictTypes } from './strict-types.ts'

/** How one schema lays out a message: a chunk (array) of records or one record, each behind its branch index where there is a union. */
export interface Layout {
  topic: Topic
  id: number
  text: string
  chunked: boolean
  union: boolean
  /** in the order of the schema: a branch's index is what the wire holds */
  branches: readonly Branch[]
}

export interface Branch {
  /** what `type` says in the records of this branch */
  name: string
  type: Type
}

type Json = string | null | Json[] | { [key: string]: Json }

/** @param avro an Avro schema as JSON text, with or without documentation */
export function layoutOf(topic: Topic, avro: string): Layout {
  const schema = withoutDoc(JSON.parse(avro) as Json)
  const text = canonical(schema)
  const items = fieldOf(schema, 'Chunk', (type) => (type as { [key: string]: Json })['items'])
  const of = items ?? fieldOf(schema, 'Message', (type) => type) ?? schema
  const union = Array.isArray(of)
  const schemas = union ? of : [of]
  const types = strictTypes(schemas as Parameters<typeof strictTypes>[0], namespaceOf(schema))
  const branches = types.map((type) => ({ name: unqualified(type.name), type }))
  return { topic, id: schemaId(text), text, chunked: items !== undefined, union, branches }
}

/** 31 bits, since readers of the framing differ in whether the four bytes are signed. */
function schemaId(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) & 0x7fffffff
}

/** Of the one field of the record `name`, if the schema is that record. */
function fieldOf(schema: Json, name: string, take: (type: Json | undefined) => Json | undefined): Json | undefined {
  if (!isObject(schema) || unqualified(schema['name']) !== name) return undefined
  const [field] = schema['fields'] as { [key: string]: Json }[]
  return take(field?.['type'])
}

/** A schema that came through a registry may spell its names in full. */
const unqualified = (name: unknown): string => (typeof name === 'string' ? name.slice(name.lastIndexOf('.') + 1) : '')

function namespaceOf(schema: Json): string | undefined {
  const outermost = Array.isArray(schema) ? schema[0] : schema
  return outermost !== undefined && isObject(outermost) ? (outermost['namespace'] as string | undefined) : undefined
}

/** Better words about a field must not make another schema of it. */
function withoutDoc(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutDoc)
  if (!isObject(schema)) return schema
  return Object.fromEntries(Object.entries(schema).flatMap(([key, value]) => (key === 'doc' ? [] : [[key, withoutDoc(value)]])))
}

function isObject(schema: Json): schema is { [key: string]: Json } {
  return typeof schema === 'object' && schema !== null && !Array.isArray(schema)
}
