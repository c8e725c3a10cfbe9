import { z } from 'zod'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { layoutOf } from './layout.ts'

/** `text`: the Avro schema as JSON, without documentation. */
export const StoredSchema = z.object({ topic: z.enum(topicNames), text: z.string() })
export type StoredSchema = z.infer<typeof StoredSchema>

/** Every schema that a message was ever written with. Nothing is removed: a log is read for as long as it is kept. */
export interface SchemaStore {
  get(id: number): StoredSchema | undefined
  /** Durable before the first message with this id can be appended. Repeating it is free. Throws if `id` stands for another schema. */
  put(id: number, topic: Topic, text: string): void
}

/** For `put` of any store: two schemas may not share an id. */
export function refuseCollision(id: number, stored: StoredSchema, topic: Topic, text: string): void {
  if (stored.topic === topic && stored.text === text) return
  throw new Error(
    `schema id ${id} of topic ${topic} already stands for another schema (topic ${stored.topic}): the two share 31 bits of SHA-256. ` +
      'Change anything in the new schema that alters its text, such as the order of two fields, and generate it again',
  )
}

/** Whether both lay messages out alike, however they are spelled: a registry may give one back with names in full, or in another order. */
export function isSameSchema(one: StoredSchema, other: StoredSchema): boolean {
  if (one.topic !== other.topic) return false
  return one.text === other.text || (isSchema(one) && formOf(one) === formOf(other))
}

/** Strangers may have put there what is none. */
export const isSchema = (stored: StoredSchema): boolean => formOf(stored) !== null

function formOf({ topic, text }: StoredSchema): string | null {
  try {
    const { chunked, union, branches } = layoutOf(topic, text)
    return JSON.stringify([chunked, union, branches.map(({ type }) => type.schema())])
  } catch {
    return null
  }
}
